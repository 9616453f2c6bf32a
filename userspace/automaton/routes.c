/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a routes blob once, so that decide.c and what it calls can follow every offset and index in it without another look. */
#include <errno.h>

#include "automaton/validate.h"

/* After the automata. Bits behind the last atom are clear: nothing stands for them. */
static bool check_bitmap(const struct rf_view *v, const struct rf_route_grant *grant)
{
	const struct rf_automaton *a = (const struct rf_automaton *)(v->base + grant->automaton_off);
	const uint64_t *bitmap;

	if (grant->automaton_off == 0)
		return true;
	bitmap = rf_view_items(v, grant->atoms_off, ((uint64_t)a->atom_count + 63) / 64, sizeof(*bitmap));
	return bitmap && (a->atom_count % 64 == 0 || bitmap[a->atom_count / 64] >> (a->atom_count % 64) == 0);
}

static bool check_idents(const struct rf_route_ident *idents, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (idents[i].identity <= (i ? idents[i - 1].identity : 0) || idents[i].audit & ~(RF_AUDIT_TO | RF_AUDIT_FROM))
			return false;
	return true;
}

static int pair_order(const struct rf_route_pair *a, const struct rf_route_pair *b)
{
	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->dst != b->dst)
		return a->dst < b->dst ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

static bool check_pairs(const struct rf_route_pair *pairs, uint32_t count, uint32_t grant_count)
{
	for (uint32_t i = 0; i < count; i++) {
		const bool l7 = pairs[i].verdict == RF_VERDICT_L7;

		if (!pairs[i].src ? !l7 || pairs[i].local_id >= grant_count : pairs[i].local_id != 0)
			return false;
		if (pairs[i].verdict > RF_VERDICT_L7 || (l7 ? pairs[i].routes_id >= grant_count : pairs[i].routes_id != RF_ROUTES_NONE))
			return false;
		if (i > 0 && pair_order(&pairs[i - 1], &pairs[i]) >= 0)
			return false;
	}
	return true;
}

static bool check_egresses(const struct rf_route_egress *e, uint32_t count, uint32_t grant_count)
{
	for (uint32_t i = 0; i < count; i++) {
		if ((e[i].kind != RF_EGRESS_HTTP && e[i].kind != RF_EGRESS_HTTPS) || e[i].routes_id >= grant_count)
			return false;
		if (i > 0 && (e[i].src < e[i - 1].src || (e[i].src == e[i - 1].src && e[i].port <= e[i - 1].port)))
			return false;
	}
	return true;
}

static bool check_head(const struct rf_routes_head *head, size_t size)
{
	return head->magic == RF_ROUTES_MAGIC && head->version == RF_ROUTES_VERSION && head->size == size && size % 8 == 0 &&
	       (head->flags & ~(RF_ROUTES_PERMISSIVE | RF_ROUTES_EGRESS)) == 0;
}

int rf_routes_validate(const void *blob, size_t size)
{
	const struct rf_routes_head *head = blob;
	const struct rf_view v = {blob, size};
	const struct rf_route_grant *grants;
	const struct rf_route_ident *idents;
	const struct rf_route_pair *pairs;
	const struct rf_route_egress *egresses;
	int r;

	if (!blob || (uintptr_t)blob % 8 || size < sizeof(*head) || !check_head(head, size))
		return -EBADMSG;
	idents = rf_view_items(&v, head->idents_off, head->ident_count, sizeof(*idents));
	pairs = rf_view_items(&v, head->pairs_off, head->pair_count, sizeof(*pairs));
	egresses = rf_view_items(&v, head->egresses_off, head->egress_count, sizeof(*egresses));
	grants = rf_view_items(&v, head->grants_off, head->grant_count, sizeof(*grants));
	if (!idents || !pairs || !egresses || !grants || !check_idents(idents, head->ident_count) ||
	    !check_pairs(pairs, head->pair_count, head->grant_count) || !check_egresses(egresses, head->egress_count, head->grant_count))
		return -EBADMSG;
	r = rf_validate_automata(&v, grants, head->grant_count);
	for (uint32_t i = 0; i < head->grant_count && r == 0; i++)
		r = check_bitmap(&v, &grants[i]) ? 0 : -EBADMSG;
	return r;
}
