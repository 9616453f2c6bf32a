/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/layout.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

#define DEPTH_MAX 8

/* Without typedefs and qualifiers. NULL: void, or not in this BTF. */
static const struct btf_type *resolve(struct rf_layout l)
{
	__s32 id = l.btf && l.type ? btf__resolve_type(l.btf, l.type) : 0;
	const struct btf_type *t = id > 0 ? btf__type_by_id(l.btf, (__u32)id) : NULL;

	while (t && (btf_is_typedef(t) || btf_is_mod(t)))
		t = btf__type_by_id(l.btf, t->type);
	return t;
}

static bool is_number(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

uint32_t rf_layout_size(struct rf_layout layout)
{
	__s64 size = layout.btf && layout.type ? btf__resolve_size(layout.btf, layout.type) : 0;

	return size > 0 && size <= UINT32_MAX ? (uint32_t)size : 0;
}

static void mix(uint64_t *h, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*h = (*h ^ ((const unsigned char *)data)[i]) * 0x100000001b3ull;
}

static void mix_number(uint64_t *h, uint64_t number)
{
	mix(h, &number, sizeof(number));
}

static bool mix_type(uint64_t *h, struct rf_layout l, int depth);

static bool mix_members(uint64_t *h, struct rf_layout l, const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);

	for (__u16 i = 0; i < btf_vlen(t); i++, m++) {
		const char *name = btf__name_by_offset(l.btf, m->name_off);

		if (btf_member_bitfield_size(t, i))
			return false;
		mix(h, name, strlen(name) + 1);
		mix_number(h, btf_member_bit_offset(t, i));
		if (!mix_type(h, (struct rf_layout){l.btf, m->type}, depth))
			return false;
	}
	return true;
}

static bool mix_type(uint64_t *h, struct rf_layout l, int depth)
{
	const struct btf_type *t = resolve(l);

	if (!t || depth > DEPTH_MAX)
		return false;
	mix_number(h, is_number(t) ? BTF_KIND_INT : btf_kind(t)); /* an enum is a number to the maps */
	if (is_number(t)) {
		mix_number(h, t->size);
		return true;
	}
	if (btf_is_array(t)) {
		mix_number(h, btf_array(t)->nelems);
		return mix_type(h, (struct rf_layout){l.btf, btf_array(t)->type}, depth + 1);
	}
	if (!btf_is_struct(t))
		return false;
	mix_number(h, t->size);
	mix_number(h, btf_vlen(t));
	return mix_members(h, l, t, depth + 1);
}

uint64_t rf_layout_hash(struct rf_layout layout)
{
	uint64_t h = 0xcbf29ce484222325ull;

	return mix_type(&h, layout, 0) ? h : 0;
}

/* ---- moving ---- */

struct planning {
	struct rf_layout_plan *plan;
	uint32_t moved; /* bytes */
	bool full;
};

static void add_move(struct planning *p, uint32_t from, uint32_t to, uint32_t size)
{
	struct rf_layout_move *last = p->plan->count ? &p->plan->moves[p->plan->count - 1] : NULL;

	p->moved += size;
	if (last && last->from + last->size == from && last->to + last->size == to) {
		last->size += size;
		return;
	}
	if (p->plan->count == RF_LAYOUT_MOVES_MAX) {
		p->full = true;
		return;
	}
	p->plan->moves[p->plan->count++] = (struct rf_layout_move){from, to, size};
}

struct place {
	struct rf_layout layout;
	uint32_t at;
};

static void pair(struct planning *p, struct place from, struct place to, int depth);

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (__u16 i = 0; i < btf_vlen(t); i++, m++)
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return m;
	return NULL;
}

/* Members that an earlier version knew by another name, with the same values. Without this a connection of the checker would be taken over
 * as the pod's own: cut by the next revision, and until then open to what the pod writes into it. */
static const char *former_name(const char *name)
{
	static const struct {
		const char *now, *before;
	} renamed[] = {{"opener", "via_checker"}}; /* struct rf_flow, layout 2 */

	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(renamed[i].now, name))
			return renamed[i].before;
	return NULL;
}

static const struct btf_member *find_former(const struct btf *btf, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = find_member(btf, t, name);
	const char *before = former_name(name);

	return m || !before ? m : find_member(btf, t, before);
}

static void pair_members(struct planning *p, struct place from, const struct btf_type *f, struct place to, const struct btf_type *t,
			 int depth)
{
	const struct btf_member *m = btf_members(t);

	for (__u16 i = 0; i < btf_vlen(t); i++, m++) {
		const struct btf_member *old = find_former(from.layout.btf, f, btf__name_by_offset(to.layout.btf, m->name_off));

		if (!old || btf_kflag(f) || btf_kflag(t)) /* bitfields */
			continue;
		pair(p, (struct place){{from.layout.btf, old->type}, from.at + old->offset / 8},
		     (struct place){{to.layout.btf, m->type}, to.at + m->offset / 8}, depth);
	}
}

static void pair_elements(struct planning *p, struct place from, const struct btf_array *f, struct place to, const struct btf_array *t,
			  int depth)
{
	struct place a = {{from.layout.btf, f->type}, from.at}, b = {{to.layout.btf, t->type}, to.at};

	if (f->nelems != t->nelems)
		return; /* another number of rows is another meaning */
	for (__u32 i = 0; i < t->nelems && !p->full; i++) {
		pair(p, a, b, depth);
		a.at += rf_layout_size(a.layout);
		b.at += rf_layout_size(b.layout);
	}
}

static void pair(struct planning *p, struct place from, struct place to, int depth)
{
	const struct btf_type *f = resolve(from.layout), *t = resolve(to.layout);

	if (!f || !t || depth > DEPTH_MAX)
		return;
	if (btf_is_struct(f) && btf_is_struct(t))
		pair_members(p, from, f, to, t, depth + 1);
	else if (btf_is_array(f) && btf_is_array(t))
		pair_elements(p, from, btf_array(f), to, btf_array(t), depth + 1);
	else if (is_number(f) && is_number(t) && f->size == t->size)
		add_move(p, from.at, to.at, t->size);
}

int rf_layout_plan(struct rf_layout from, struct rf_layout to, struct rf_layout_plan *ret)
{
	uint32_t from_size = rf_layout_size(from), to_size = rf_layout_size(to);
	struct rf_layout_plan plan = {.to_size = to_size};
	struct planning p = {.plan = &plan};

	if (!from_size || !to_size)
		return -EPROTO;
	pair(&p, (struct place){from, 0}, (struct place){to, 0}, 0);
	if (p.full)
		return -E2BIG;
	if (!p.moved)
		return -EPROTO;
	plan.whole = p.moved == from_size && p.moved == to_size;
	*ret = plan;
	return 0;
}

void rf_layout_apply(const struct rf_layout_plan *plan, const void *from, void *to)
{
	memset(to, 0, plan->to_size);
	for (size_t i = 0; i < plan->count; i++)
		memcpy((char *)to + plan->moves[i].to, (const char *)from + plan->moves[i].from, plan->moves[i].size);
}
