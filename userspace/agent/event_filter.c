/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ringfence/reason.h>

#include "agent/moment.h"
#include "core/address_text.h"
#include "core/reason_text.h"

struct words {
	const char *items[RF_FILTER_VALUES];
	size_t count;
};

struct rf_event_filter {
	cJSON *request; /* all words are in there */
	struct rf_event_world world;
	struct words from, to, namespaces, pods, methods, paths;
	uint16_t ports[RF_FILTER_VALUES], reasons[RF_FILTER_VALUES], protocols[RF_FILTER_VALUES];
	size_t port_count, reason_count, protocol_count;
	unsigned verdicts, kinds; /* 0 = any */
	uint64_t since_ns, until_ns;
	bool has_since, has_until;
	bool all;
};

struct refusal {
	char *text;
	size_t size;
};

static int refuse(const struct refusal *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const struct refusal *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->text, r->size, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int add_word(const cJSON *item, const char *field, struct words *to, const struct refusal *r)
{
	if (!cJSON_IsString(item) || !*item->valuestring)
		return refuse(r, "\"%s\" must be a string that is not empty, or an array of such", field);
	if (to->count == RF_FILTER_VALUES)
		return refuse(r, "at most %d values of \"%s\"", RF_FILTER_VALUES, field);
	to->items[to->count++] = item->valuestring;
	return 0;
}

/* A string, an array of strings, or nothing. */
static int read_words(const cJSON *request, const char *field, struct words *to, const struct refusal *r)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(request, field), *item;

	if (!value)
		return 0;
	if (!cJSON_IsArray(value))
		return add_word(value, field, to, r);
	cJSON_ArrayForEach(item, value)
	{
		if (add_word(item, field, to, r) < 0)
			return -EINVAL;
	}
	return 0;
}

static bool is_name(const char *text, size_t len)
{
	return len > 0 && len <= 253 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.*") >= len;
}

static int check_side(const char *field, const char *text, bool only_pod, const struct refusal *r)
{
	const char *slash = strchr(text, '/');
	struct rf_addr addr;

	if (!only_pod && rf_addr_parse(text, &addr) == 0)
		return 0;
	if (slash ? is_name(text, (size_t)(slash - text)) && is_name(slash + 1, strlen(slash + 1))
		  : !only_pod && is_name(text, strlen(text)))
		return 0;
	if (only_pod)
		return refuse(r, "'%.80s' is no pod: --%s wants NAMESPACE/POD, where * stands for anything", text, field);
	return refuse(r,
		      "'%.80s' is nobody: --%s wants NAMESPACE, NAMESPACE/NAME of a pod, ServiceAccount or Service, an address, or "
		      "'outside'",
		      text, field);
}

