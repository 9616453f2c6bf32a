/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks of the world outside the mesh, or of the way in it: Egress, exclusion lists, TrafficSplit, the audit annotation. */
#include "objects_world.h"

#include <arpa/inet.h>

#define META(name, ns) "metadata: {name: " name ", namespace: " ns "}\n"
#define EGRESS         "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\n"
#define GROUP          "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\n"
#define CONFIG         "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\n" META("osm-mesh-config", "osm-system")
#define SPLIT          "apiVersion: split.smi-spec.io/v1alpha2\nkind: TrafficSplit\n"
#define CURL           "{kind: ServiceAccount, name: curl, namespace: curl}"
#define SERVICE(name)  "---\napiVersion: v1\nkind: Service\n" META(name, "shop") "spec: {ports: [{port: 80}]}\n"

static void test_egress(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o = world_checked(
		EGRESS META("e", "curl") "spec:\n  sources: [" CURL "]\n  hosts: [httpbin.org, '*.example.com']\n"
					 "  ipAddresses: [10.1.2.3/8, 'fd00:1::7/64']\n"
					 "  ports: [{number: 80, protocol: http}, {number: 443, protocol: https}, {number: 25, protocol: "
					 "tcp-server-first}]\n"
					 "  matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: r}]\n"
					 "---\n" GROUP META("r", "curl") "spec: {matches: [{name: a}]}\n");
	const struct rf_egress *e;

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_int_equal(o->egresses_count, 1);
	assert_int_equal(o->plain_count, 0);
	e = &o->egresses[0];
	assert_string_equal(e->sources[0].name, "curl");
	assert_int_equal(e->host_count, 2);
	assert_string_equal(e->hosts[1].name, "*.example.com");
	assert_int_equal(e->range_count, 2);
	assert_int_equal(e->ranges[0].net.be[3], htonl(0x0a000000));
	assert_int_equal(e->ranges[0].prefix_len, 96 + 8);
	assert_int_equal(e->ranges[1].net.be[3], 0);
	assert_int_equal(e->ranges[1].prefix_len, 64);
	assert_int_equal(e->port_count, 3);
	assert_int_equal(e->ports[0].protocol, RF_EGRESS_PROTOCOL_HTTP);
	assert_int_equal(e->ports[1].protocol, RF_EGRESS_PROTOCOL_HTTPS);
	assert_int_equal(e->ports[2].protocol, RF_EGRESS_PROTOCOL_TCP);
	assert_int_equal(e->ports[2].port, 25);
	assert_true(e->has_route_groups);
	assert_string_equal(e->matches[0].name, "r");
}

#define WITH(fields)           EGRESS META("e", "curl") "spec: {sources: [" CURL "], ports: [{number: 80, protocol: tcp}], " fields "}\n"
#define REFERENCE(group, kind) "{apiGroup: " group ", kind: " kind ", name: x}"
#define SETTING                REFERENCE("policy.openservicemesh.io/v1alpha1", "UpstreamTrafficSetting")

/* invalid-21-egress-kind, invalid-24-egress-cidr */
static void test_egress_refused(void **state)
{
	(void)state;
	assert_error(WITH("matches: [" REFERENCE("specs.smi-spec.io/v1alpha4", "TCPRoute") "]"),
		     "expected kind of match 'x' to be 'HTTPRouteGroup', got: TCPRoute");
	assert_error(WITH("matches: [" REFERENCE("policy.openservicemesh.io/v1alpha1", "Retry") "]"),
		     "expected kind of match 'x' to be 'UpstreamTrafficSetting', got: Retry");
	assert_error(WITH("matches: [" REFERENCE("v1", "HTTPRouteGroup") "]"), "expected apiGroup of match 'x'");
	assert_error(WITH("matches: [" SETTING ", " SETTING "]"), "more than one match of kind UpstreamTrafficSetting");
	assert_error(WITH("ipAddresses: [10.0.0.1]"), "ipAddresses[0]: expected a range in CIDR notation");
	assert_error(WITH("ipAddresses: [10.0.0.0/33]"), "ipAddresses[0]: expected a range in CIDR notation");
	assert_error(WITH("hosts: ['a..b']"), "is not a host name");
	assert_error(WITH("hosts: ['*.*.b']"), "is not a host name");
	assert_error(WITH("colour: red"), "4:110: spec.colour: unknown field");
	assert_error(EGRESS META("e", "curl") "spec: {sources: [{kind: User, name: x, namespace: y}], ports: []}\n",
		     "must be ServiceAccount, not");
	assert_error(EGRESS META("e", "curl") "spec: {sources: [{kind: ServiceAccount, name: x}], ports: []}\n", "namespace is required");
	assert_error(EGRESS META("e", "curl") "spec: {sources: [" CURL "], ports: [{number: 80, protocol: udp}]}\n",
		     "\"udp\" is not one of http");
	assert_error(EGRESS META("e", "curl") "spec: {sources: [" CURL "], ports: [{number: 0, protocol: tcp}]}\n", "ports[0].number");
	assert_error(EGRESS META("e", "curl") "spec: {sources: [" CURL "]}\n", "ports is required");
}

