/* SPDX-License-Identifier: Apache-2.0 */
/* What only the whole set of objects can tell: duplicates, references, ports by name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/check.h"

/* Kinds are the decoder's own words, and one file has each text once: often the pointers tell. */
static int compare_texts(const char *x, const char *y)
{
	return x == y ? 0 : strcmp(x, y);
}

static int compare_meta(const struct rf_meta *x, const struct rf_meta *y)
{
	int c = compare_texts(x->kind, y->kind);

	if (c == 0)
		c = compare_texts(x->ns, y->ns);
	return c ? c : strcmp(x->name, y->name);
}

static int compare_refs(const void *a, const void *b)
{
	const struct rf_object_ref *x = *(struct rf_object_ref *const *)a, *y = *(struct rf_object_ref *const *)b;
	int c = compare_meta(&x->meta, &y->meta);

	return c ? c : (x > y) - (x < y); /* the order of the files */
}

static int sorted_refs(struct rf_objects *o, struct rf_object_ref ***ret)
{
	struct rf_object_ref **sorted = rf_arena_alloc(o->arena, (o->all_count + 1) * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < o->all_count; i++)
		sorted[i] = &o->all[i];
	qsort(sorted, o->all_count, sizeof(*sorted), compare_refs);
	*ret = sorted;
	return 0;
}

