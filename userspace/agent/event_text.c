/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_text.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/address_text.h"
#include "core/reason_text.h"

void rf_time_text(uint64_t realtime_ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	char date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret, size, "%s.%03uZ", date, (unsigned)(realtime_ns / 1000000 % 1000));
}

static void add_time(cJSON *o, uint64_t monotonic_ns, int64_t offset_ns)
{
	char text[64];

	rf_time_text((uint64_t)((int64_t)monotonic_ns + offset_ns), text, sizeof(text));
	cJSON_AddStringToObject(o, "time", text);
}

/* A side of the conversation: who ("ns/service-account", "outside"), which pod or Service, which address. */
static void add_side(cJSON *o, const struct rf_resolver *resolver, const char *side, rf_identity_t identity, const struct rf_addr *addr,
		     uint16_t port)
{
	char name[RF_IDENTITY_NAME_MAX], field[64], text[RF_ADDR_PORT_TEXT_MAX];
	char pod[RF_IDENTITY_NAME_MAX];

	if (!identity || resolver->identity(resolver->arg, identity, name, sizeof(name)) < 0)
		snprintf(name, sizeof(name), identity ? "unknown" : "outside");
	cJSON_AddStringToObject(o, side, name);
	if (rf_addr_is_none(addr))
		return;
	if (resolver->address(resolver->arg, addr, port, pod, sizeof(pod)) == 0) {
		snprintf(field, sizeof(field), "%s_pod", side);
		cJSON_AddStringToObject(o, field, pod);
	}
	if (port)
		rf_addr_port_text(addr, port, text, sizeof(text));
	else
		rf_addr_text(addr, text, sizeof(text));
	snprintf(field, sizeof(field), "%s_address", side);
	cJSON_AddStringToObject(o, field, text);
}

static void add_reason(cJSON *o, const struct rf_resolver *resolver, uint32_t reason, uint32_t rule_id, rf_epoch_t epoch)
{
	char rule[RF_RULE_TEXT_MAX];

	cJSON_AddStringToObject(o, "reason", rf_reason_name(reason));
	cJSON_AddStringToObject(o, "reason_text", rf_reason_text(reason));
	if (rule_id && resolver->rule(resolver->arg, rule_id, rule, sizeof(rule)) == 0)
		cJSON_AddStringToObject(o, "rule", rule);
	cJSON_AddNumberToObject(o, "epoch", epoch);
}

static enum rf_event_verdict verdict_of(uint32_t reason)
{
	if (reason == RF_REASON_UPSTREAM_FAILED)
		return RF_EVENT_FAILED;
	return rf_reason_admits(reason) ? RF_EVENT_ALLOWED : RF_EVENT_DENIED;
}

static const char *kind_name(uint8_t kind)
{
	switch (kind) {
	case RF_EVENT_CONNECT:
		return "connect";
	case RF_EVENT_PACKET:
		return "packet";
	case RF_EVENT_CLOSE:
		return "close";
	default:
		return "unknown";
	}
}

static const char *proto_name(uint8_t proto, char *room, size_t size)
{
	if (proto == IPPROTO_TCP)
		return "tcp";
	if (proto == IPPROTO_UDP)
		return "udp";
	if (proto == IPPROTO_ICMP)
		return "icmp";
	if (proto == IPPROTO_ICMPV6)
		return "icmp6";
	snprintf(room, size, "%u", proto);
	return room;
}

cJSON *rf_event_render(const struct rf_resolver *resolver, const struct rf_event *event, int64_t clock_offset_ns,
		       enum rf_event_verdict *ret_verdict)
{
	enum rf_event_verdict verdict = verdict_of(event->reason);
	cJSON *o = cJSON_CreateObject();
	char proto[8];

	if (!o)
		return NULL;
	add_time(o, event->time_ns, clock_offset_ns);
	cJSON_AddStringToObject(o, "kind", kind_name(event->kind));
	cJSON_AddStringToObject(o, "verdict", rf_event_verdict_name(verdict));
	cJSON_AddStringToObject(o, "protocol", proto_name(event->proto, proto, sizeof(proto)));
	add_side(o, resolver, "source", event->src, &event->saddr, event->sport);
	add_side(o, resolver, "destination", event->dst, &event->daddr, event->dport);
	cJSON_AddNumberToObject(o, "port", event->dport);
	add_reason(o, resolver, event->reason, event->rule_id, event->epoch);
	if (event->kind == RF_EVENT_CLOSE) {
		cJSON_AddNumberToObject(o, "bytes", (double)event->bytes);
		cJSON_AddNumberToObject(o, "duration_ms", (double)event->duration_ns / 1e6);
	}
	*ret_verdict = verdict;
	return o;
}

/* Bytes of a request line are not text that a terminal or a JSON reader should meet: only printable ASCII stays. */
static void add_bytes(cJSON *o, const char *field, const char *bytes, size_t room)
{
	char text[4 * RF_RECORD_PATH_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < room && bytes[i] && n + 5 < sizeof(text); i++) {
		unsigned char c = (unsigned char)bytes[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
	}
	text[n] = '\0';
	cJSON_AddStringToObject(o, field, text);
}

cJSON *rf_access_render(const struct rf_resolver *resolver, const struct rf_access_record *record, int64_t clock_offset_ns,
			enum rf_event_verdict *ret_verdict)
{
	enum rf_event_verdict verdict = verdict_of(record->reason);
	static const struct rf_addr none; /* the record does not say which port of the pod it was */
	cJSON *o = cJSON_CreateObject();

	if (!o)
		return NULL;
	add_time(o, record->time_ns, clock_offset_ns);
	cJSON_AddStringToObject(o, "kind", "request");
	cJSON_AddStringToObject(o, "verdict", rf_event_verdict_name(verdict));
	cJSON_AddStringToObject(o, "protocol", "http");
	add_side(o, resolver, "source", record->src, &none, 0);
	add_side(o, resolver, "destination", record->dst, &record->dst_addr, record->dst_port);
	cJSON_AddNumberToObject(o, "port", record->dst_port);
	add_bytes(o, "method", record->method, sizeof(record->method));
	add_bytes(o, "path", record->path, sizeof(record->path));
	if (record->path_len >= sizeof(record->path))
		cJSON_AddNumberToObject(o, "path_length", record->path_len);
	cJSON_AddNumberToObject(o, "status", record->status);
	add_reason(o, resolver, record->reason, record->rule_id, record->epoch);
	cJSON_AddNumberToObject(o, "bytes", (double)(record->request_bytes + record->response_bytes));
	cJSON_AddNumberToObject(o, "duration_ms", (double)record->duration_ns / 1e6);
	*ret_verdict = verdict;
	return o;
}

cJSON *rf_note_render(const char *kind, const char *text, uint64_t realtime_ns)
{
	cJSON *o = cJSON_CreateObject();
	char when[64];

	if (!o)
		return NULL;
	rf_time_text(realtime_ns, when, sizeof(when));
	cJSON_AddStringToObject(o, "time", when);
	cJSON_AddStringToObject(o, "kind", kind);
	cJSON_AddStringToObject(o, "verdict", rf_event_verdict_name(RF_EVENT_NOTE));
	cJSON_AddStringToObject(o, "text", text);
	return o;
}
