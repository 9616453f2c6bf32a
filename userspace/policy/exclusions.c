/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exclusion lists (semantics row 24): MeshConfig's, for every pod, and those of running pods: what the Deployment's template or the Pod
 * object says, with the pod's own annotations in their place, list by list. Pods are told apart by their addresses.
 */
#include "objects/exclusions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lookup.h"
#include "policy/ranges.h"

#define RULE_KINDS (RF_EXCLUSION_PORT_IN + 1)

struct entry {
	struct rf_exclusion_key key;
	uint32_t rule_id;
};

struct building {
	struct rf_compile *c;
	struct rf_index workloads;
	struct entry *entries;
	size_t count;
	uint32_t (*rules)[RULE_KINDS]; /* of each workload, by its place among the objects: its pods share them */
};

/* One list of one pod, or of MeshConfig. */
struct source {
	const struct rf_meta *meta; /* whose rule it is */
	enum rf_exclusion_kind kind;
	struct rf_addr pods[2]; /* none: not of that family; MeshConfig: none at all is its address */
	size_t pod_count;
	uint32_t *rule_id; /* 0: not needed yet */
};

static const char *part_name(const struct source *s)
{
	static const char *const fields[] = {[RF_EXCLUSION_PORT_OUT] = "outboundPortExclusionList",
					     [RF_EXCLUSION_RANGE_OUT] = "outboundIPRangeExclusionList",
					     [RF_EXCLUSION_PORT_IN] = "inboundPortExclusionList"};
	static const char *const annotations[] = {[RF_EXCLUSION_PORT_OUT] = "outbound-port-exclusion-list",
						  [RF_EXCLUSION_RANGE_OUT] = "outbound-ip-range-exclusion-list",
						  [RF_EXCLUSION_PORT_IN] = "inbound-port-exclusion-list"};

	return strcmp(s->meta->kind, "MeshConfig") ? annotations[s->kind] : fields[s->kind];
}

static int push(struct building *b, struct source *s, struct rf_exclusion_key key, struct rf_place at)
{
	int r = rf_capacity(b->c, "exclusions before equal ones are merged", b->count + 1, 4 * (size_t)RF_EXCLUSIONS_MAX);
	struct entry *entry;

	if (!at.file)
		at.file = "-"; /* a pod's own annotations stand in no file */
	if (!r && !*s->rule_id)
		r = rf_rule_add(b->c, s->meta, part_name(s), at, s->rule_id);
	if (r)
		return r;
	entry = RF_ARENA_PUSH(b->c->arena, b->entries, b->count);
	if (!entry)
		return -ENOMEM;
	*entry = (struct entry){.key = key, .rule_id = *s->rule_id};
	return 0;
}

static int push_all(struct building *b, struct source *s, struct rf_exclusion_key key, struct rf_place at)
{
	int r = 0;

	key.kind = (uint8_t)s->kind;
	for (size_t i = 0; !r && i < s->pod_count; i++) {
		key.pod = s->pods[i];
		r = push(b, s, key, at);
	}
	return r;
}

static int add_ports(struct building *b, struct source *s, const struct rf_excluded_port *ports, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = push_all(b, s, (struct rf_exclusion_key){.prefixlen = RF_EXCLUSION_FIXED_BITS, .port = ports[i].port}, ports[i].place);
	return r;
}

static int add_range(struct building *b, struct source *s, const struct rf_cidr *range)
{
	struct rf_prefixes to = {0};
	int r = rf_prefixes_add(b->c, &to, &range->net, range->prefix_len);

	for (size_t i = 0; !r && i < to.count; i++)
		r = push_all(b, s,
			     (struct rf_exclusion_key){.prefixlen = RF_EXCLUSION_FIXED_BITS + to.items[i].len, .addr = to.items[i].net},
			     range->place);
	return r;
}

static int add_ranges(struct building *b, struct source *s, const struct rf_cidr *ranges, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add_range(b, s, &ranges[i]);
	return r;
}

static int add_kind(struct building *b, struct source s, const struct rf_exclusions *x)
{
	switch (s.kind) {
	case RF_EXCLUSION_PORT_OUT:
		return add_ports(b, &s, x->outbound_ports, x->outbound_port_count);
	case RF_EXCLUSION_PORT_IN:
		return add_ports(b, &s, x->inbound_ports, x->inbound_port_count);
	case RF_EXCLUSION_RANGE_OUT:
		return add_ranges(b, &s, x->outbound_ranges, x->outbound_range_count);
	}
	return -EINVAL;
}

