/* SPDX-License-Identifier: Apache-2.0 */
/* Service (v1). A port's kind comes from appProtocol, else from its name's prefix, else it is HTTP (semantics row 23). */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/decode_families.h"
#include "objects/scalar.h"

static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
static const char *const app_protocols[] = {"http", "tcp", "grpc", "tcp-server-first", NULL};
static const char *const family_policies[] = {[RF_FAMILY_SINGLE] = "SingleStack",
					      [RF_FAMILY_PREFER_DUAL] = "PreferDualStack",
					      [RF_FAMILY_REQUIRE_DUAL] = "RequireDualStack",
					      NULL};
static const char *const families[] = {"IPv4", "IPv6", NULL};
static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL};

static const struct rf_field port_fields[] = {
	RF_FIELD("name", LABEL),
	RF_FIELD("port", INTEGER, RF_REQUIRED, RF_PORT),
	RF_FIELD("targetPort", PORT_OR_NAME),
	RF_FIELD("protocol", ENUM, .values = protocols),
	RF_FIELD("appProtocol", ENUM, .values = app_protocols),
	RF_END,
};
static const struct rf_field port_item = RF_FIELD(NULL, MAP, .fields = port_fields);

static const struct rf_field family_item = RF_FIELD(NULL, ENUM, .values = families);
static const struct rf_field address_item = RF_FIELD(NULL, STRING);

static const struct rf_field spec_fields[] = {
	RF_FIELD("type", ENUM, .values = types),
	RF_FIELD("clusterIP", STRING),
	RF_FIELD("clusterIPs", LIST, .item = &address_item),
	RF_FIELD("ipFamilyPolicy", ENUM, .values = family_policies),
	RF_FIELD("ipFamilies", LIST, .item = &family_item),
	RF_FIELD("selector", LABELS),
	RF_FIELD("ports", LIST, .item = &port_item),
	RF_END,
};

static const struct rf_field service_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum rf_port_kind port_kind(const struct rf_node *port)
{
	const char *app = rf_get_text(port, "appProtocol", ""), *name = rf_get_text(port, "name", "");

	if (strcmp(rf_get_text(port, "protocol", "TCP"), "UDP") == 0)
		return RF_PORT_UDP;
	if (strcmp(app, "tcp") == 0 || strcmp(app, "tcp-server-first") == 0)
		return RF_PORT_TCP;
	if (*app)
		return strcmp(app, "grpc") == 0 ? RF_PORT_GRPC : RF_PORT_HTTP;
	if (has_prefix(name, "tcp-")) /* also tcp-server-first- */
		return RF_PORT_TCP;
	return has_prefix(name, "grpc-") ? RF_PORT_GRPC : RF_PORT_HTTP;
}

static int read_port(struct rf_decode *d, struct rf_service *s, const struct rf_node *node)
{
	const struct rf_node *target = rf_node_get(node, "targetPort");
	int64_t port = rf_get_integer(node, "port", 0), number = target ? 0 : port;
	struct rf_service_port *p;

	if (strcmp(rf_get_text(node, "protocol", "TCP"), "SCTP") == 0)
		return rf_decode_warning(d, node, "SCTP is not enforced yet: it admits nothing");
	p = RF_ARENA_PUSH(d->arena, s->ports, s->port_count);
	if (!p)
		return -ENOMEM;
	if (target && rf_node_is_null(target))
		number = port;
	else if (target)
		number = rf_get_integer(node, "targetPort", 0);
	*p = (struct rf_service_port){.name = rf_get_text(node, "name", ""),
				      .port = (uint16_t)port,
				      .target_port = (uint16_t)number,
				      .target_name = number ? NULL : rf_get_text(node, "targetPort", NULL),
				      .kind = port_kind(node),
				      .place = node->place};
	return 0;
}

static bool same_port(const struct rf_node *a, const struct rf_node *b)
{
	return rf_get_integer(a, "port", 0) == rf_get_integer(b, "port", -1) &&
	       strcmp(rf_get_text(a, "protocol", "TCP"), rf_get_text(b, "protocol", "TCP")) == 0;
}

static bool same_name(const struct rf_node *a, const struct rf_node *b)
{
	const char *name = rf_get_text(a, "name", "");

	return *name && strcmp(name, rf_get_text(b, "name", "")) == 0;
}

static int check_port(struct rf_decode *d, const struct rf_node *ports, size_t i)
{
	const struct rf_node *port = ports->items[i];
	int r = 0;

	if (ports->count > 1 && !*rf_get_text(port, "name", ""))
		r = rf_decode_error(d, port, "a name is required where a Service has several ports");
	for (size_t k = 0; k < i && r == 0; k++) {
		if (same_port(port, ports->items[k]))
			r = rf_decode_error(d, port, "the port is already on line %u", ports->items[k]->place.line);
		else if (same_name(port, ports->items[k]))
			r = rf_decode_error(d, port, "the name is already on line %u", ports->items[k]->place.line);
	}
	return r;
}

#define PORTS_MAX 1000 /* of one Service: keeps the comparison of all with all short */

static int read_ports(struct rf_decode *d, struct rf_service *s, const struct rf_node *spec)
{
	const struct rf_node *ports = rf_node_get(spec, "ports");
	int r = 0;

	if (rf_get_count(ports) == 0 && spec && !s->headless)
		return rf_decode_error(d, spec, "ports is required");
	if (rf_get_count(ports) > PORTS_MAX)
		return rf_decode_error(d, ports, "more than %d ports", PORTS_MAX);
	for (size_t i = 0; i < rf_get_count(ports) && r == 0; i++) {
		r = check_port(d, ports, i);
		if (r == 0)
			r = read_port(d, s, ports->items[i]);
	}
	return r;
}

static int decode_service(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec");
	struct rf_service s = {.meta = d->meta}, *slot;
	int r;

	if (strcmp(rf_get_text(spec, "type", ""), "ExternalName") == 0)
		return rf_decode_warning(d, rf_node_get(spec, "type"), "ExternalName is not enforced yet: it admits nothing");
	r = rf_decode_families(d, &s, spec);
	if (r == 0)
		r = rf_get_pairs(d->arena, rf_node_get(spec, "selector"), &s.selector, &s.selector_count);
	if (r == 0)
		r = read_ports(d, &s, spec);
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->services, d->objects->services_count);
	if (!slot)
		return -ENOMEM;
	*slot = s;
	return 0;
}

const struct rf_kind rf_kinds_service[] = {
	{"", "v1", "Service", 0, service_fields, decode_service},
	{0},
};
