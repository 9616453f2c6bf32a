/* SPDX-License-Identifier: Apache-2.0 */
/* IngressBackend (policy.openservicemesh.io/v1alpha1), and the table of that group: Egress is in decode_egress.c, UpstreamTrafficSetting
 * and Retry are in decode_upstream.c. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/decode_egress.h"
#include "objects/decode_upstream.h"
#include "objects/scalar.h"

static const char *const backend_protocols[] = {"http", "https", NULL};
static const char *const source_kinds[] = {
	[RF_SOURCE_SERVICE] = "Service", [RF_SOURCE_IP_RANGE] = "IPRange", [RF_SOURCE_PRINCIPAL] = "AuthenticatedPrincipal", NULL};

static const struct rf_field backend_port[] = {
	RF_FIELD("number", INTEGER, RF_REQUIRED, RF_PORT),
	RF_FIELD("protocol", ENUM, RF_REQUIRED, .values = backend_protocols),
	RF_END,
};
static const struct rf_field host_item = RF_FIELD(NULL, HOST);
static const struct rf_field tls_fields[] = {
	RF_FIELD("skipClientCertValidation", BOOL, RF_REQUIRED),
	RF_FIELD("sniHosts", LIST, .item = &host_item),
	RF_END,
};
static const struct rf_field backend_fields[] = {
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("port", MAP, RF_REQUIRED, .fields = backend_port),
	RF_FIELD("tls", MAP, .fields = tls_fields),
	RF_END,
};
static const struct rf_field backend_item = RF_FIELD(NULL, MAP, .fields = backend_fields);
static const struct rf_field source_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = source_kinds),
	RF_FIELD("name", TEXT, RF_REQUIRED),
	RF_FIELD("namespace", LABEL),
	RF_END,
};
static const struct rf_field source_item = RF_FIELD(NULL, MAP, .fields = source_fields);
static const struct rf_field ingress_spec[] = {
	RF_FIELD("backends", LIST, RF_REQUIRED, .item = &backend_item),
	RF_FIELD("sources", LIST, RF_REQUIRED, .item = &source_item),
	RF_FIELD("matches", LIST, .item = &rf_reference_item),
	RF_END,
};
static const struct rf_field ingress_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = ingress_spec),
	RF_END,
};

static int read_service_source(struct rf_decode *d, struct rf_ingress_source *s, const struct rf_node *node)
{
	s->kind = RF_SOURCE_SERVICE;
	s->ns = rf_get_text(node, "namespace", "");
	if (!*s->ns)
		return rf_decode_error(d, node, "namespace is required for a source of kind Service: the Service's namespace");
	return rf_text_is_name(s->name) ? 0 : rf_decode_error(d, node, "\"%s\" is not a name", s->name);
}

static int read_range_source(struct rf_decode *d, struct rf_ingress_source *s, const struct rf_node *node)
{
	const struct rf_node *name = rf_node_get(node, "name");

	s->kind = RF_SOURCE_IP_RANGE;
	if (rf_text_range(s->name, &s->net, &s->prefix_len) == 0 || !*s->name)
		return 0;
	return rf_decode_error(d, name ? name : node, "IPRange: expected CIDR notation 'a.b.c.d/x' or 'x:y::/n', got '%s'%s", s->name,
			       strchr(s->name, '/') ? "" : " (one address: /32, or /128 for IPv6)");
}

static int read_source(struct rf_decode *d, struct rf_ingress_backend *b, const struct rf_node *node)
{
	const char *kind = rf_get_text(node, "kind", "");
	struct rf_ingress_source *s = RF_ARENA_PUSH(d->arena, b->sources, b->source_count);

	if (!s)
		return -ENOMEM;
	*s = (struct rf_ingress_source){.name = rf_get_text(node, "name", ""), .ns = "", .place = node->place};
	if (strcmp(kind, source_kinds[RF_SOURCE_SERVICE]) == 0)
		return read_service_source(d, s, node);
	if (strcmp(kind, source_kinds[RF_SOURCE_IP_RANGE]) == 0)
		return read_range_source(d, s, node);
	s->kind = RF_SOURCE_PRINCIPAL;
	return 0;
}

static bool names_principal(const struct rf_ingress_backend *b)
{
	for (size_t i = 0; i < b->source_count; i++) {
		if (b->sources[i].kind == RF_SOURCE_PRINCIPAL)
			return true;
	}
	return false;
}

static bool names_address(const struct rf_ingress_backend *b)
{
	for (size_t i = 0; i < b->source_count; i++) {
		if (b->sources[i].kind != RF_SOURCE_PRINCIPAL)
			return true;
	}
	return false;
}

/* What OSM's webhook asks for, plus semantics row 19: plain HTTP has no principal to authenticate. */
static int check_backend(struct rf_decode *d, const struct rf_ingress_backend *b, const struct rf_node *node, bool https)
{
	const struct rf_node *tls = rf_node_get(node, "tls");

	if (d->problems > 0) /* what the sources are is not known then */
		return 0;
	if (https && rf_get_bool(tls, "skipClientCertValidation", false) && !names_principal(b))
		return rf_decode_error(d, tls,
				       "https ingress with skipClientCertValidation must specify at least one "
				       "AuthenticatedPrincipal source");
	if (!https && b->source_count > 0 && !names_address(b))
		return rf_decode_error(d, node,
				       "http with only AuthenticatedPrincipal sources would let anyone in: name a Service or IPRange "
				       "source");
	if (https)
		return rf_decode_warning(d, node, "protocol https is not enforced yet: it admits nothing");
	return 0;
}