static int read_sides(const cJSON *request, const char *field, bool only_pod, struct words *to, const struct refusal *r)
{
	if (read_words(request, field, to, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < to->count; i++)
		if (check_side(field, to->items[i], only_pod, r) < 0)
			return -EINVAL;
	return 0;
}

static int read_namespaces(struct rf_event_filter *f, const struct refusal *r)
{
	if (read_words(f->request, "namespace", &f->namespaces, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < f->namespaces.count; i++)
		if (!is_name(f->namespaces.items[i], strlen(f->namespaces.items[i])))
			return refuse(r, "'%.80s' is no namespace: a-z 0-9 and -, where * stands for anything", f->namespaces.items[i]);
	return 0;
}

static int read_ports(struct rf_event_filter *f, const struct refusal *r)
{
	struct words words = {};

	if (read_words(f->request, "port", &words, r) < 0)
		return -EINVAL;
	for (; f->port_count < words.count; f->port_count++) {
		const char *text = words.items[f->port_count];
		char *end;
		unsigned long port = strtoul(text, &end, 10);

		if (*text < '0' || *text > '9' || *end || port > 65535)
			return refuse(r, "'%.80s' is no port: 0 to 65535", text);
		f->ports[f->port_count] = (uint16_t)port;
	}
	return 0;
}

static int read_protocols(struct rf_event_filter *f, const struct refusal *r)
{
	static const uint16_t known[] = {IPPROTO_TCP, IPPROTO_UDP, RF_LINE_HTTP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	struct words words = {};
	char room[8];

	if (read_words(f->request, "protocol", &words, r) < 0)
		return -EINVAL;
	for (; f->protocol_count < words.count; f->protocol_count++) {
		const char *text = words.items[f->protocol_count];
		size_t i = 0;

		while (i < RF_ARRAY_SIZE(known) && strcasecmp(rf_line_proto_name(known[i], room), text) != 0)
			i++;
		if (i == RF_ARRAY_SIZE(known))
			return refuse(r, "'%.80s' is no protocol that is told apart: tcp, udp, http, icmp, icmp6", text);
		f->protocols[f->protocol_count] = known[i];
	}
	return 0;
}

static int read_methods(struct rf_event_filter *f, const struct refusal *r)
{
	if (read_words(f->request, "method", &f->methods, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < f->methods.count; i++)
		if (strspn(f->methods.items[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_") != strlen(f->methods.items[i]))
			return refuse(r, "'%.80s' is no HTTP method, such as GET or POST", f->methods.items[i]);
	return 0;
}

static int read_paths(struct rf_event_filter *f, const struct refusal *r)
{
	if (read_words(f->request, "path", &f->paths, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < f->paths.count; i++)
		if (!strchr("/*", f->paths.items[i][0]))
			return refuse(r, "'%.80s' is no path: it begins with /, and * stands for anything", f->paths.items[i]);
	return 0;
}

static int read_verdicts(struct rf_event_filter *f, const struct refusal *r)
{
	struct words words = {};

	if (read_words(f->request, "verdict", &words, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < words.count; i++) {
		unsigned verdict = rf_event_verdict_of(words.items[i]);

		if (!verdict)
			return refuse(r, "'%.80s' is no verdict: allowed, denied, failed, audit or note", words.items[i]);
		f->verdicts |= verdict;
	}
	return 0;
}

static int read_kinds(struct rf_event_filter *f, const struct refusal *r)
{
	struct words words = {};

	if (read_words(f->request, "kind", &words, r) < 0)
		return -EINVAL;
	for (size_t i = 0; i < words.count; i++) {
		unsigned kind = rf_line_kind_of(words.items[i]);

		if (!kind)
			return refuse(r, "'%.80s' is no kind of line: connect, packet, open, close, request or note", words.items[i]);
		f->kinds |= kind;
	}
	return 0;
}

/* -1: there is no such reason. */
static int reason_of(const char *name)
{
	const char *nothing = rf_reason_name(UINT32_MAX); /* what numbers without a reason are called */

	for (int i = 0; i < _RF_REASON_MAX; i++)
		if (strcmp(rf_reason_name((uint32_t)i), name) == 0 && strcmp(name, nothing) != 0)
			return i;
	return -1;
}

static int read_reasons(struct rf_event_filter *f, const struct refusal *r)
{
	struct words words = {};

	if (read_words(f->request, "reason", &words, r) < 0)
		return -EINVAL;
	for (; f->reason_count < words.count; f->reason_count++) {
		int reason = reason_of(words.items[f->reason_count]);

		if (reason < 0)
			return refuse(r, "'%.80s' is no reason; docs/reasons.md has them all, such as no-rule, no-route, allow-rule",
				      words.items[f->reason_count]);
		f->reasons[f->reason_count] = (uint16_t)reason;
	}
	return 0;
}

static int read_moment(const struct rf_event_filter *f, const char *field, uint64_t now_ns, uint64_t *ret_ns, bool *ret_has,
		       const struct refusal *r)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->request, field);

	if (!item)
		return 0;
	if (!cJSON_IsString(item) || rf_moment_parse(item->valuestring, now_ns, ret_ns) < 0)
		return refuse(r, "--%s wants how long ago (90s, 5m, 1h30m, 2d) or a time such as 2026-01-02T03:04:05Z, not '%.80s'", field,
			      cJSON_IsString(item) ? item->valuestring : "");
	*ret_has = true;
	return 0;
}

static int read_all(struct rf_event_filter *f, uint64_t now_ns, const struct refusal *r)
{
	if (read_sides(f->request, "from", false, &f->from, r) < 0 || read_sides(f->request, "to", false, &f->to, r) < 0 ||
	    read_sides(f->request, "pod", true, &f->pods, r) < 0 || read_namespaces(f, r) < 0 || read_ports(f, r) < 0 ||
	    read_protocols(f, r) < 0 || read_methods(f, r) < 0 || read_paths(f, r) < 0 || read_verdicts(f, r) < 0 || read_kinds(f, r) < 0 ||
	    read_reasons(f, r) < 0 || read_moment(f, "since", now_ns, &f->since_ns, &f->has_since, r) < 0 ||
	    read_moment(f, "until", now_ns, &f->until_ns, &f->has_until, r) < 0)
		return -EINVAL;
	if (f->has_since && f->has_until && f->since_ns > f->until_ns)
		return refuse(r, "--since is after --until: nothing is between them");
	f->all = rf_json_bool(f->request, "all", false);
	return 0;
}

int rf_event_filter_new(const cJSON *request, uint64_t now_ns, const struct rf_event_world *world, struct rf_event_filter **ret,
			char *error, size_t size)
{
	RF_CLEANUP(rf_event_filter_freep) struct rf_event_filter *f = calloc(1, sizeof(*f));
	const struct refusal r = {error, size};

	if (!f)
		return -ENOMEM;
	f->world = *world;
	f->request = cJSON_Duplicate(request, true);
	if (!f->request)
		return -ENOMEM;
	if (read_all(f, now_ns, &r) < 0)
		return -EINVAL;
	*ret = TAKE_PTR(f);
	return 0;
}

void rf_event_filter_free(struct rf_event_filter *filter)
{
	if (filter)
		cJSON_Delete(filter->request);
	free(filter);
}

/* Names hold no character that a pattern could mean otherwise, and * does not cross a slash. */
static bool like(const char *pattern, const char *text)
{
	return text && fnmatch(pattern, text, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

static bool in_namespace(const char *pattern, const char *name)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	char ns[256];

	if (!slash || (size_t)(slash - name) >= sizeof(ns))
		return false;
	memcpy(ns, name, (size_t)(slash - name));
	ns[slash - name] = '\0';
	return like(pattern, ns);
}

static bool side_in_namespace(const char *pattern, const struct rf_event_side *side)
{
	return in_namespace(pattern, side->account) || in_namespace(pattern, side->pod) || in_namespace(pattern, side->service);
}

static bool side_is(const struct rf_event_filter *f, const char *wanted, const struct rf_event_side *side)
{
	struct rf_addr addr;

	if (rf_addr_parse(wanted, &addr) == 0)
		return rf_addr_equal(&addr, &side->addr);
	if (!strchr(wanted, '/'))
		return side_in_namespace(wanted, side) || (side->account && strcmp(wanted, side->account) == 0);
	return like(wanted, side->account) || like(wanted, side->pod) || like(wanted, side->service) ||
	       (!rf_addr_is_none(&side->addr) && f->world.in_service(f->world.arg, wanted, &side->addr));
}

static bool any_side(const struct rf_event_filter *f, const struct words *words, const struct rf_event_side *side)
{
	for (size_t i = 0; i < words->count; i++)
		if (side_is(f, words->items[i], side))
			return true;
	return words->count == 0;
}

static bool any_namespace(const struct words *words, const struct rf_event_line *line)
{
	for (size_t i = 0; i < words->count; i++)
		if (side_in_namespace(words->items[i], &line->source) || side_in_namespace(words->items[i], &line->destination))
			return true;
	return words->count == 0;
}

static bool any_pod(const struct words *words, const struct rf_event_line *line)
{
	for (size_t i = 0; i < words->count; i++)
		if (like(words->items[i], line->source.pod) || like(words->items[i], line->destination.pod))
			return true;
	return words->count == 0;
}

static bool any_number(const uint16_t *numbers, size_t count, uint16_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return count == 0;
}

static bool any_method(const struct words *words, const char *method)
{
	for (size_t i = 0; method && i < words->count; i++)
		if (strcasecmp(words->items[i], method) == 0)
			return true;
	return words->count == 0;
}

/* Without a star, everything that begins so. */
static bool any_path(const struct words *words, const char *path)
{
	for (size_t i = 0; path && i < words->count; i++) {
		const char *wanted = words->items[i];

		if (strchr(wanted, '*') ? fnmatch(wanted, path, FNM_NOESCAPE) == 0 : strncmp(wanted, path, strlen(wanted)) == 0)
			return true;
	}
	return words->count == 0;
}

static bool any_reason(const struct rf_event_filter *f, const struct rf_event_line *line)
{
	return any_number(f->reasons, f->reason_count, line->reason) ||
	       (line->would && any_number(f->reasons, f->reason_count, line->would));
}

/* Whoever asks for a kind or for such a reason by its name wants to see it. */
static bool is_shown(const struct rf_event_filter *f, const struct rf_event_line *line, unsigned show)
{
	bool all = f->all || f->kinds || (f->reason_count && rf_event_line_is_detail(line));

	return (show & (all ? RF_SHOW_ALL : RF_SHOW_USUAL)) != 0;
}

/* Notes have no ends, no port, no protocol and no reason. */
static bool is_about_flows(const struct rf_event_filter *f)
{
	return f->from.count || f->to.count || f->namespaces.count || f->pods.count || f->methods.count || f->paths.count ||
	       f->port_count || f->reason_count || f->protocol_count;
}

bool rf_event_filter_match(const struct rf_event_filter *f, const struct rf_event_line *line, unsigned show)
{
	if (f->has_since && line->time_ns < f->since_ns)
		return false;
	if (f->has_until && line->time_ns > f->until_ns)
		return false;
	if (rf_event_line_is_loss(line))
		return true;
	if (line->kind == RF_LINE_NOTE && is_about_flows(f))
		return false;
	return is_shown(f, line, show) && (!f->verdicts || (f->verdicts & line->verdict)) && (!f->kinds || (f->kinds & line->kind)) &&
	       any_side(f, &f->from, &line->source) && any_side(f, &f->to, &line->destination) && any_namespace(&f->namespaces, line) &&
	       any_pod(&f->pods, line) && any_number(f->ports, f->port_count, line->destination.port) && any_reason(f, line) &&
	       any_number(f->protocols, f->protocol_count, line->proto) && any_method(&f->methods, line->method) &&
	       any_path(&f->paths, line->path);
}

bool rf_event_filter_has_since(const struct rf_event_filter *filter)
{
	return filter->has_since;
}

bool rf_event_filter_has_until(const struct rf_event_filter *filter)
{
	return filter->has_until;
}
