/* SPDX-License-Identifier: Apache-2.0 */
/* MeshConfig (config.openservicemesh.io, v1alpha2 and v1alpha1). Everything that OSM knows is accepted; what would change a decision
 * and is not enforced is named by a warning; what only concerns sidecars is silently without meaning here. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/decode_egress.h"
#include "objects/scalar.h"

#define NUMBER_MAX 4294967295LL

static const char *const log_levels[] = {"trace", "debug", "info", "warning", "warn", "error", "critical", "off", NULL};
static const char *const tls_versions[] = {"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3", NULL};
static const char *const proxy_modes[] = {"Localhost", "PodIP", NULL};

static const struct rf_field string_item = RF_FIELD(NULL, STRING);
static const struct rf_field port_item = RF_FIELD(NULL, INTEGER, RF_PORT);
static const struct rf_field cidr_item = RF_FIELD(NULL, CIDR);

static const struct rf_field resource_fields[] = {
	RF_FIELD("limits", ANY),
	RF_FIELD("requests", ANY),
	RF_END,
};
static const struct rf_field sidecar_fields[] = {
	RF_FIELD("enablePrivilegedInitContainer", BOOL),
	RF_FIELD("logLevel", ENUM, .values = log_levels),
	RF_FIELD("maxDataPlaneConnections", INTEGER, .max = NUMBER_MAX),
	RF_FIELD("envoyImage", STRING),
	RF_FIELD("envoyWindowsImage", STRING),
	RF_FIELD("initContainerImage", STRING),
	RF_FIELD("resources", MAP, .fields = resource_fields),
	RF_FIELD("configResyncInterval", DURATION),
	RF_FIELD("tlsMinProtocolVersion", ENUM, .values = tls_versions),
	RF_FIELD("tlsMaxProtocolVersion", ENUM, .values = tls_versions),
	RF_FIELD("cipherSuites", LIST, .item = &string_item),
	RF_FIELD("ecdhCurves", LIST, .item = &string_item),
	RF_FIELD("localProxyMode", ENUM, .values = proxy_modes),
	RF_END,
};
static const struct rf_field authorization_fields[] = {
	RF_FIELD("enable", BOOL),
	RF_FIELD("address", STRING),
	RF_FIELD("port", INTEGER, RF_PORT),
	RF_FIELD("statPrefix", STRING),
	RF_FIELD("timeout", DURATION),
	RF_FIELD("failureModeAllow", BOOL),
	RF_END,
};
static const struct rf_field traffic_fields[] = {
	RF_FIELD("enableEgress", BOOL),
	RF_FIELD("enablePermissiveTrafficPolicyMode", BOOL),
	RF_FIELD("strictAuthority", BOOL), /* ours: semantics row 18 */
	RF_FIELD("outboundIPRangeExclusionList", LIST, .item = &cidr_item),
	RF_FIELD("outboundIPRangeInclusionList", LIST, .item = &cidr_item),
	RF_FIELD("outboundPortExclusionList", LIST, .item = &port_item),
	RF_FIELD("inboundPortExclusionList", LIST, .item = &port_item),
	RF_FIELD("networkInterfaceExclusionList", LIST, .item = &string_item),
	RF_FIELD("inboundExternalAuthorization", MAP, .fields = authorization_fields),
	RF_END,
};
static const struct rf_field tracing_fields[] = {
	RF_FIELD("enable", BOOL), RF_FIELD("port", INTEGER, RF_PORT), RF_FIELD("address", STRING), RF_FIELD("endpoint", STRING), RF_END,
};
static const struct rf_field observability_fields[] = {
	RF_FIELD("osmLogLevel", STRING),
	RF_FIELD("enableDebugServer", BOOL),
	RF_FIELD("tracing", MAP, .fields = tracing_fields),
	RF_END,
};
static const struct rf_field secret_fields[] = {
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL, RF_REQUIRED),
	RF_END,
};
static const struct rf_field gateway_fields[] = {
	RF_FIELD("subjectAltNames", LIST, RF_REQUIRED, .item = &string_item, .min = 1),
	RF_FIELD("validityDuration", DURATION, RF_REQUIRED),
	RF_FIELD("secret", MAP, RF_REQUIRED, .fields = secret_fields),
	RF_END,
};
static const struct rf_field certificate_fields[] = {
	RF_FIELD("serviceCertValidityDuration", DURATION, RF_REQUIRED),
	RF_FIELD("certKeyBitSize", INTEGER, RF_REQUIRED, .min = 1024, .max = 16384),
	RF_FIELD("ingressGateway", MAP, .fields = gateway_fields),
	RF_END,
};
static const struct rf_field feature_fields[] = {
	RF_FIELD("enableWASMStats", BOOL),
	RF_FIELD("enableEgressPolicy", BOOL),
	RF_FIELD("enableMulticlusterMode", BOOL),
	RF_FIELD("enableSnapshotCacheMode", BOOL),
	RF_FIELD("enableAsyncProxyServiceMapping", BOOL),
	RF_FIELD("enableIngressBackendPolicy", BOOL),
	RF_FIELD("enableEnvoyActiveHealthChecks", BOOL),
	RF_FIELD("enableRetryPolicy", BOOL),
	RF_END,
};
static const struct rf_field spec_fields[] = {
	RF_FIELD("sidecar", MAP, .fields = sidecar_fields),
	RF_FIELD("traffic", MAP, .fields = traffic_fields),
	RF_FIELD("observability", MAP, .fields = observability_fields),
	RF_FIELD("certificate", MAP, .fields = certificate_fields),
	RF_FIELD("featureFlags", MAP, .fields = feature_fields),
	RF_END,
};
static const struct rf_field config_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

