/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPRouteGroup, TCPRoute, UDPRoute (specs.smi-spec.io/v1alpha4): https://github.com/servicemeshinterface/smi-spec, traffic-specs. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/scalar.h"

static const char *const methods[] = {"*", "GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL};

static const struct rf_field method_item = RF_FIELD(NULL, ENUM, .values = methods);
static const struct rf_field match_fields[] = {
	RF_FIELD("name", TEXT, RF_REQUIRED),
	RF_FIELD("pathRegex", PATTERN),
	RF_FIELD("methods", LIST, .item = &method_item),
	RF_FIELD("headers", ANY), /* two forms: read_headers */
	RF_END,
};
static const struct rf_field match_item = RF_FIELD(NULL, MAP, .fields = match_fields);
static const struct rf_field group_spec[] = {
	RF_FIELD("matches", LIST, RF_REQUIRED, .item = &match_item),
	RF_END,
};
static const struct rf_field group_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = group_spec),
	RF_END,
};

static const struct rf_field port_item = RF_FIELD(NULL, INTEGER, RF_PORT);
static const struct rf_field ports_fields[] = {
	RF_FIELD("ports", LIST, RF_REQUIRED, .item = &port_item),
	RF_END,
};
static const struct rf_field route_spec[] = {
	RF_FIELD("matches", MAP, RF_REQUIRED, .fields = ports_fields),
	RF_END,
};
static const struct rf_field route_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = route_spec),
	RF_END,
};

/* UDPRoute: no ports at all are all ports, as an empty list is. */
static const struct rf_field udp_ports_fields[] = {
	RF_FIELD("ports", LIST, .item = &port_item),
	RF_END,
};
static const struct rf_field udp_route_spec[] = {
	RF_FIELD("matches", MAP, .fields = udp_ports_fields),
	RF_END,
};
static const struct rf_field udp_route_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = udp_route_spec),
	RF_END,
};

static int read_header(struct rf_decode *d, struct rf_http_match *m, const struct rf_node *node)
{
	struct rf_header_match *h;
	const char *regex;

	if (!rf_text_is_token(node->key->text))
		return rf_decode_error(d, node, "\"%s\" is not a header name", node->key->text);
	if (rf_scalar_string(node, &regex) < 0)
		return rf_decode_error(d, node, "a pattern is required, as a string in quotes");
	h = RF_ARENA_PUSH(d->arena, m->headers, m->header_count);
	if (!h)
		return -ENOMEM;
	*h = (struct rf_header_match){.name = node->key->text, .regex = regex, .place = node->key->place};
	return rf_check_pattern(d, node, regex);
}

static int read_header_map(struct rf_decode *d, struct rf_http_match *m, const struct rf_node *map)
{
	int r = 0;

	if (map->kind != RF_NODE_MAPPING)
		return rf_decode_error(d, map, "must be a map of a header's name to a pattern");
	for (size_t i = 0; i < map->count && r == 0; i++)
		r = read_header(d, m, map->items[i]);
	return r;
}

/* A list of one-key maps (the CRD) or one map (the specification's text); all conditions must hold. */
static int read_headers(struct rf_decode *d, struct rf_http_match *m, const struct rf_node *headers)
{
	int r = 0;

	if (!headers)
		return 0;
	if (headers->kind == RF_NODE_SCALAR)
		return rf_decode_error(d, headers, "must be a list of maps of a header's name to a pattern");
	if (headers->kind == RF_NODE_MAPPING)
		r = read_header_map(d, m, headers);
	for (size_t i = 0; i < rf_get_count(headers) && r == 0; i++)
		r = read_header_map(d, m, headers->items[i]);
	return r;
}

static int read_methods(struct rf_decode *d, struct rf_http_match *m, const struct rf_node *list)
{
	for (size_t i = 0; i < rf_get_count(list); i++) {
		const char **slot = RF_ARENA_PUSH(d->arena, m->methods, m->method_count);

		if (!slot)
			return -ENOMEM;
		*slot = list->items[i]->text ? list->items[i]->text : "";
		if (strcmp(*slot, "*") == 0) {
			m->method_count = 0;
			return 0;
		}
	}
	return 0;
}

static int read_match(struct rf_decode *d, struct rf_http_route_group *g, const struct rf_node *node)
{
	const struct rf_node *regex = rf_node_get(node, "pathRegex");
	struct rf_http_match *m = RF_ARENA_PUSH(d->arena, g->matches, g->match_count);
	int r;

	if (!m)
		return -ENOMEM;
	*m = (struct rf_http_match){.name = rf_get_text(node, "name", ""),
				    .path_regex = rf_get_text(node, "pathRegex", ".*"),
				    .place = node->place,
				    .regex_place = regex ? regex->place : node->place};
	if (!*m->path_regex)
		m->path_regex = ".*";
	r = read_methods(d, m, rf_node_get(node, "methods"));
	return r < 0 ? r : read_headers(d, m, rf_node_get(node, "headers"));
}

static int decode_group(struct rf_decode *d)
{
	const struct rf_node *matches = rf_get(d->root, "spec.matches");
	struct rf_http_route_group g = {.meta = d->meta}, *slot;
	int r = 0;

	for (size_t i = 0; i < rf_get_count(matches) && r == 0; i++)
		r = read_match(d, &g, matches->items[i]);
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->route_groups, d->objects->route_groups_count);
	if (!slot)
		return -ENOMEM;
	*slot = g;
	return 0;
}

static int read_route(struct rf_decode *d, struct rf_port_route *route)
{
	const struct rf_node *ports = rf_get(d->root, "spec.matches.ports");

	route->meta = d->meta;
	for (size_t i = 0; i < rf_get_count(ports); i++) {
		uint16_t *slot = RF_ARENA_PUSH(d->arena, route->ports, route->port_count);
		int64_t port = 0;

		if (!slot)
			return -ENOMEM;
		if (rf_scalar_integer(ports->items[i], 1, 65535, &port) == 0)
			*slot = (uint16_t)port;
	}
	return 0;
}

static int decode_tcp_route(struct rf_decode *d)
{
	struct rf_port_route route = {0}, *slot;
	int r = read_route(d, &route);

	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->tcp_routes, d->objects->tcp_routes_count);
	if (!slot)
		return -ENOMEM;
	*slot = route;
	return 0;
}

static int decode_udp_route(struct rf_decode *d)
{
	struct rf_port_route route = {0}, *slot;
	int r = read_route(d, &route);

	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->udp_routes, d->objects->udp_routes_count);
	if (!slot)
		return -ENOMEM;
	*slot = route;
	return 0;
}

const struct rf_kind rf_kinds_specs[] = {
	{"specs.smi-spec.io", "v1alpha4", "HTTPRouteGroup", RF_KIND_STRICT, group_fields, decode_group},
	{"specs.smi-spec.io", "v1alpha4", "TCPRoute", RF_KIND_STRICT, route_fields, decode_tcp_route},
	{"specs.smi-spec.io", "v1alpha4", "UDPRoute", RF_KIND_STRICT, udp_route_fields, decode_udp_route},
	{0},
};
