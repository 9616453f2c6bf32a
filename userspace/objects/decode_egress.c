/* SPDX-License-Identifier: Apache-2.0 */
/* Egress (policy.openservicemesh.io/v1alpha1): what a ServiceAccount may reach outside the mesh (semantics row 20). What is refused here is
 * what OSM's schema and webhook refuse. */
#include "objects/decode_egress.h"

#include <errno.h>
#include <string.h>

#include "objects/scalar.h"

#define ROUTES_GROUP   "specs.smi-spec.io/v1alpha4"
#define UPSTREAM_GROUP "policy.openservicemesh.io/v1alpha1"

static const char *const account_kinds[] = {"ServiceAccount", NULL};
static const char *const protocols[] = {"http", "https", "tcp", "tcp-server-first", NULL};

static const struct rf_field reference_fields[] = {
	RF_FIELD("apiGroup", STRING, RF_REQUIRED),
	RF_FIELD("kind", STRING, RF_REQUIRED),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_END,
};
const struct rf_field rf_reference_item = RF_FIELD(NULL, MAP, .fields = reference_fields);

static const struct rf_field account_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = account_kinds),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL, RF_REQUIRED),
	RF_END,
};
static const struct rf_field account_item = RF_FIELD(NULL, MAP, .fields = account_fields);
static const struct rf_field host_item = RF_FIELD(NULL, HOST);
static const struct rf_field cidr_item = RF_FIELD(NULL, CIDR);
static const struct rf_field port_fields[] = {
	RF_FIELD("number", INTEGER, RF_REQUIRED, RF_PORT),
	RF_FIELD("protocol", ENUM, RF_REQUIRED, .values = protocols),
	RF_END,
};
static const struct rf_field port_item = RF_FIELD(NULL, MAP, .fields = port_fields);
static const struct rf_field spec_fields[] = {
	RF_FIELD("sources", LIST, RF_REQUIRED, .item = &account_item),
	RF_FIELD("hosts", LIST, .item = &host_item),
	RF_FIELD("ipAddresses", LIST, .item = &cidr_item),
	RF_FIELD("ports", LIST, RF_REQUIRED, .item = &port_item),
	RF_FIELD("matches", LIST, .item = &rf_reference_item),
	RF_END,
};
const struct rf_field rf_egress_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

static int read_sources(struct rf_decode *d, struct rf_egress *e, const struct rf_node *list)
{
	for (size_t i = 0; i < rf_get_count(list); i++) {
		const struct rf_node *node = list->items[i];
		struct rf_account_ref *s = RF_ARENA_PUSH(d->arena, e->sources, e->source_count);

		if (!s)
			return -ENOMEM;
		*s = (struct rf_account_ref){
			.ns = rf_get_text(node, "namespace", ""), .name = rf_get_text(node, "name", ""), .place = node->place};
	}
	return 0;
}

static int read_hosts(struct rf_decode *d, struct rf_egress *e, const struct rf_node *list)
{
	for (size_t i = 0; i < rf_get_count(list); i++) {
		struct rf_name_ref *h = RF_ARENA_PUSH(d->arena, e->hosts, e->host_count);

		if (!h)
			return -ENOMEM;
		*h = (struct rf_name_ref){.name = list->items[i]->text, .place = list->items[i]->place};
	}
	return 0;
}

int rf_decode_ranges(struct rf_decode *d, const struct rf_node *list, struct rf_cidr **items, size_t *count)
{
	for (size_t i = 0; i < rf_get_count(list); i++) {
		struct rf_cidr cidr = {.place = list->items[i]->place}, *slot;
		const char *text;

		if (rf_scalar_string(list->items[i], &text) < 0 || rf_text_range(text, &cidr.net, &cidr.prefix_len) < 0)
			continue; /* reported */
		slot = RF_ARENA_PUSH(d->arena, *items, *count);
		if (!slot)
			return -ENOMEM;
		*slot = cidr;
	}
	return 0;
}

