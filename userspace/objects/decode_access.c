/* SPDX-License-Identifier: Apache-2.0 */
/* TrafficTarget (access.smi-spec.io/v1alpha3): https://github.com/servicemeshinterface/smi-spec, traffic-access/v1alpha3. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"

static const char *const account_kinds[] = {"ServiceAccount", NULL};
static const char *const rule_kinds[] = {
	[RF_RULE_HTTP_ROUTE_GROUP] = "HTTPRouteGroup", [RF_RULE_TCP_ROUTE] = "TCPRoute", [RF_RULE_UDP_ROUTE] = "UDPRoute", NULL};

static const struct rf_field account_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = account_kinds),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL),
	RF_END,
};
static const struct rf_field account_item = RF_FIELD(NULL, MAP, .fields = account_fields);
static const struct rf_field match_item = RF_FIELD(NULL, TEXT);
static const struct rf_field rule_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = rule_kinds),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("matches", LIST, .item = &match_item),
	RF_END,
};
static const struct rf_field rule_item = RF_FIELD(NULL, MAP, .fields = rule_fields);
static const struct rf_field spec_fields[] = {
	RF_FIELD("destination", MAP, RF_REQUIRED, .fields = account_fields),
	RF_FIELD("sources", LIST, RF_REQUIRED, .item = &account_item),
	RF_FIELD("rules", LIST, RF_REQUIRED, .item = &rule_item),
	RF_END,
};
static const struct rf_field target_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

static struct rf_account_ref read_account(const struct rf_node *node)
{
	return (struct rf_account_ref){
		.ns = rf_get_text(node, "namespace", ""), .name = rf_get_text(node, "name", ""), .place = node->place};
}

static int read_destination(struct rf_decode *d, struct rf_traffic_target *t, const struct rf_node *spec)
{
	const struct rf_node *node = rf_node_get(spec, "destination");

	if (!node)
		return 0;
	t->destination = read_account(node);
	if (strcmp(t->destination.ns, d->meta.ns) == 0)
		return 0;
	return rf_decode_error(d, node, "the TrafficTarget's namespace (%s) must match spec.destination.namespace (%s)", d->meta.ns,
			       t->destination.ns);
}

static int read_sources(struct rf_decode *d, struct rf_traffic_target *t, const struct rf_node *sources)
{
	int r = 0;

	for (size_t i = 0; i < rf_get_count(sources) && r == 0; i++) {
		struct rf_account_ref *s = RF_ARENA_PUSH(d->arena, t->sources, t->source_count);

		if (!s)
			return -ENOMEM;
		*s = read_account(sources->items[i]);
		if (!*s->ns)
			r = rf_decode_error(d, sources->items[i], "namespace is required: without it the source matches nobody");
	}
	return r;
}

static int read_matches(struct rf_decode *d, struct rf_target_rule *rule, const struct rf_node *node)
{
	const struct rf_node *matches = rf_node_get(node, "matches");

	rule->has_matches = matches;
	if (matches && rule->kind != RF_RULE_HTTP_ROUTE_GROUP && rf_get_count(matches) > 0)
		return rf_decode_error(d, matches, "only a rule of kind HTTPRouteGroup has matches");
	for (size_t i = 0; i < rf_get_count(matches); i++) {
		struct rf_name_ref *m = RF_ARENA_PUSH(d->arena, rule->matches, rule->match_count);

		if (!m)
			return -ENOMEM;
		*m = (struct rf_name_ref){.name = matches->items[i]->text, .place = matches->items[i]->place};
	}
	return 0;
}

static int read_rule(struct rf_decode *d, struct rf_traffic_target *t, const struct rf_node *node)
{
	const char *kind = rf_get_text(node, "kind", "");
	struct rf_target_rule *rule = RF_ARENA_PUSH(d->arena, t->rules, t->rule_count);

	if (!rule)
		return -ENOMEM;
	*rule = (struct rf_target_rule){.name = rf_get_text(node, "name", ""), .place = node->place};
	if (strcmp(kind, rule_kinds[RF_RULE_TCP_ROUTE]) == 0)
		rule->kind = RF_RULE_TCP_ROUTE;
	else if (strcmp(kind, rule_kinds[RF_RULE_UDP_ROUTE]) == 0)
		rule->kind = RF_RULE_UDP_ROUTE;
	return read_matches(d, rule, node);
}

static int decode_target(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *rules = rf_node_get(spec, "rules");
	struct rf_traffic_target t = {.meta = d->meta}, *slot;
	int r = read_destination(d, &t, spec);

	if (r == 0)
		r = read_sources(d, &t, rf_node_get(spec, "sources"));
	for (size_t i = 0; i < rf_get_count(rules) && r == 0; i++)
		r = read_rule(d, &t, rules->items[i]);
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->targets, d->objects->targets_count);
	if (!slot)
		return -ENOMEM;
	*slot = t;
	return 0;
}

const struct rf_kind rf_kinds_access[] = {
	{"access.smi-spec.io", "v1alpha3", "TrafficTarget", RF_KIND_STRICT | RF_KIND_AUDIT, target_fields, decode_target},
	{0},
};
