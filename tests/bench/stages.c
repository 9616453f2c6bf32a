// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's way from a policy directory to the kernel, stage by stage, with made-up running pods: stages DIRECTORY ENDPOINTS ROUNDS
 * [publish]. The same functions as in the agent, called from here, since as many real pods do not fit on one machine. ENDPOINTS pods are
 * taken from the Pod objects of the directory, each with an address. With "publish" the revisions go into the kernel, as an instance of
 * their own (RINGFENCE_INSTANCE; no agent of it may run). Prints one JSON object: milliseconds of each round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/instance.h"
#include "datapath/datapath.h"
#include "policy/policy.h"
#include "source/directory.h"

static _Noreturn void die(const char *what, int r)
{
	fprintf(stderr, "stages: %s: %s\n", what, strerror(-r));
	exit(1);
}

static double ms_since(uint64_t ns)
{
	return (double)(rf_now_ns() - ns) / 1e6;
}

static struct rf_objects *read_objects(const char *directory, double *ret_read, double *ret_parse, double *ret_check)
{
	struct rf_arena *arena = rf_arena_new();
	struct rf_snapshot snapshot = {};
	struct rf_objects *objects;
	char error[512] = "";
	uint64_t from = rf_now_ns();
	int r = rf_directory_read(directory, arena, &snapshot, error, sizeof(error));

	if (r < 0 || rf_objects_new(&objects) < 0)
		die(*error ? error : directory, r);
	*ret_read = ms_since(from);
	from = rf_now_ns();
	for (size_t i = 0; i < snapshot.count; i++)
		if (rf_objects_add(objects, snapshot.items[i].name, snapshot.items[i].text, snapshot.items[i].len) < 0)
			die("parse", -ENOMEM);
	*ret_parse = ms_since(from);
	from = rf_now_ns();
	r = rf_objects_check(objects);
	if (r < 0 || objects->diags.error_count)
		die(objects->diags.count ? objects->diags.items[0].text : "check", r < 0 ? r : -EINVAL);
	*ret_check = ms_since(from);
	rf_arena_free(arena);
	return objects;
}

/* The first `count` Pod objects as running pods; 10.x.y.z from `base_be`. */
static struct rf_endpoint *endpoints_of(const struct rf_objects *objects, size_t count, uint32_t base_be, size_t *ret)
{
	struct rf_endpoint *all = calloc(count + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < objects->workloads_count && n < count; i++) {
		const struct rf_workload *w = &objects->workloads[i];

		if (!w->is_pod)
			continue;
		all[n] = (struct rf_endpoint){.ns = w->meta.ns,
					      .name = w->meta.name,
					      .service_account = w->service_account,
					      .labels = w->pod_labels,
					      .label_count = w->pod_label_count,
					      .addr4 = rf_addr4(htonl(ntohl(base_be) + (uint32_t)n + 2))};
		n++;
	}
	*ret = n;
	return all;
}

static void round_of(const char *directory, size_t endpoint_count, struct rf_instance *instance, struct rf_datapath *dp, rf_epoch_t epoch)
{
	double read_ms = 0, parse_ms = 0, check_ms = 0, compile_ms, publish_ms = 0;
	uint64_t whole = rf_now_ns(), from;
	struct rf_objects *objects = read_objects(directory, &read_ms, &parse_ms, &check_ms);
	struct rf_diags diags = {.arena = objects->arena};
	struct rf_policy_input input = {.objects = objects,
					.mesh_name = "osm",
					.service_net_be = instance->service_net_be,
					.service_mask_be = instance->service_mask_be,
					.service_net6 = instance->service_net6,
					.epoch = epoch};
	struct rf_policy *policy = NULL;
	int r;

	input.endpoints = endpoints_of(objects, endpoint_count, instance->pod_net_be, &input.endpoint_count);
	from = rf_now_ns();
	r = rf_policy_compile(&input, &diags, &policy);
	if (r < 0)
		die(diags.count ? diags.items[0].text : "compile", r);
	compile_ms = ms_since(from);
	from = rf_now_ns();
	if (dp && (r = rf_datapath_publish(dp, policy)) < 0)
		die(rf_datapath_error(dp), r);
	if (dp)
		publish_ms = ms_since(from);
	printf("{\"endpoints\": %zu, \"allow\": %zu, \"services\": %zu, \"backends\": %zu, \"read\": %.2f, \"parse\": %.2f, \"check\": "
	       "%.2f, "
	       "\"compile\": %.2f, \"publish\": %.2f, \"whole\": %.2f}\n",
	       input.endpoint_count, policy->allow_count, policy->services_count, policy->backend_count, read_ms, parse_ms, check_ms,
	       compile_ms, publish_ms, ms_since(whole));
	free((void *)input.endpoints);
	rf_policy_free(policy);
	rf_objects_free(objects);
}

int main(int argc, char **argv)
{
	struct rf_instance instance;
	struct rf_datapath *dp = NULL;
	rf_epoch_t epoch = 0;
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: see the head of stages.c\n");
		return 2;
	}
	r = rf_instance_init(&instance, NULL);
	if (r < 0)
		die("instance", r);
	if (argc > 4 && (r = rf_datapath_open(&instance, &dp)) < 0)
		die(dp ? rf_datapath_error(dp) : "datapath", r);
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (dp && (r = rf_datapath_epoch(dp, &epoch)) < 0)
			die("epoch", r);
		round_of(argv[1], (size_t)atol(argv[2]), &instance, dp, epoch + 1);
	}
	rf_datapath_close(dp);
	return 0;
}