static enum rf_egress_protocol protocol_of(const char *text)
{
	if (strcmp(text, "http") == 0)
		return RF_EGRESS_PROTOCOL_HTTP;
	return strcmp(text, "https") == 0 ? RF_EGRESS_PROTOCOL_HTTPS : RF_EGRESS_PROTOCOL_TCP;
}

/* Without a host no request can name an allowed one. */
static int read_port(struct rf_decode *d, struct rf_egress *e, const struct rf_node *node)
{
	const char *protocol = rf_get_text(node, "protocol", "tcp");
	struct rf_egress_port *p = RF_ARENA_PUSH(d->arena, e->ports, e->port_count);

	if (!p)
		return -ENOMEM;
	*p = (struct rf_egress_port){
		.port = (uint16_t)rf_get_integer(node, "number", 0), .protocol = protocol_of(protocol), .place = node->place};
	if (p->protocol == RF_EGRESS_PROTOCOL_TCP || e->host_count > 0)
		return 0;
	return rf_decode_warning(d, node, "protocol %s without hosts admits nothing: name the hosts, or use tcp", protocol);
}

static int read_ports(struct rf_decode *d, struct rf_egress *e, const struct rf_node *list)
{
	int r = 0;

	for (size_t i = 0; i < rf_get_count(list) && r == 0; i++)
		r = read_port(d, e, list->items[i]);
	return r;
}

static int read_route_group(struct rf_decode *d, struct rf_egress *e, const struct rf_node *node, const char *name)
{
	struct rf_name_ref *m = RF_ARENA_PUSH(d->arena, e->matches, e->match_count);

	if (!m)
		return -ENOMEM;
	*m = (struct rf_name_ref){.name = name, .place = node->place};
	e->has_route_groups = true;
	return 0;
}

static int read_match(struct rf_decode *d, struct rf_egress *e, const struct rf_node *node, unsigned *settings)
{
	const char *group = rf_get_text(node, "apiGroup", ""), *kind = rf_get_text(node, "kind", ""), *name = rf_get_text(node, "name", "");

	if (!*group || !*kind)
		return 0; /* reported */
	if (strcmp(group, ROUTES_GROUP) == 0) {
		if (strcmp(kind, "HTTPRouteGroup") == 0)
			return read_route_group(d, e, node, name);
		return rf_decode_error(d, node, "expected kind of match '%s' to be 'HTTPRouteGroup', got: %s", name, kind);
	}
	if (strcmp(group, UPSTREAM_GROUP) == 0) {
		if (strcmp(kind, "UpstreamTrafficSetting") != 0)
			return rf_decode_error(d, node, "expected kind of match '%s' to be 'UpstreamTrafficSetting', got: %s", name, kind);
		if ((*settings)++)
			return rf_decode_error(d, node, "more than one match of kind UpstreamTrafficSetting");
		return rf_decode_warning(d, node, "UpstreamTrafficSetting is not enforced yet: it limits nothing");
	}
	return rf_decode_error(d, node, "expected apiGroup of match '%s' to be " ROUTES_GROUP " or " UPSTREAM_GROUP ", got: %s", name,
			       group);
}

static int read_matches(struct rf_decode *d, struct rf_egress *e, const struct rf_node *list)
{
	unsigned settings = 0;
	int r = 0;

	for (size_t i = 0; i < rf_get_count(list) && r == 0; i++)
		r = read_match(d, e, list->items[i], &settings);
	return r;
}

int rf_decode_egress(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec");
	struct rf_egress e = {.meta = d->meta}, *slot;
	int r = read_sources(d, &e, rf_node_get(spec, "sources"));

	if (r == 0)
		r = read_hosts(d, &e, rf_node_get(spec, "hosts"));
	if (r == 0)
		r = rf_decode_ranges(d, rf_node_get(spec, "ipAddresses"), &e.ranges, &e.range_count);
	if (r == 0)
		r = read_ports(d, &e, rf_node_get(spec, "ports"));
	if (r == 0)
		r = read_matches(d, &e, rf_node_get(spec, "matches"));
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->egresses, d->objects->egresses_count);
	if (!slot)
		return -ENOMEM;
	*slot = e;
	return 0;
}