/* egress-09-missing-routegroup among them */
static void test_egress_warned(void **state)
{
	(void)state;
	assert_clean(WITH("hosts: [a.b]"));
	assert_warning(WITH("matches: [" SETTING "]"), "UpstreamTrafficSetting is not enforced yet: it limits nothing");
	assert_warning(WITH("matches: [" REFERENCE("specs.smi-spec.io/v1alpha4", "HTTPRouteGroup") "]"),
		       "HTTPRouteGroup curl/x does not exist: this match admits nothing");
	assert_warning(EGRESS META("e", "curl") "spec: {sources: [" CURL "], ports: [{number: 80, protocol: http}]}\n",
		       "ports[0]: protocol http without hosts admits nothing");
	assert_warning(EGRESS META("e", "curl") "spec: {sources: [], ports: [{number: 80, protocol: tcp}]}\n", "this Egress admits nobody");
	assert_warning(EGRESS META("e", "curl") "spec: {sources: [" CURL "], ports: []}\n", "this Egress admits nothing");
}

static void test_mesh_exclusions(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked(CONFIG "spec:\n  traffic:\n    outboundPortExclusionList: [80, 443]\n    inboundPortExclusionList: [3000]\n"
				     "    outboundIPRangeExclusionList: [10.1.0.0/16, 'fd00::/8']\n    strictAuthority: true\n");
	struct rf_mesh_config c = rf_objects_mesh_config(o);

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_true(c.strict_authority);
	assert_int_equal(c.exclusions.outbound_port_count, 2);
	assert_int_equal(c.exclusions.outbound_ports[1].port, 443);
	assert_int_equal(c.exclusions.outbound_ports[1].place.line, 6);
	assert_int_equal(c.exclusions.inbound_port_count, 1);
	assert_int_equal(c.exclusions.outbound_range_count, 2);
	assert_int_equal(c.exclusions.outbound_ranges[0].prefix_len, 96 + 16);
	assert_int_equal(c.exclusions.outbound_ranges[1].prefix_len, 8);
	/* invalid-31-meshconfig-port */
	assert_error(CONFIG "spec: {traffic: {outboundPortExclusionList: [0]}}\n", "outboundPortExclusionList[0]");
	assert_error(CONFIG "spec: {traffic: {outboundIPRangeExclusionList: [1.2.3.4]}}\n", "outboundIPRangeExclusionList[0]");
	assert_warning(CONFIG "spec: {traffic: {outboundIPRangeInclusionList: [1.2.3.4/32]}}\n",
		       "all addresses and interfaces stay in the mesh");
	assert_warning(CONFIG "spec: {traffic: {networkInterfaceExclusionList: [eth1]}}\n",
		       "all addresses and interfaces stay in the mesh");
}

#define POD(annotations)                                                                                                                   \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, annotations: {" annotations                                       \
	"}}\nspec: {containers: [{name: c, image: x}]}\n"
#define DEPLOYMENT(annotations)                                                                                                            \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p, namespace: shop}\nspec:\n  selector: {}\n  template:\n    metadata: {" \
	"annotations: {" annotations "}}\n    spec: {containers: [{name: c, image: x}]}\n"