static int check_duplicates(struct rf_objects *o, struct rf_object_ref *const *sorted)
{
	for (size_t i = 1; i < o->all_count; i++) {
		const struct rf_meta *first = &sorted[i - 1]->meta, *m = &sorted[i]->meta;

		if (compare_meta(first, m) != 0)
			continue;
		if (rf_diag_error(&o->diags, m->place, "%s %s%s%s is already in %s:%u: remove one of the two, or give it another name",
				  m->kind, m->ns, *m->ns ? "/" : "", m->name, first->place.file, first->place.line) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int check_mesh_configs(struct rf_objects *o)
{
	for (size_t i = 1; i < o->mesh_configs_count; i++) {
		const struct rf_meta *first = &o->mesh_configs[0].meta;

		if (rf_diag_error(&o->diags, o->mesh_configs[i].meta.place, "a second MeshConfig: the first is in %s:%u", first->place.file,
				  first->place.line) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

/* The first object that does not come before this one; an empty name comes before all others. */
static size_t first_of(const struct rf_finder *f, const char *kind, const char *ns, const char *name)
{
	struct rf_meta wanted = {.kind = kind, .ns = ns, .name = name};
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_meta(&wanted, &f->sorted[middle]->meta) <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct rf_object_ref *rf_finder_find(const struct rf_finder *f, const char *kind, const char *ns, const char *name)
{
	struct rf_meta wanted = {.kind = kind, .ns = ns, .name = name};
	size_t at = first_of(f, kind, ns, name);

	return at < f->count && compare_meta(&wanted, &f->sorted[at]->meta) == 0 ? f->sorted[at] : NULL;
}

static int compare_groups(const void *a, const void *b)
{
	return compare_meta(&(*(const struct rf_http_route_group *const *)a)->meta, &(*(const struct rf_http_route_group *const *)b)->meta);
}

/* Of one namespace, workloads keep the order of the files. */
static int compare_workloads(const void *a, const void *b)
{
	const struct rf_workload *x = *(const struct rf_workload *const *)a, *y = *(const struct rf_workload *const *)b;
	int c = compare_texts(x->meta.ns, y->meta.ns);

	return c ? c : (x > y) - (x < y);
}

static int sort_lists(const struct rf_objects *o, struct rf_finder *f)
{
	f->groups = rf_arena_alloc(o->arena, (o->route_groups_count + 1) * sizeof(const struct rf_http_route_group *));
	f->workloads = rf_arena_alloc(o->arena, (o->workloads_count + 1) * sizeof(const struct rf_workload *));
	if (!f->groups || !f->workloads)
		return -ENOMEM;
	for (size_t i = 0; i < o->route_groups_count; i++)
		f->groups[f->group_count++] = &o->route_groups[i];
	for (size_t i = 0; i < o->workloads_count; i++)
		f->workloads[f->workload_count++] = &o->workloads[i];
	qsort(f->groups, f->group_count, sizeof(const struct rf_http_route_group *), compare_groups);
	qsort(f->workloads, f->workload_count, sizeof(const struct rf_workload *), compare_workloads);
	return 0;
}

static const struct rf_http_route_group *find_group(const struct rf_finder *f, const char *ns, const char *name)
{
	struct rf_http_route_group wanted = {.meta = {.kind = "HTTPRouteGroup", .ns = ns, .name = name}};
	const struct rf_http_route_group *key = &wanted;
	const struct rf_http_route_group *const *at = bsearch(&key, f->groups, f->group_count, sizeof(*f->groups), compare_groups);

	return at ? *at : NULL;
}

static bool has_match(const struct rf_http_route_group *g, const char *name)
{
	for (size_t i = 0; i < g->match_count; i++) {
		if (strcmp(g->matches[i].name, name) == 0)
			return true;
	}
	return false;
}

/* "one, two", for who has misspelt one of them */
static const char *match_names(const struct rf_http_route_group *g, char *ret, size_t size)
{
	size_t used = 0;

	snprintf(ret, size, "none");
	for (size_t i = 0; i < g->match_count && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "", g->matches[i].name);
	return ret;
}

static int check_matches(struct rf_objects *o, const struct rf_target_rule *rule, const struct rf_http_route_group *g)
{
	char names[256];
	int r = 0;

	for (size_t i = 0; i < rule->match_count && r == 0; i++) {
		if (!has_match(g, rule->matches[i].name))
			r = rf_diag_warning(&o->diags, rule->matches[i].place,
					    "HTTPRouteGroup %s/%s has no match \"%s\": it admits nothing; there are: %s", g->meta.ns,
					    g->meta.name, rule->matches[i].name, match_names(g, names, sizeof(names)));
	}
	if (r == 0 && rule->has_matches && rule->match_count == 0)
		r = rf_diag_warning(&o->diags, rule->place, "matches is empty: this rule admits nothing");
	return r;
}

static int check_rule(struct rf_objects *o, const struct rf_finder *f, const struct rf_traffic_target *t, const struct rf_target_rule *rule)
{
	static const char *const kinds[] = {
		[RF_RULE_HTTP_ROUTE_GROUP] = "HTTPRouteGroup", [RF_RULE_TCP_ROUTE] = "TCPRoute", [RF_RULE_UDP_ROUTE] = "UDPRoute"};

	if (!rf_finder_find(f, kinds[rule->kind], t->meta.ns, rule->name))
		return rf_diag_warning(&o->diags, rule->place, "%s %s/%s does not exist: this rule admits nothing", kinds[rule->kind],
				       t->meta.ns, rule->name);
	if (rule->kind != RF_RULE_HTTP_ROUTE_GROUP)
		return 0;
	return check_matches(o, rule, find_group(f, t->meta.ns, rule->name));
}

static bool namespace_has_accounts(const struct rf_finder *f, const char *ns)
{
	size_t at = first_of(f, "ServiceAccount", ns, "");

	return at < f->count && strcmp(f->sorted[at]->meta.kind, "ServiceAccount") == 0 && strcmp(f->sorted[at]->meta.ns, ns) == 0;
}

/* Accounts may come from elsewhere; but where a namespace lists some, one that is missing is most likely misspelt. */
int rf_check_account(struct rf_objects *o, const struct rf_finder *f, const struct rf_account_ref *a)
{
	if (strcmp(a->name, "default") == 0 || rf_finder_find(f, "ServiceAccount", a->ns, a->name) || !namespace_has_accounts(f, a->ns))
		return 0;
	return rf_diag_warning(&o->diags, a->place, "ServiceAccount %s/%s does not exist", a->ns, a->name);
}

static int check_target(struct rf_objects *o, const struct rf_finder *f, const struct rf_traffic_target *t)
{
	int r = rf_check_account(o, f, &t->destination);

	for (size_t i = 0; i < t->source_count && r == 0; i++)
		r = rf_check_account(o, f, &t->sources[i]);
	for (size_t i = 0; i < t->rule_count && r == 0; i++)
		r = check_rule(o, f, t, &t->rules[i]);
	if (r == 0 && t->rule_count == 0)
		r = rf_diag_warning(&o->diags, t->meta.place, "spec.rules is empty: this TrafficTarget admits nothing");
	if (r == 0 && t->source_count == 0)
		r = rf_diag_warning(&o->diags, t->meta.place, "spec.sources is empty: this TrafficTarget admits nobody");
	return r;
}

static int check_ingress_backend(struct rf_objects *o, const struct rf_finder *f, const struct rf_ingress_backend *b)
{
	int r = 0;

	for (size_t i = 0; i < b->backend_count && r == 0; i++) {
		if (!rf_finder_find(f, "Service", b->meta.ns, b->backends[i].service))
			r = rf_diag_warning(&o->diags, b->backends[i].place, "Service %s/%s does not exist: this backend admits nothing",
					    b->meta.ns, b->backends[i].service);
	}
	for (size_t i = 0; i < b->source_count && r == 0; i++) {
		const struct rf_ingress_source *s = &b->sources[i];

		if (s->kind == RF_SOURCE_PRINCIPAL)
			r = rf_diag_warning(&o->diags, s->place, "AuthenticatedPrincipal is not enforced yet: it admits nobody");
		else if (s->kind == RF_SOURCE_SERVICE && !rf_finder_find(f, "Service", s->ns, s->name))
			r = rf_diag_warning(&o->diags, s->place, "Service %s/%s does not exist: the whole IngressBackend admits nobody",
					    s->ns, s->name);
	}
	return r;
}

static bool selects(const struct rf_service *s, const struct rf_workload *w)
{
	for (size_t i = 0; i < s->selector_count; i++) {
		bool found = false;

		for (size_t k = 0; k < w->pod_label_count && !found; k++)
			found = strcmp(s->selector[i].key, w->pod_labels[k].key) == 0 &&
				strcmp(s->selector[i].value, w->pod_labels[k].value) == 0;
		if (!found)
			return false;
	}
	return s->selector_count > 0 && strcmp(s->meta.ns, w->meta.ns) == 0;
}

static uint16_t port_by_name(const struct rf_workload *w, const char *name, bool udp)
{
	for (size_t i = 0; i < w->port_count; i++) {
		if (w->ports[i].udp == udp && strcmp(w->ports[i].name, name) == 0)
			return w->ports[i].port;
	}
	return 0;
}

/* The first workload of the namespace. */
static size_t first_workload(const struct rf_finder *f, const char *ns)
{
	size_t low = 0, high = f->workload_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(f->workloads[middle]->meta.ns, ns) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int resolve_port(struct rf_objects *o, const struct rf_finder *f, const struct rf_service *s, struct rf_service_port *p)
{
	bool udp = p->kind == RF_PORT_UDP;

	for (size_t i = first_workload(f, s->meta.ns); i < f->workload_count && p->target_port == 0; i++) {
		if (strcmp(f->workloads[i]->meta.ns, s->meta.ns) != 0)
			break;
		if (selects(s, f->workloads[i]))
			p->target_port = port_by_name(f->workloads[i], p->target_name, udp);
	}
	if (p->target_port)
		return 0;
	return rf_diag_warning(&o->diags, p->place, "no container of a selected pod has a %s port named \"%s\": this port admits nothing",
			       udp ? "UDP" : "TCP", p->target_name);
}

static int check_service(struct rf_objects *o, const struct rf_finder *f, struct rf_service *s)
{
	int r = 0;

	for (size_t i = 0; i < s->port_count && r == 0; i++) {
		if (s->ports[i].target_name && s->ports[i].target_port == 0)
			r = resolve_port(o, f, s, &s->ports[i]);
	}
	return r;
}

static int check_references(struct rf_objects *o, const struct rf_finder *f)
{
	int r = 0;

	for (size_t i = 0; i < o->services_count && r == 0; i++)
		r = check_service(o, f, &o->services[i]);
	for (size_t i = 0; i < o->targets_count && r == 0; i++)
		r = check_target(o, f, &o->targets[i]);
	for (size_t i = 0; i < o->ingress_backends_count && r == 0; i++)
		r = check_ingress_backend(o, f, &o->ingress_backends[i]);
	return r < 0 ? r : rf_check_outside(o, f);
}

struct numbered {
	struct rf_diag diag;
	size_t number;
};

static int compare_diags(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int c = strcmp(x->diag.place.file ? x->diag.place.file : "", y->diag.place.file ? y->diag.place.file : "");

	if (c)
		return c;
	if (x->diag.place.line != y->diag.place.line)
		return x->diag.place.line < y->diag.place.line ? -1 : 1;
	if (x->diag.place.column != y->diag.place.column)
		return x->diag.place.column < y->diag.place.column ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int sort_diags(struct rf_diags *d)
{
	_cleanup_free_ struct numbered *items = calloc(d->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < d->count; i++)
		items[i] = (struct numbered){.diag = d->items[i], .number = i};
	qsort(items, d->count, sizeof(*items), compare_diags);
	for (size_t i = 0; i < d->count; i++)
		d->items[i] = items[i].diag;
	return 0;
}

int rf_objects_check(struct rf_objects *objects)
{
	struct rf_finder f = {.count = objects->all_count};
	int r = sorted_refs(objects, &f.sorted);

	if (r == 0)
		r = sort_lists(objects, &f);
	if (r == 0)
		r = check_duplicates(objects, f.sorted);
	if (r == 0)
		r = check_mesh_configs(objects);
	/* an object with an error is not in the lists: what names it would be blamed for nothing */
	if (r == 0 && objects->diags.error_count == 0)
		r = check_references(objects, &f);
	return r < 0 ? r : sort_diags(&objects->diags);
}
