/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes blobs that nobody made: what rf_routes_validate accepts can be asked anything without a crash. The first byte chooses: 0 to 2, a
 * blob of our own compiler with changes (six bytes each: where, how, what); otherwise the rest is the blob, but for the head's fixed words,
 * which no mutation would hit together.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"
#include "policy/policy.h"

#define CHANGE    6
#define PAIRS_MAX 16

static void require(int truth)
{
	if (!truth)
		abort();
}

/* ---- what depends on the blob's format and on rf_routes_decide ---- */

static void fix_head(void *blob, size_t size)
{
	struct rf_routes_head *head = blob;

	if (size < sizeof(*head))
		return;
	head->magic = RF_ROUTES_MAGIC;
	head->version = RF_ROUTES_VERSION;
	head->size = size;
}

static void decide(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port, const char *text, size_t len)
{
	const struct rf_header_field fields[] = {{"Host", 4, text, len}, {"X-A", 3, "b", 1}, {"x-a", 3, text, len}};
	struct rf_request_question question = {.src = src,
					       .dst = dst,
					       .port = port,
					       .method = "GET",
					       .method_len = 3,
					       .target = text,
					       .target_len = len,
					       .authority = text,
					       .authority_len = len,
					       .fields = fields,
					       .field_count = RF_ARRAY_SIZE(fields)};
	struct rf_request_answer answer;

	for (int tls = 0; tls < 2; tls++) {
		question.tls = tls;
		rf_routes_decide(blob, &question, &answer);
		require(answer.reason != RF_REASON_UNSPEC && (!rf_reason_admits(answer.reason) || src));
	}
	(void)rf_routes_tls(blob, src, dst, port);
}

static void ask_all(const void *blob, const char *text, size_t len)
{
	const struct rf_routes_head *head = blob;
	const struct rf_route_pair *pairs = (const void *)((const char *)blob + head->pairs_off);
	const struct rf_route_egress *egresses = (const void *)((const char *)blob + head->egresses_off);

	for (uint32_t i = 0; i < head->pair_count && i < PAIRS_MAX; i++) {
		decide(blob, pairs[i].src, pairs[i].dst, pairs[i].port, "/buy", 4);
		decide(blob, pairs[i].src, pairs[i].dst, pairs[i].port, text, len);
	}
	for (uint32_t i = 0; i < head->egress_count && i < PAIRS_MAX; i++)
		decide(blob, egresses[i].src, 0, egresses[i].port, text, len);
	decide(blob, 1, 2, 80, "/", 1);
}

/* ---- the rest ---- */

#define META(kind, name) "kind: " kind "\nmetadata: {name: " name ", namespace: n}\n"
#define TARGET(name, source, group)                                                                                                        \
	"---\napiVersion: access.smi-spec.io/v1alpha3\n" META(                                                                             \
		"TrafficTarget", name) "spec:\n"                                                                                           \
				       "  destination: {kind: ServiceAccount, name: a, namespace: n}\n"                                    \
				       "  sources: [{kind: ServiceAccount, name: " source ", namespace: n}]\n"                             \
				       "  rules: [{kind: HTTPRouteGroup, name: " group "}]\n"
#define WORLD                                                                                                                              \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {openservicemesh.io/monitored-by: osm}}\n---\n"                      \
	"apiVersion: apps/v1\n" META(                                                                                                      \
		"Deployment",                                                                                                              \
		"a") "spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: "                                            \
		     "{app: a}}, spec: {serviceAccountName: a, containers: [{name: a, image: a}]}}}\n---\n"                                \
		     "apiVersion: v1\n" META(                                                                                              \
			     "Service",                                                                                                    \
			     "a") "spec: {selector: {app: a}, ports: [{name: http, port: 80}, {name: tcp-x, port: 81}]}\n" TARGET("t",     \
																  "b",     \
																  "g")     \
			     TARGET("u", "c", "h") "---\napiVersion: specs.smi-spec.io/v1alpha4\n" META(                                   \
				     "HTTPRouteGroup", "h") "spec: {matches: [{name: x, pathRegex: /b.*, methods: ['*']}]}\n"              \
							    "---\napiVersion: specs.smi-spec.io/v1alpha4\n" META("HTTPRouteGroup", "g")
/* A DFA, an NFA (its pattern is past the state budget), and a policy that asks nobody. */
static const char *const worlds[] = {
	WORLD "spec: {matches: [{name: x, pathRegex: /buy, methods: [GET], headers: [{x-a: 'b.*'}]}, {name: y, pathRegex: '/\\b.*', "
	      "methods: [GET, PUT]}]}\n",
	WORLD "spec: {matches: [{name: x, pathRegex: '(.*a)?.{20}\\b(a|b)*', methods: [GET]}]}\n",
	WORLD "spec: {matches: [{name: x, pathRegex: /}]}\n---\napiVersion: config.openservicemesh.io/v1alpha2\n"
	      "kind: MeshConfig\nmetadata: {name: m, namespace: n}\nspec: {traffic: {enablePermissiveTrafficPolicyMode: true}}\n",
};
static struct rf_policy *policies[RF_ARRAY_SIZE(worlds)];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rf_pair_text label = {.key = "app", .value = "a"};
	const struct rf_endpoint pod = {
		.ns = "n", .name = "a", .service_account = "a", .labels = &label, .label_count = 1, .addr4 = rf_addr4(htonl(0x0ac90002))};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < RF_ARRAY_SIZE(worlds); i++) {
		struct rf_policy_input input = {.endpoints = &pod,
						.endpoint_count = 1,
						.mesh_name = "osm",
						.service_net_be = htonl(0x0aca0000),
						.service_mask_be = htonl(0xffff0000),
						.epoch = 1};
		struct rf_objects *o;

		require(rf_objects_new(&o) == 0 && rf_objects_add(o, "w.yaml", worlds[i], strlen(worlds[i])) == 0);
		require(rf_objects_check(o) == 0 && o->diags.error_count == 0);
		input.objects = o;
		require(rf_policy_compile(&input, &o->diags, &policies[i]) == 0);
		require(policies[i]->allow_count >= 2 && policies[i]->nfa_count == (i == 1));
		ask_all(policies[i]->routes, "/", 1);
		rf_objects_free(o);
	}
	return 0;
}

static void change(char *blob, size_t size, const uint8_t *c)
{
	const size_t at = (size_t)(c[0] | c[1] << 8 | (c[2] & 15) << 16) % (size / 4) * 4;
	const uint32_t value = c[4] | (uint32_t)c[5] << 8;
	uint32_t word;

	memcpy(&word, blob + at, sizeof(word));
	switch (c[2] >> 4 & 3) {
	case 0:
		word += value;
		break;
	case 1:
		word -= value;
		break;
	case 2:
		word = value << (c[3] % 17);
		break;
	default:
		word ^= value << (c[3] % 17);
	}
	memcpy(blob + at, &word, sizeof(word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *blob = NULL;
	size_t n;

	if (size < 1)
		return 0;
	if (data[0] < RF_ARRAY_SIZE(worlds)) {
		n = policies[data[0]]->routes_size;
		blob = malloc(n);
		require(blob != NULL);
		memcpy(blob, policies[data[0]]->routes, n);
		for (size_t i = 1; i + CHANGE <= size; i += CHANGE)
			change(blob, n, data + i);
	} else {
		n = (size - 1) / 8 * 8;
		blob = malloc(n + 1);
		require(blob != NULL);
		memcpy(blob, data + 1, n);
		fix_head(blob, n);
	}
	if (rf_routes_validate(blob, n) == 0)
		ask_all(blob, (const char *)data, size < 64 ? size : 64);
	return 0;
}
