/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_text.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/address_text.h"

static uint64_t realtime(uint64_t monotonic_ns, int64_t offset_ns)
{
	return (uint64_t)((int64_t)monotonic_ns + offset_ns);
}

struct end { /* what is known of one end of a conversation */
	rf_identity_t identity;
	struct rf_addr addr;
	uint16_t port;
};

/* Nobody has no number: whoever is outside the mesh, unless the address says that it is not, or there is no address either. */
static const char *nameless(const struct rf_event_side *side, rf_identity_t identity)
{
	return identity || side->service || side->pod || rf_addr_is_none(&side->addr) ? "unknown" : "outside";
}

static void draft_side(const struct rf_resolver *resolver, struct rf_event_draft *d, int which, const struct end *end)
{
	struct rf_event_side *side = which ? &d->line.destination : &d->line.source;

	*side = (struct rf_event_side){.addr = end->addr, .port = end->port};
	if (!rf_addr_is_none(&end->addr)) {
		if (resolver->pod(resolver->arg, &end->addr, d->pods[which], sizeof(d->pods[which])) == 0)
			side->pod = d->pods[which];
		else if (resolver->service(resolver->arg, &end->addr, d->services[which], sizeof(d->services[which])) == 0)
			side->service = d->services[which];
	}
	if (end->identity && resolver->identity(resolver->arg, end->identity, d->accounts[which], sizeof(d->accounts[which])) == 0)
		side->account = d->accounts[which];
	else
		side->account = nameless(side, end->identity);
}

static void draft_reason(const struct rf_resolver *resolver, struct rf_event_draft *d, uint16_t reason, uint32_t rule_id, rf_epoch_t epoch)
{
	d->line.reason = reason;
	d->line.epoch = epoch;
	d->line.verdict = rf_event_verdict_for(reason, d->line.would);
	if (rule_id && resolver->rule(resolver->arg, rule_id, d->rule, sizeof(d->rule)) == 0)
		d->line.rule = d->rule;
}

static enum rf_line_kind kind_of(const struct rf_event *event)
{
	switch (event->kind) {
	case RF_EVENT_CONNECT:
		return RF_LINE_CONNECT;
	case RF_EVENT_CLOSE:
		return RF_LINE_CLOSE;
	default: /* of what passes, only flows are admitted; an ICMP error belongs to one */
		return rf_reason_admits(event->reason) && event->reason != RF_REASON_ALLOW_RELATED ? RF_LINE_OPEN : RF_LINE_PACKET;
	}
}

void rf_event_draft(const struct rf_resolver *resolver, const struct rf_event *event, int64_t clock_offset_ns, struct rf_event_draft *ret)
{
	struct end source = {event->src, event->saddr, event->sport}, destination = {event->dst, event->daddr, event->dport};
	uint16_t reason = event->reason;

	/* A connection to oneself never leaves the pod, so nothing but its end is seen of it. */
	if (event->kind == RF_EVENT_CLOSE && rf_addr_equal(&event->saddr, &event->daddr)) {
		destination.identity = source.identity;
		reason = RF_REASON_ALLOW_SELF;
	}
	ret->line = (struct rf_event_line){
		.time_ns = realtime(event->time_ns, clock_offset_ns),
		.kind = kind_of(event),
		.proto = event->proto,
		.has_bytes = event->kind == RF_EVENT_CLOSE,
		.has_duration = event->kind == RF_EVENT_CLOSE,
		.bytes = event->bytes,
		.duration_ns = event->duration_ns,
	};
	draft_side(resolver, ret, 0, &source);
	draft_side(resolver, ret, 1, &destination);
	draft_reason(resolver, ret, reason, event->rule_id, event->epoch);
}

bool rf_flow_failed(const struct rf_tuple *key, const struct rf_flow *flow)
{
	return key->proto == IPPROTO_TCP && (!(flow->life & RF_FLOW_ANSWERED) || (flow->life & RF_FLOW_HALF_OPEN));
}

void rf_flow_draft(const struct rf_resolver *resolver, const struct rf_tuple *key, const struct rf_flow *flow, int64_t clock_offset_ns,
		   struct rf_event_draft *ret)
{
	const struct end source = {flow->src, key->saddr, key->sport}, destination = {flow->dst, key->daddr, key->dport};

	ret->line = (struct rf_event_line){
		.time_ns = realtime(flow->seen_ns, clock_offset_ns),
		.kind = RF_LINE_CLOSE,
		.proto = key->proto,
		.has_bytes = true,
		.bytes = flow->bytes,
	};
	draft_side(resolver, ret, 0, &source);
	draft_side(resolver, ret, 1, &destination);
	draft_reason(resolver, ret, flow->reason, flow->rule_id, flow->epoch);
	if (rf_flow_failed(key, flow) && ret->line.verdict == RF_EVENT_ALLOWED)
		ret->line.verdict = RF_EVENT_FAILED;
}

/* Bytes of a request line are not text that a terminal or a JSON reader should meet: only printable ASCII stays. */
static void escape(char *to, size_t size, const char *bytes, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < room && bytes[i] && n + 5 <= size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		n += (size_t)snprintf(to + n, size - n, c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	to[n] = '\0';
}

void rf_access_draft(const struct rf_resolver *resolver, const struct rf_access_record *record, int64_t clock_offset_ns,
		     struct rf_event_draft *ret)
{
	struct end source = {.identity = record->src}; /* the record does not say which port of the pod it was */
	const struct end destination = {record->dst, record->dst_addr, record->dst_port};

	(void)resolver->pod_addr(resolver->arg, record->pod, &record->dst_addr, &source.addr);
	ret->line = (struct rf_event_line){
		.time_ns = realtime(record->time_ns, clock_offset_ns),
		.kind = RF_LINE_REQUEST,
		.proto = RF_LINE_HTTP,
		.has_bytes = true,
		.has_duration = true,
		.status = record->status,
		.path_len = record->path_len >= sizeof(record->path) ? record->path_len : 0,
		.bytes = record->request_bytes + record->response_bytes,
		.duration_ns = record->duration_ns,
		.method = ret->method,
		.path = ret->path,
	};
	draft_side(resolver, ret, 0, &source);
	draft_side(resolver, ret, 1, &destination);
	draft_reason(resolver, ret, record->reason, record->rule_id, record->epoch);
	escape(ret->method, sizeof(ret->method), record->method, sizeof(record->method));
	escape(ret->path, sizeof(ret->path), record->path, sizeof(record->path));
}

struct rf_event_line rf_note_draft(const char *kind, const char *text, uint64_t realtime_ns)
{
	return (struct rf_event_line){.time_ns = realtime_ns, .verdict = RF_EVENT_NOTE, .kind = RF_LINE_NOTE, .note = kind, .text = text};
}
