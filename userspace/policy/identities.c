/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

static int compare_accounts(const void *pa, const void *pb)
{
	const struct rf_account *a = pa, *b = pb;
	int r = strcmp(a->ns, b->ns);

	return r ? r : strcmp(a->name, b->name);
}

/* Of several places that name an account, the first by file and line; the pod behind no file comes last. */
static bool comes_before(const struct rf_place *a, const struct rf_place *b)
{
	int r = !a->line - !b->line;

	if (!r)
		r = strcmp(a->file, b->file);
	return r ? r < 0 : a->line < b->line;
}

static int compare_numbers(const void *pa, const void *pb)
{
	const struct rf_account *a = pa, *b = pb;
	int r = rf_compare_u64(a->id, b->id);

	return r ? r : compare_accounts(a, b);
}

/* ---- by name ---- */

/* FNV-1a (headers/ringfence/identity.h) over both names with their NULs. */
static size_t hash_name(const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	do
		h = (h ^ (unsigned char)*ns) * 0x100000001b3ULL;
	while (*ns++);
	do
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	while (*name++);
	return (size_t)(h ^ h >> 32);
}

/* Where its position stands, or the free slot where it would. There always is a free one. */
static size_t slot_of(const struct rf_compile *c, const char *ns, const char *name)
{
	size_t at = hash_name(ns, name) & (c->account_room - 1);

	for (;; at = (at + 1) & (c->account_room - 1)) {
		uint32_t slot = c->account_slots[at];
		const struct rf_account *a = slot ? &c->accounts[slot - 1] : NULL;

		if (!a || (strcmp(a->name, name) == 0 && strcmp(a->ns, ns) == 0))
			return at;
	}
}

static int make_slots(struct rf_compile *c, size_t room)
{
	uint32_t *slots = rf_arena_alloc(c->arena, room * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	c->account_slots = slots;
	c->account_room = room;
	for (size_t i = 0; c->accounts && i < c->account_count; i++)
		slots[slot_of(c, c->accounts[i].ns, c->accounts[i].name)] = (uint32_t)i + 1;
	return 0;
}

static struct rf_account *find(const struct rf_compile *c, const char *ns, const char *name)
{
	uint32_t slot = c->account_room ? c->account_slots[slot_of(c, ns, name)] : 0;

	return slot ? &c->accounts[slot - 1] : NULL;
}

static int add(struct rf_compile *c, const char *ns, const char *name, struct rf_place at)
{
	struct rf_account *a = find(c, ns, name);

	if (a) {
		if (comes_before(&at, &a->place))
			*a = (struct rf_account){.ns = ns, .name = name, .place = at};
		return 0;
	}
	if (2 * c->account_count >= c->account_room && make_slots(c, c->account_room ? 2 * c->account_room : 256) < 0)
		return -ENOMEM;
	a = RF_ARENA_PUSH(c->arena, c->accounts, c->account_count);
	if (!a)
		return -ENOMEM;
	*a = (struct rf_account){.ns = ns, .name = name, .place = at};
	c->account_slots[slot_of(c, ns, name)] = (uint32_t)c->account_count;
	return 0;
}

static int add_target(struct rf_compile *c, const struct rf_traffic_target *t)
{
	int r = add(c, t->destination.ns, t->destination.name, t->destination.place);

	for (size_t i = 0; !r && i < t->source_count; i++)
		r = add(c, t->sources[i].ns, t->sources[i].name, t->sources[i].place);
	return r;
}

static int add_egress(struct rf_compile *c, const struct rf_egress *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < e->source_count; i++)
		r = add(c, e->sources[i].ns, e->sources[i].name, e->sources[i].place);
	return r;
}

static int collect(struct rf_compile *c)
{
	const struct rf_objects *o = c->objects;
	int r = 0;

	for (size_t i = 0; !r && i < o->service_accounts_count; i++)
		r = add(c, o->service_accounts[i].meta.ns, o->service_accounts[i].meta.name, o->service_accounts[i].meta.place);
	for (size_t i = 0; !r && i < c->subject_count; i++)
		r = add(c, c->subjects[i].ns, c->subjects[i].service_account, c->subjects[i].place);
	for (size_t i = 0; !r && i < o->targets_count; i++)
		r = add_target(c, &o->targets[i]);
	for (size_t i = 0; !r && i < o->egresses_count; i++)
		r = add_egress(c, &o->egresses[i]);
	return r;
}

static int number(struct rf_account *a)
{
	char text[RF_IDENTITY_NAME_MAX];
	int n = snprintf(text, sizeof(text), "%s/%s", a->ns, a->name);

	if (n < 0 || (size_t)n >= sizeof(text))
		return -ENAMETOOLONG;
	a->id = rf_identity_hash(text, (unsigned)n);
	return 0;
}

