/* SPDX-License-Identifier: Apache-2.0 */
/* The request decision (design.md, "L7 verdicts"): one pure function over a validated blob. */
#include <string.h>

#include <ringfence/path.h>

#include "automaton/run.h"
#include "core/cleanup.h"

#define PATH_ON_STACK 4096 /* longer paths get memory of their own */

static const struct rf_route_pair *find_port(const struct rf_route_pair *pairs, uint32_t count, rf_identity_t src, rf_identity_t dst,
					     uint16_t port)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct rf_route_pair *p = &pairs[middle];

		if (p->src == src && p->dst == dst && p->port == port)
			return p;
		if (p->src < src || (p->src == src && (p->dst < dst || (p->dst == dst && p->port < port))))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const struct rf_route_pair *find_pair(const char *base, rf_identity_t src, rf_identity_t dst, uint16_t port)
{
	const struct rf_routes_head *head = (const struct rf_routes_head *)base;
	const struct rf_route_pair *pairs = (const struct rf_route_pair *)(base + head->pairs_off), *found;

	found = find_port(pairs, head->pair_count, src, dst, port);
	return found || port == 0 ? found : find_port(pairs, head->pair_count, src, dst, 0);
}

/* One form of the path. *rule is the route's, untouched if there is none. */
static enum rf_reason judge(const char *base, const struct rf_route_grant *grant, const struct rf_subject *subject, uint32_t *rule)
{
	const struct rf_automaton *automaton = (const struct rf_automaton *)(base + grant->automaton_off);
	const uint64_t *granted = (const uint64_t *)(base + grant->bitmap_off);
	uint32_t set;

	if (grant->automaton_off == 0)
		return RF_REASON_NO_ROUTE;
	set = rf_automaton_match(automaton, base, granted, subject);
	if (set == 0)
		return RF_REASON_NO_ROUTE;
	*rule = ((const uint32_t *)(base + automaton->rules_off))[set];
	return rf_set_granted(granted, set) ? RF_REASON_ALLOW_L7 : RF_REASON_ROUTE_OTHERS;
}

/* Both forms must be allowed; of two denials "no route" wins, which tells the client less. */
static enum rf_reason judge_both(const char *base, const struct rf_route_grant *grant, const struct rf_subject *raw,
				 const struct rf_subject *canonical, uint32_t *rule)
{
	const bool same = raw->path_len == canonical->path_len && memcmp(raw->path, canonical->path, raw->path_len) == 0;
	uint32_t raw_rule = *rule, canonical_rule = *rule;
	enum rf_reason by_raw, by_canonical;

	by_canonical = judge(base, grant, canonical, &canonical_rule);
	if (same) { /* nearly always */
		*rule = canonical_rule;
		return by_canonical;
	}
	by_raw = judge(base, grant, raw, &raw_rule);
	if (by_raw == RF_REASON_NO_ROUTE || by_canonical == RF_REASON_NO_ROUTE)
		return RF_REASON_NO_ROUTE;
	if (by_raw == RF_REASON_ROUTE_OTHERS) {
		*rule = raw_rule;
		return by_raw;
	}
	*rule = canonical_rule;
	return by_canonical;
}

static enum rf_reason decide_path(const char *base, const struct rf_route_pair *pair, const struct rf_subject *request, uint32_t *rule)
{
	const struct rf_routes_head *head = (const struct rf_routes_head *)base;
	const struct rf_route_grant *grants = (const struct rf_route_grant *)(base + head->grants_off);
	struct rf_subject raw = *request, canonical = *request;
	_cleanup_free_ char *heap = NULL;
	char stack[PATH_ON_STACK], *out = stack;
	uint32_t len;

	if (request->path_len > INT32_MAX)
		return RF_REASON_BAD_PATH;
	raw.path_len = rf_path_length(request->path, (uint32_t)request->path_len);
	if (raw.path_len > sizeof(stack)) {
		heap = malloc(raw.path_len);
		out = heap;
	}
	if (!out || rf_path_canonical(raw.path, (uint32_t)raw.path_len, out, (uint32_t)raw.path_len, &len) < 0)
		return RF_REASON_BAD_PATH;
	canonical.path = out;
	canonical.path_len = len;
	return judge_both(base, &grants[pair->routes_id], &raw, &canonical, rule);
}

enum rf_reason rf_routes_decide(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port, const char *method,
				size_t method_len, const char *target, size_t target_len, uint32_t *rule_id)
{
	const struct rf_subject request = {method, method_len, target, target_len};
	const struct rf_routes_head *head = blob;
	const struct rf_route_pair *pair;
	enum rf_reason reason = RF_REASON_NO_RULE;

	*rule_id = 0;
	if (src == 0 || dst == 0)
		return RF_REASON_NO_RULE;
	if (head->permissive)
		return RF_REASON_ALLOW_PERMISSIVE;
	pair = find_pair(blob, src, dst, port);
	if (!pair)
		return RF_REASON_NO_RULE;
	*rule_id = pair->rule_id;
	if (pair->verdict == RF_VERDICT_ALLOW)
		reason = RF_REASON_ALLOW_RULE;
	else if (pair->verdict == RF_VERDICT_L7)
		reason = decide_path(blob, pair, &request, rule_id);
	return reason;
}