static void test_pod_exclusions(void **state)
{
	static const char *const texts[] = {
		POD("openservicemesh.io/outbound-port-exclusion-list: '80, 443', openservicemesh.io/inbound-port-exclusion-list: '3000', "
		    "openservicemesh.io/outbound-ip-range-exclusion-list: ' 10.1.2.3/16 ,fd00::/8', other: '1'"),
		DEPLOYMENT("openservicemesh.io/outbound-port-exclusion-list: '80, 443', openservicemesh.io/inbound-port-exclusion-list: "
			   "'3000', "
			   "openservicemesh.io/outbound-ip-range-exclusion-list: ' 10.1.2.3/16 ,fd00::/8', other: '1'"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(texts[i]);
		const struct rf_workload *w = &o->workloads[0];

		assert_int_equal(o->diags.count, 0);
		assert_int_equal(o->workloads_count, 1);
		assert_int_equal(w->pod_annotation_count, 4);
		assert_int_equal(w->exclusions.outbound_port_count, 2);
		assert_int_equal(w->exclusions.outbound_ports[0].port, 80);
		assert_int_equal(w->exclusions.outbound_ports[1].port, 443);
		assert_int_equal(w->exclusions.inbound_ports[0].port, 3000);
		assert_int_equal(w->exclusions.outbound_range_count, 2);
		assert_int_equal(w->exclusions.outbound_ranges[0].net.be[3], htonl(0x0a010000));
		assert_true(w->exclusions.outbound_ranges[0].place.line > 0);
	}
}

/* excl-07-bad-annotation */
static void test_pod_exclusions_refused(void **state)
{
#define PORTS(value) "openservicemesh.io/outbound-port-exclusion-list: " value
	(void)state;
	assert_error(POD(PORTS("'80,abc'")), "3:52: metadata.annotations: Invalid port value 'abc' specified for annotation "
					     "'openservicemesh.io/outbound-port-exclusion-list'");
	assert_error(DEPLOYMENT(PORTS("'80,abc'")), "spec.template.metadata.annotations: Invalid port value 'abc'");
	assert_error(POD(PORTS("'0'")), "Invalid port value '0'");
	assert_error(POD(PORTS("'65536'")), "Invalid port value '65536'");
	assert_error(POD(PORTS("'80,'")), "Invalid port value ''");
	assert_error(POD(PORTS("''")), "Invalid port value ''");
	assert_error(POD(PORTS("'8 0'")), "Invalid port value '8 0'");
	assert_error(POD(PORTS("80")), "is not a string: put it in quotes");
	assert_error(POD("openservicemesh.io/inbound-port-exclusion-list: 'x'"),
		     "annotation 'openservicemesh.io/inbound-port-exclusion-list'");
	assert_error(POD("openservicemesh.io/outbound-ip-range-exclusion-list: '10.0.0.0/8,10.0.0.1'"),
		     "Invalid IP range value '10.0.0.1'");
	assert_warning(POD("openservicemesh.io/outbound-ip-range-inclusion-list: '10.0.0.0/8'"), "all addresses stay in the mesh");
}

/* A long value must not be cut into a good one. */
static void test_long_words(void **state)
{
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), POD("openservicemesh.io/outbound-port-exclusion-list: '80%080d'"), 0);
	assert_error(text, "Invalid port value '800000");
}

#define ONE_BACKEND "backends: [{service: v1, weight: 1}]"

static void test_split(void **state)
{
	/* split-07-short-root, split-01-even, split-03-90-10: name, name.ns, in full */
	static const char *const roots[] = {"store", "store.shop", "store.shop.svc", "store.shop.svc.cluster.local"};

	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 SPLIT META("s", "shop") "spec: {service: %s, backends: [{service: v1.shop, weight: 90}, {service: v2, weight: "
						 "10}]}\n" SERVICE("store") SERVICE("v1") SERVICE("v2"),
			 roots[i]);
		{
			RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);

			assert_int_equal(o->diags.count, 0);
			assert_string_equal(o->splits[0].service, "store");
			assert_string_equal(o->splits[0].backends[0].service, "v1");
			assert_int_equal(o->splits[0].backends[0].weight, 90);
			assert_string_equal(o->splits[0].backends[1].service, "v2");
		}
	}
}