static const struct {
	enum rf_exclusion_kind kind;
	const char *annotation;
} kinds[] = {
	{RF_EXCLUSION_PORT_OUT, RF_ANNOTATION_OUTBOUND_PORTS},
	{RF_EXCLUSION_RANGE_OUT, RF_ANNOTATION_OUTBOUND_RANGES},
	{RF_EXCLUSION_PORT_IN, RF_ANNOTATION_INBOUND_PORTS},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int add_mesh(struct building *b)
{
	struct rf_mesh_config mesh = rf_objects_mesh_config(b->c->objects);
	int r = 0;

	for (size_t i = 0; !r && i < KINDS; i++) {
		uint32_t rule_id = 0;

		r = add_kind(b, (struct source){.meta = &mesh.meta, .kind = kinds[i].kind, .pod_count = 1, .rule_id = &rule_id},
			     &mesh.exclusions);
	}
	return r;
}

/* ---- pods ---- */

static const struct rf_workload *find_workload(const struct building *b, bool is_pod, const char *ns, const char *name)
{
	struct rf_meta wanted = {.ns = ns, .name = name};

	for (size_t i = rf_index_position(&b->workloads, &wanted); i < b->workloads.count; i++) {
		const struct rf_workload *w = (const struct rf_workload *)b->workloads.items[i];

		if (strcmp(w->meta.ns, ns) || strcmp(w->meta.name, name))
			break;
		if (w->is_pod == is_pod)
			return w;
	}
	return NULL;
}

/* What a pod was started from; a Deployment that is not there any more says nothing. */
static const struct rf_workload *workload_of(const struct building *b, const struct rf_endpoint *e)
{
	const char *slash = e->deployment ? strchr(e->deployment, '/') : NULL;

	/* a Deployment and its pods are of one namespace */
	return slash ? find_workload(b, false, e->ns, slash + 1) : find_workload(b, true, e->ns, e->name);
}

static bool has_own(const struct rf_endpoint *e, const char *key)
{
	for (size_t i = 0; i < e->annotation_count; i++)
		if (!strcmp(e->annotations[i].key, key))
			return true;
	return false;
}

/* They were checked when the pod was made; should one be bad all the same, it excludes nothing. 0 or -ENOMEM. */
static int read_own(struct building *b, const struct rf_endpoint *e, struct rf_exclusions *ret)
{
	struct rf_diags found = {.arena = b->c->arena};
	int r = rf_exclusions_read(b->c->arena, e->annotations, e->annotation_count, &found, ret);

	if (r == -EINVAL && found.count)
		return rf_diag_warning(b->c->diags, (struct rf_place){.file = "-"}, "pod %s/%s: %s; its own lists exclude nothing", e->ns,
				       e->name, found.items[0].text);
	return r;
}

static struct source source_of(const struct rf_meta *meta, const struct rf_endpoint *e, enum rf_exclusion_kind kind, uint32_t *rule_id)
{
	struct source s = {.meta = meta, .kind = kind, .rule_id = rule_id};

	if (!rf_addr_is_none(&e->addr4))
		s.pods[s.pod_count++] = e->addr4;
	if (!rf_addr_is_none(&e->addr6))
		s.pods[s.pod_count++] = e->addr6;
	return s;
}

static int add_own(struct building *b, const struct rf_endpoint *e, enum rf_exclusion_kind kind, const struct rf_exclusions *own)
{
	const struct rf_meta meta = {.kind = "Pod", .ns = e->ns, .name = e->name};
	uint32_t rule_id = 0;

	return add_kind(b, source_of(&meta, e, kind, &rule_id), own);
}

static int add_pod(struct building *b, const struct rf_endpoint *e)
{
	const struct rf_workload *w = workload_of(b, e);
	size_t at = w ? (size_t)(w - b->c->objects->workloads) : 0;
	struct rf_exclusions own = {0};
	int r = e->annotation_count ? read_own(b, e, &own) : 0;

	for (size_t i = 0; !r && i < KINDS; i++) {
		if (has_own(e, kinds[i].annotation))
			r = add_own(b, e, kinds[i].kind, &own);
		else if (w)
			r = add_kind(b, source_of(&w->meta, e, kinds[i].kind, &b->rules[at][kinds[i].kind]), &w->exclusions);
	}
	return r;
}

static int add_pods(struct building *b)
{
	const struct rf_compile *c = b->c;
	int r = 0;

	for (size_t i = 0; !r && i < c->subject_count; i++)
		if (c->subjects[i].endpoint)
			r = add_pod(b, c->subjects[i].endpoint);
	return r;
}

/* ---- the table ---- */

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int r = rf_exclusion_compare(&a->key, &b->key);

	return r ? r : rf_compare_u64(a->rule_id, b->rule_id);
}

static void note(struct rf_policy *p, const struct rf_exclusion_key *key)
{
	p->config.exclusions |=
		(uint8_t)(rf_addr_is_none(&key->pod) ? RF_EXCLUDES_MESH((unsigned)key->kind) : RF_EXCLUDES_PODS((unsigned)key->kind));
}

static int write_table(struct rf_policy *p, const struct building *b)
{
	if (b->count)
		qsort(b->entries, b->count, sizeof(*b->entries), compare_entries);
	p->exclusions_keys = rf_arena_alloc(p->arena, b->count * sizeof(*p->exclusions_keys));
	p->exclusions_values = rf_arena_alloc(p->arena, b->count * sizeof(*p->exclusions_values));
	if (!p->exclusions_keys || !p->exclusions_values)
		return -ENOMEM;
	for (size_t i = 0; i < b->count; i++) {
		const struct entry *e = &b->entries[i];

		if (i && !rf_exclusion_compare(&e[-1].key, &e->key))
			continue;
		note(p, &e->key);
		p->exclusions_keys[p->exclusions_count] = e->key;
		p->exclusions_values[p->exclusions_count++].rule_id = e->rule_id;
	}
	return 0;
}

int rf_compile_exclusions(struct rf_compile *c)
{
	struct building b = {.c = c};
	int r = rf_index_build(c->arena, c->objects->workloads, c->objects->workloads_count, sizeof(*c->objects->workloads), &b.workloads);

	b.rules = rf_arena_alloc(c->arena, c->objects->workloads_count * sizeof(*b.rules));
	if (!r && !b.rules)
		r = -ENOMEM;
	if (!r)
		r = add_mesh(&b);
	if (!r)
		r = add_pods(&b);
	return r ? r : write_table(c->policy, &b);
}
