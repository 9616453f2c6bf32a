/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole compiler over any text: objects, a pod for each workload, tables, requests. A policy that compiles has a valid blob, the same
 * one each time, and the answers of the allow list and of the blob agree.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"
#include "policy/policy.h"

#define PODS_MAX  16
#define ALLOW_MAX 64 /* entries that are asked about */

static void require(int truth)
{
	if (!truth)
		abort();
}

static enum rf_reason decide(const struct rf_policy *policy, const struct rf_allow_key *key, const char *method, const char *path)
{
	static const struct rf_header_field fields[] = {{"Host", 4, "a", 1}, {"X-A", 3, "b", 1}};
	const struct rf_request_question question = {.src = key->src,
						     .dst = key->dst,
						     .port = key->port,
						     .method = method,
						     .method_len = strlen(method),
						     .target = path,
						     .target_len = strlen(path),
						     .authority = "a",
						     .authority_len = 1,
						     .fields = fields,
						     .field_count = RF_ARRAY_SIZE(fields)};
	struct rf_request_answer answer;

	rf_routes_decide(policy->routes, &question, &answer);
	require(answer.rule_id < policy->rule_count);
	require((answer.reason == RF_REASON_ALLOW_AUDIT) == (answer.would != RF_REASON_UNSPEC));
	return answer.reason == RF_REASON_ALLOW_AUDIT ? answer.would : answer.reason;
}

/* Allow list and blob agree: on who may talk, and on which pairs are asked about each request. */
static void ask(const struct rf_policy *policy, const struct rf_allow_key *key, const char *method, const char *path)
{
	const struct rf_allow_value *value = rf_policy_lookup(policy, key->src, key->dst, key->port, IPPROTO_TCP);
	const enum rf_reason reason = decide(policy, key, method, path);

	if (policy->config.permissive)
		require(reason == RF_REASON_ALLOW_PERMISSIVE || reason == RF_REASON_AUTHORITY);
	else if (!value || value->verdict == RF_VERDICT_DENY)
		require(reason == RF_REASON_NO_RULE);
	else if (value->verdict == RF_VERDICT_ALLOW)
		require(reason == RF_REASON_ALLOW_RULE);
	else
		require(reason == RF_REASON_ALLOW_L7 || reason == RF_REASON_NO_ROUTE || reason == RF_REASON_ROUTE_OTHERS ||
			reason == RF_REASON_BAD_PATH || reason == RF_REASON_AUTHORITY);
}

static void ask_all(const struct rf_policy *policy)
{
	static const char *const paths[] = {"/", "/buy", "/api/v1/../x", "/a%2fb", "/caf\xc3\xa9", "x", "/books-bought?x=1"};
	static const char *const methods[] = {"GET", "POST", "X"};

	for (size_t i = 0; i < policy->allow_count && i < ALLOW_MAX; i++) {
		struct rf_allow_key key = policy->allow_keys[i];

		for (size_t k = 0; k < RF_ARRAY_SIZE(paths); k++)
			ask(policy, &key, methods[k % RF_ARRAY_SIZE(methods)], paths[k]);
		key.port++;
		ask(policy, &key, "GET", "/");
		key.src = key.dst;
		ask(policy, &key, "GET", "/");
	}
}

static size_t make_pods(const struct rf_objects *o, struct rf_endpoint *pods)
{
	size_t n = 0;

	for (size_t i = 0; i < o->workloads_count && n < PODS_MAX; i++) {
		const struct rf_workload *w = &o->workloads[i];

		pods[n] = (struct rf_endpoint){.ns = w->meta.ns,
					       .name = w->meta.name,
					       .service_account = w->service_account,
					       .labels = w->pod_labels,
					       .label_count = w->pod_label_count,
					       .addr4 = rf_addr4(htonl(0x0ac90002 + (uint32_t)n))};
		if (n % 2)
			pods[n].addr6 = (struct rf_addr){{htonl(0xfd000004), 0, 0, htonl(2 + (uint32_t)n)}};
		n++;
	}
	return n;
}

static struct rf_policy *compile(const struct rf_objects *o, struct rf_diags *diags)
{
	struct rf_endpoint pods[PODS_MAX];
	const struct rf_policy_input input = {
		.objects = o,
		.endpoints = pods,
		.endpoint_count = make_pods(o, pods),
		.mesh_name = "osm",
		.service_net_be = htonl(0x0aca0000),
		.service_mask_be = htonl(0xffff0000),
		.service_net6 = {{htonl(0xfd000005)}},
		.epoch = 7,
	};
	struct rf_policy *policy = NULL;
	const size_t before = diags->error_count;
	const int r = rf_policy_compile(&input, diags, &policy);

	require(r == 0 || r == -EINVAL || r == -EEXIST || r == -E2BIG);
	require((r == 0) == (policy != NULL));
	require(r == 0 || diags->error_count > before); /* a refusal has a reason */
	return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	RF_CLEANUP(rf_policy_freep) struct rf_policy *policy = NULL, *again = NULL;
	struct rf_policy_diff diff;

	require(rf_objects_new(&o) == 0);
	require(rf_objects_add(o, "fuzz.yaml", (const char *)data, size) == 0);
	require(rf_objects_check(o) == 0);
	if (o->diags.error_count)
		return 0;
	policy = compile(o, &o->diags);
	if (!policy)
		return 0;
	require(rf_routes_validate(policy->routes, policy->routes_size) == 0);
	ask_all(policy);
	again = compile(o, &o->diags);
	require(again && again->routes_size == policy->routes_size && memcmp(again->routes, policy->routes, policy->routes_size) == 0);
	rf_policy_diff(policy, again, &diff);
	require(diff.added == 0 && diff.removed == 0 && diff.changed == 0);
	return 0;
}