static void test_split_refused(void **state)
{
	(void)state;
	/* invalid-28-split-no-backends */
	assert_error(SPLIT META("s", "shop") "spec: {service: bookstore}\n", "backends is required");
	assert_error(SPLIT META("s", "shop") "spec: {service: store.other, " ONE_BACKEND "}\n", "is of another namespace");
	assert_error(SPLIT META("s", "shop") "spec: {service: store.shop.pod, " ONE_BACKEND "}\n",
		     "is not the name of a Service: write store or store.shop");
	assert_error(SPLIT META("s", "shop") "spec: {service: store, backends: [{service: v1.other, weight: 1}]}\n",
		     "backends[0].service: \"v1.other\" is of another namespace");
	assert_error(SPLIT META("s", "shop") "spec: {service: store, backends: [{service: v1, weight: -1}]}\n", "weight");
	assert_error(SPLIT META("s", "shop") "spec: {service: store, backends: [{service: v1, weight: 1.5}]}\n", "weight");
	assert_error(
		SPLIT META(
			"s",
			"shop") "spec: {service: store, backends: [{service: a, weight: 1000000000}, {service: b, weight: 1000000000}, "
				"{service: c, weight: 1000000000}, {service: d, weight: 1000000000}, {service: e, weight: 1000000000}]}\n",
		"the weights add up to more than 4294967295");
}

static void test_split_too_wide(void **state)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), SPLIT META("s", "shop") "spec:\n  service: store\n  backends:\n");

	(void)state;
	for (int i = 0; i <= RF_SPLIT_BACKENDS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {service: v%d, weight: 1}\n", i);
	assert_error(text, "more than 64 backends");
}

static void test_split_warned(void **state)
{
	(void)state;
	assert_warning(SPLIT META("s", "shop") "spec: {service: store, " ONE_BACKEND "}\n" SERVICE("v1"),
		       "Service shop/store does not exist: this TrafficSplit moves no traffic");
	assert_warning(SPLIT META("s", "shop") "spec: {service: store, " ONE_BACKEND "}\n" SERVICE("store"),
		       "Service shop/v1 does not exist: connections that are shifted to it are refused");
	assert_warning(SPLIT META("s", "shop") "spec: {service: store, " ONE_BACKEND
					       ", matches: [{kind: HTTPRouteGroup, name: r}]}\n" SERVICE("store") SERVICE("v1"),
		       "this TrafficSplit moves no traffic");
}

#define NAMESPACE(value) "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {ringfence.io/audit: " value "}}\n"
#define TARGET(value)                                                                                                                      \
	"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t, namespace: shop, annotations: "                 \
	"{ringfence.io/audit: " value "}}\nspec: {destination: {kind: ServiceAccount, name: a, namespace: shop}, sources: [" CURL          \
	"], rules: []}\n"

static void test_audit(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(NAMESPACE("enabled"));

	(void)state;
	assert_int_equal(o->diags.count, 0);
	assert_string_equal(rf_meta_annotation(&o->namespaces[0].meta, RF_AUDIT_ANNOTATION), RF_AUDIT_ENABLED);
	assert_null(rf_meta_annotation(&o->namespaces[0].meta, "other"));
	assert_clean(NAMESPACE("disabled"));
	assert_error(NAMESPACE("Enabled"), "\"Enabled\" is not one of enabled, disabled");
	assert_error(NAMESPACE("''"), "\"\" is not one of enabled, disabled");
	assert_error(NAMESPACE("'true'"), "\"true\" is not one of enabled, disabled");
	assert_error(TARGET("on-please"), "\"on-please\" is not one of enabled, disabled");
	assert_warning(TARGET("enabled"), "spec.rules is empty"); /* and nothing about the annotation */
	assert_warning(
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: b, annotations: {ringfence.io/audit: enabled}}\n",
		"has no meaning on a ServiceAccount");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_egress),         cmocka_unit_test(test_egress_refused),
		cmocka_unit_test(test_egress_warned),  cmocka_unit_test(test_mesh_exclusions),
		cmocka_unit_test(test_pod_exclusions), cmocka_unit_test(test_pod_exclusions_refused),
		cmocka_unit_test(test_long_words),     cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_refused),  cmocka_unit_test(test_split_too_wide),
		cmocka_unit_test(test_split_warned),   cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests_name("objects about the outside", tests, NULL, NULL);
}