static int read_backend(struct rf_decode *d, struct rf_ingress_backend *b, const struct rf_node *node)
{
	const struct rf_node *port = rf_node_get(node, "port");
	const char *protocol = rf_get_text(port, "protocol", "http");
	struct rf_ingress_backend_entry *e = RF_ARENA_PUSH(d->arena, b->backends, b->backend_count);

	if (!e)
		return -ENOMEM;
	*e = (struct rf_ingress_backend_entry){.service = rf_get_text(node, "name", ""),
					       .port = (uint16_t)rf_get_integer(port, "number", 0),
					       .protocol = protocol,
					       .place = node->place};
	return check_backend(d, b, node, strcmp(protocol, "https") == 0);
}

/* Returns what to do with the whole object: matches narrow it, so without enforcing them it must admit nothing. */
static int drop_matched(struct rf_decode *d, struct rf_ingress_backend *b, const struct rf_node *matches)
{
	if (rf_get_count(matches) == 0)
		return 0;
	b->backend_count = 0;
	return rf_decode_warning(d, matches, "is not enforced yet: this IngressBackend admits nothing");
}

static int decode_ingress_backend(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *sources = rf_node_get(spec, "sources");
	const struct rf_node *backends = rf_node_get(spec, "backends");
	struct rf_ingress_backend b = {.meta = d->meta}, *slot;
	int r = 0;

	for (size_t i = 0; i < rf_get_count(sources) && r == 0; i++)
		r = read_source(d, &b, sources->items[i]);
	for (size_t i = 0; i < rf_get_count(backends) && r == 0; i++)
		r = read_backend(d, &b, backends->items[i]);
	if (r == 0)
		r = drop_matched(d, &b, rf_node_get(spec, "matches"));
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->ingress_backends, d->objects->ingress_backends_count);
	if (!slot)
		return -ENOMEM;
	*slot = b;
	return 0;
}

int rf_decode_plain(struct rf_decode *d)
{
	struct rf_plain_object *slot;

	if (d->problems > 0)
		return 0;
	slot = RF_ARENA_PUSH(d->arena, d->objects->plain, d->objects->plain_count);
	if (!slot)
		return -ENOMEM;
	slot->meta = d->meta;
	return rf_decode_warning(d, d->root, "%s is not enforced yet: it has no effect", d->meta.kind);
}

const struct rf_kind rf_kinds_policy[] = {
	{"policy.openservicemesh.io", "v1alpha1", "IngressBackend", RF_KIND_STRICT, ingress_fields, decode_ingress_backend},
	{"policy.openservicemesh.io", "v1alpha1", "Egress", RF_KIND_STRICT, rf_egress_fields, rf_decode_egress},
	{"policy.openservicemesh.io", "v1alpha1", "UpstreamTrafficSetting", RF_KIND_STRICT, rf_upstream_fields, rf_decode_plain},
	{"policy.openservicemesh.io", "v1alpha1", "Retry", RF_KIND_STRICT, rf_retry_fields, rf_decode_retry},
	{0},
};
