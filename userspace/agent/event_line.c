/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_line.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringfence/reason.h>

#include "core/cleanup.h"

static const struct {
	enum rf_event_verdict verdict;
	const char *name;
} verdicts[] = {
	{RF_EVENT_ALLOWED, "allowed"}, {RF_EVENT_DENIED, "denied"}, {RF_EVENT_FAILED, "failed"},
	{RF_EVENT_AUDIT, "audit"},     {RF_EVENT_NOTE, "note"},
};

static const struct {
	enum rf_line_kind kind;
	const char *name;
} kinds[] = {
	{RF_LINE_CONNECT, "connect"}, {RF_LINE_PACKET, "packet"},   {RF_LINE_OPEN, "open"},
	{RF_LINE_CLOSE, "close"},     {RF_LINE_REQUEST, "request"}, {RF_LINE_NOTE, "note"},
};

const char *rf_event_verdict_name(enum rf_event_verdict verdict)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].verdict == verdict)
			return verdicts[i].name;
	return "denied";
}

unsigned rf_event_verdict_of(const char *name)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(verdicts); i++)
		if (strcmp(verdicts[i].name, name) == 0)
			return verdicts[i].verdict;
	return 0;
}

const char *rf_line_kind_name(enum rf_line_kind kind)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "unknown";
}

unsigned rf_line_kind_of(const char *name)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return 0;
}

const char *rf_line_proto_name(uint16_t proto, char room[8])
{
	switch (proto) {
	case RF_LINE_HTTP:
		return "http";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	default:
		snprintf(room, 8, "%u", proto);
		return room;
	}
}

enum rf_event_verdict rf_event_verdict_for(uint32_t reason, uint32_t would)
{
	if (reason == RF_REASON_UPSTREAM_FAILED)
		return RF_EVENT_FAILED;
	if (!rf_reason_admits(reason))
		return RF_EVENT_DENIED;
	return would ? RF_EVENT_AUDIT : RF_EVENT_ALLOWED;
}

bool rf_event_line_is_loss(const struct rf_event_line *line)
{
	return line->kind == RF_LINE_NOTE && line->count > 0;
}

bool rf_event_line_is_detail(const struct rf_event_line *line)
{
	return line->reason == RF_REASON_ALLOW_CHECKER || line->reason == RF_REASON_ALLOW_RELATED;
}

/* Every string of a line, so that none is forgotten. */
#define EACH_TEXT(F)                                                                                                                       \
	F(source.account)                                                                                                                  \
	F(source.pod)                                                                                                                      \
	F(source.service)                                                                                                                  \
	F(destination.account) F(destination.pod) F(destination.service) F(rule) F(method) F(path) F(note) F(text)

static const char *move_in(char **at, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	const char *here = *at;

	if (!text)
		return NULL;
	memcpy(*at, text, size);
	*at += size;
	return here;
}

struct rf_event_line *rf_event_line_new(const struct rf_event_line *draft)
{
	struct rf_event_line *line;
	size_t size = sizeof(*line);
	char *at;

#define ADD_SIZE(field) size += draft->field ? strlen(draft->field) + 1 : 0;
	EACH_TEXT(ADD_SIZE)
#undef ADD_SIZE
	line = malloc(size);
	if (!line)
		return NULL;
	*line = *draft;
	line->references = 1;
	at = (char *)(line + 1);
#define MOVE_IN(field) line->field = move_in(&at, draft->field);
	EACH_TEXT(MOVE_IN)
#undef MOVE_IN
	return line;
}

struct rf_event_line *rf_event_line_ref(struct rf_event_line *line)
{
	line->references++;
	return line;
}

void rf_event_line_unref(struct rf_event_line *line)
{
	if (line && !--line->references)
		free(line);
}