/* An inclusion list, or an interface left alone, would take the rest out of the mesh: everything stays inspected. */
static int warn_lists(struct rf_decode *d, const struct rf_node *traffic)
{
	static const char *const lists[] = {"outboundIPRangeInclusionList", "networkInterfaceExclusionList"};
	int r = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && r == 0; i++) {
		const struct rf_node *list = rf_node_get(traffic, lists[i]);

		if (rf_get_count(list) > 0)
			r = rf_decode_warning(d, list, "is not enforced: all addresses and interfaces stay in the mesh");
	}
	return r;
}

static int read_ports(struct rf_decode *d, const struct rf_node *list, struct rf_excluded_port **items, size_t *count)
{
	for (size_t i = 0; i < rf_get_count(list); i++) {
		struct rf_excluded_port *slot;
		int64_t port;

		if (rf_scalar_integer(list->items[i], 1, 65535, &port) < 0)
			continue; /* reported */
		slot = RF_ARENA_PUSH(d->arena, *items, *count);
		if (!slot)
			return -ENOMEM;
		*slot = (struct rf_excluded_port){.port = (uint16_t)port, .place = list->items[i]->place};
	}
	return 0;
}

static int read_exclusions(struct rf_decode *d, const struct rf_node *traffic, struct rf_exclusions *ret)
{
	int r = read_ports(d, rf_node_get(traffic, "outboundPortExclusionList"), &ret->outbound_ports, &ret->outbound_port_count);

	if (r == 0)
		r = read_ports(d, rf_node_get(traffic, "inboundPortExclusionList"), &ret->inbound_ports, &ret->inbound_port_count);
	if (r == 0)
		r = rf_decode_ranges(d, rf_node_get(traffic, "outboundIPRangeExclusionList"), &ret->outbound_ranges,
				     &ret->outbound_range_count);
	return r;
}

/* What would only let less through is warned about and ignored; what would let more through than the object says is refused. */
static int judge_switches(struct rf_decode *d, const struct rf_node *spec)
{
	const struct rf_node *traffic = rf_node_get(spec, "traffic"), *flags = rf_node_get(spec, "featureFlags");
	const struct rf_node *authorization = rf_node_get(traffic, "inboundExternalAuthorization");
	int r = 0;

	if (rf_get_bool(authorization, "enable", false))
		r = rf_decode_error(d, authorization, "is not enforced yet: nobody outside would be asked; set enable to false");
	if (r == 0 && !rf_get_bool(flags, "enableIngressBackendPolicy", true))
		r = rf_decode_warning(d, rf_node_get(flags, "enableIngressBackendPolicy"),
				      "is not enforced yet: only an IngressBackend lets clients from outside in");
	return r;
}

static int decode_mesh_config(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *traffic = rf_node_get(spec, "traffic");
	struct rf_mesh_config c = {.meta = d->meta,
				   .permissive = rf_get_bool(traffic, "enablePermissiveTrafficPolicyMode", false),
				   .egress = rf_get_bool(traffic, "enableEgress", false),
				   .strict_authority = rf_get_bool(traffic, "strictAuthority", false),
				   .egress_objects_off = !rf_get_bool(rf_get(spec, "featureFlags"), "enableEgressPolicy", true)},
			      *slot;
	int r = warn_lists(d, traffic);

	if (r == 0)
		r = read_exclusions(d, traffic, &c.exclusions);
	if (r == 0)
		r = judge_switches(d, spec);
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->mesh_configs, d->objects->mesh_configs_count);
	if (!slot)
		return -ENOMEM;
	*slot = c;
	return 0;
}

const struct rf_kind rf_kinds_config[] = {
	{"config.openservicemesh.io", "v1alpha2", "MeshConfig", RF_KIND_STRICT, config_fields, decode_mesh_config},
	{"config.openservicemesh.io", "v1alpha1", "MeshConfig", RF_KIND_STRICT, config_fields, decode_mesh_config},
	{0},
};