static bool meshed(const struct rf_compile *c, const char *ns)
{
	const struct rf_meta *meta = rf_index_find(&c->namespaces, "", ns);

	return meta && rf_namespace_meshed(meta, c->input->mesh_name);
}

/* Sorts, numbers, and asks once a namespace whether it is in the mesh. */
static int settle(struct rf_compile *c)
{
	struct rf_account *a = c->accounts;

	if (!c->account_count)
		return 0;
	qsort(a, c->account_count, sizeof(*a), compare_accounts);
	for (size_t i = 0; i < c->account_count; i++) {
		a[i].meshed = i && !strcmp(a[i - 1].ns, a[i].ns) ? a[i - 1].meshed : meshed(c, a[i].ns);
		if (number(&a[i]) < 0)
			return rf_diag_error(c->diags, a[i].place, "ServiceAccount %s/%s: the name is longer than %d bytes", a[i].ns,
					     a[i].name, RF_IDENTITY_NAME_MAX - 2);
	}
	return make_slots(c, c->account_room);
}

static int by_number(struct rf_compile *c, struct rf_account **ret)
{
	struct rf_account *sorted = rf_arena_alloc(c->arena, c->account_count * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	if (c->account_count) {
		memcpy(sorted, c->accounts, c->account_count * sizeof(*sorted));
		qsort(sorted, c->account_count, sizeof(*sorted), compare_numbers);
	}
	*ret = sorted;
	return 0;
}

int rf_accounts_distinct(struct rf_compile *c)
{
	struct rf_account *sorted = NULL;
	int r = by_number(c, &sorted);

	if (r)
		return r;
	for (size_t i = 1; i < c->account_count; i++) {
		if (sorted[i - 1].id != sorted[i].id)
			continue;
		r = rf_diag_error(c->diags, sorted[i].place,
				  "ServiceAccounts %s/%s and %s/%s have the same number %016llx: rename one of them", sorted[i - 1].ns,
				  sorted[i - 1].name, sorted[i].ns, sorted[i].name, (unsigned long long)sorted[i].id);
		return r == -ENOMEM ? r : -EEXIST;
	}
	return 0;
}

/* Semantics row 13: whoever a TrafficTarget with a UDPRoute names as its destination is protected, also if that route does not exist. */
static void protect(struct rf_compile *c)
{
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct rf_traffic_target *t = (const struct rf_traffic_target *)c->targets.items[i];
		struct rf_account *a = find(c, t->destination.ns, t->destination.name);

		for (size_t k = 0; a && !strcmp(a->ns, t->meta.ns) && k < t->rule_count; k++)
			a->datagrams |= t->rules[k].kind == RF_RULE_UDP_ROUTE;
	}
}

static int write_tables(struct rf_compile *c)
{
	struct rf_policy *p = c->policy;
	size_t n = c->account_count;
	struct rf_account *sorted = NULL;
	int r = by_number(c, &sorted);

	if (r)
		return r;
	p->idents_keys = rf_arena_alloc(p->arena, n * sizeof(*p->idents_keys));
	p->idents_values = rf_arena_alloc(p->arena, n * sizeof(*p->idents_values));
	p->names_keys = rf_arena_alloc(p->arena, n * sizeof(*p->names_keys));
	p->names_values = rf_arena_alloc(p->arena, n * sizeof(*p->names_values));
	if (!p->idents_keys || !p->idents_values || !p->names_keys || !p->names_values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct rf_account *a = &sorted[i];

		p->names_keys[i] = a->id;
		snprintf(p->names_values[i].text, sizeof(p->names_values[i].text), "%s/%s", a->ns, a->name);
		if (!a->meshed)
			continue; /* missing in `idents` is what "not in the mesh" means */
		p->idents_keys[p->idents_count] = a->id;
		p->idents_values[p->idents_count++] = (struct rf_ident){.meshed = 1, .datagrams = a->datagrams, .audit = a->audit};
	}
	p->names_count = n;
	return 0;
}

int rf_compile_identities(struct rf_compile *c)
{
	int r = collect(c);

	if (!r)
		r = settle(c);
	if (!r)
		r = rf_accounts_distinct(c);
	if (!r)
		r = rf_capacity(c, "ServiceAccounts", c->account_count, RF_IDENTS_MAX);
	if (r)
		return r;
	protect(c);
	rf_audit_accounts(c);
	return write_tables(c);
}

const struct rf_account *rf_account_find(const struct rf_compile *c, const char *ns, const char *name)
{
	return find(c, ns, name);
}
