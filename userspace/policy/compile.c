/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/cleanup.h"
#include "policy/compile.h"

static int build_indexes(struct rf_compile *c)
{
	const struct rf_objects *o = c->objects;
	const struct {
		const void *objects;
		size_t count;
		size_t stride;
		struct rf_index *ret;
	} kinds[] = {
		{o->namespaces, o->namespaces_count, sizeof(*o->namespaces), &c->namespaces},
		{o->services, o->services_count, sizeof(*o->services), &c->services},
		{o->targets, o->targets_count, sizeof(*o->targets), &c->targets},
		{o->route_groups, o->route_groups_count, sizeof(*o->route_groups), &c->route_groups},
		{o->udp_routes, o->udp_routes_count, sizeof(*o->udp_routes), &c->udp_routes},
		{o->tcp_routes, o->tcp_routes_count, sizeof(*o->tcp_routes), &c->tcp_routes},
		{o->ingress_backends, o->ingress_backends_count, sizeof(*o->ingress_backends), &c->ingress_backends},
		{o->egresses, o->egresses_count, sizeof(*o->egresses), &c->egresses},
		{o->splits, o->splits_count, sizeof(*o->splits), &c->splits},
	};
	int r = 0;

	for (size_t i = 0; !r && i < RF_ARRAY_SIZE(kinds); i++)
		r = rf_index_build(c->arena, kinds[i].objects, kinds[i].count, kinds[i].stride, kinds[i].ret);
	return r;
}

static void write_ranges(const struct rf_policy_input *input, struct rf_config *config)
{
	const uint32_t all = 0xffffffffu;

	config->service[0] = (struct rf_range){
		.net = rf_addr4(input->service_net_be & input->service_mask_be),
		.mask = {{all, all, all, input->service_mask_be}},
	};
	config->service_ranges = 1;
	if (rf_addr_is_none(&input->service_net6))
		return;
	config->service[1] = (struct rf_range){.net = rf_addr_embed(&input->service_net6, 0), .mask = {{all, all, all, 0}}};
	config->service_ranges = 2;
}

static int begin(struct rf_compile *c)
{
	struct rf_mesh_config mesh = rf_objects_mesh_config(c->objects);
	struct rf_rule *none = RF_ARENA_PUSH(c->policy->arena, c->policy->rules, c->policy->rule_count);

	if (!none)
		return -ENOMEM;
	strcpy(none->text, "none");
	c->policy->config = (struct rf_config){
		.epoch = c->input->epoch,
		.permissive = !mesh.permissive        ? RF_PERMISSIVE_OFF
			      : mesh.strict_authority ? RF_PERMISSIVE_NAMED
						      : RF_PERMISSIVE_ON,
		.egress = mesh.egress,
	};
	write_ranges(c->input, &c->policy->config);
	return build_indexes(c);
}

static int run(struct rf_compile *c)
{
	static int (*const stages[])(struct rf_compile *) = {
		begin,
		rf_compile_subjects,
		rf_compile_identities,
		rf_compile_ports,
		rf_compile_services,
		rf_compile_splits,
		rf_compile_targets,
		rf_compile_egress_grants,
		rf_compile_atoms,
		rf_compile_automata,
		rf_compile_permissive,
		rf_compile_allow,
		rf_compile_routes,
		rf_compile_egress,
		rf_compile_ingress,
		rf_compile_exclusions,
		rf_compile_capacity,
	};
	int r = 0;

	for (size_t i = 0; !r && i < RF_ARRAY_SIZE(stages); i++)
		r = stages[i](c);
	return r;
}

static void compile_end(struct rf_compile *c)
{
	for (size_t i = 0; i < c->image_count; i++)
		rf_automaton_image_free(c->images[i]);
	rf_arena_free(c->arena);
	rf_policy_free(c->policy);
}

static int policy_new(struct rf_policy **ret)
{
	struct rf_arena *arena = rf_arena_new();
	struct rf_policy *policy = arena ? rf_arena_alloc(arena, sizeof(*policy)) : NULL;

	if (!policy) {
		rf_arena_free(arena);
		return -ENOMEM;
	}
	policy->arena = arena;
	*ret = policy;
	return 0;
}

int rf_policy_compile(const struct rf_policy_input *input, struct rf_diags *diags, struct rf_policy **ret)
{
	RF_CLEANUP(compile_end) struct rf_compile c = {.input = input, .objects = input->objects, .diags = diags};
	int r = policy_new(&c.policy);

	if (r)
		return r;
	c.arena = rf_arena_new();
	if (!c.arena)
		return -ENOMEM;
	r = run(&c);
	if (r)
		return r;
	*ret = TAKE_PTR(c.policy);
	return 0;
}

void rf_policy_free(struct rf_policy *policy)
{
	if (policy)
		rf_arena_free(policy->arena); /* the policy itself lives in it */
}
