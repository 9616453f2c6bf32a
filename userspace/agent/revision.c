/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/revision.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/flow_keeper.h"
#include "automaton/cache.h"
#include "core/arena.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/log.h"
#include "objects/parts.h"
#include "policy/hosts.h"

void rf_revision_done(struct rf_revision *revision)
{
	rf_objects_free(revision->objects);
	rf_objects_free(revision->rejected);
	rf_parts_free(revision->parts);
	rf_automaton_cache_free(revision->automata);
	rf_policy_free(revision->policy);
	rf_arena_free(revision->compile_arena);
	*revision = (struct rf_revision){};
}

static int fail(struct rf_revision *rev, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct rf_revision *rev, int r, const char *format, ...)
{
	bool first = !rev->error[0];
	char before[sizeof(rev->error)];
	va_list ap;

	memcpy(before, rev->error, sizeof(before));
	va_start(ap, format);
	vsnprintf(rev->error, sizeof(rev->error), format, ap);
	va_end(ap);
	if (first)
		rev->error_since_ns = rf_now_realtime_ns();
	if (strcmp(before, rev->error) != 0)
		rf_log_error(0, "policy not accepted: %s", rev->error);
	return r;
}

/* The first error with its place, for the one-line summary. */
static int fail_diags(struct rf_revision *rev, int r, const struct rf_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct rf_diag *d = &diags->items[i];

		if (d->is_error)
			return fail(rev, r, "%s:%u:%u: %s%s", d->place.file ? d->place.file : "(no file)", d->place.line, d->place.column,
				    d->text, diags->error_count > 1 ? " (and more)" : "");
	}
	return fail(rev, r, "cannot be compiled: %s", strerror(-r));
}

/* Nanoseconds since *from, which becomes now: one step ends where the next begins. */
static uint64_t lap(uint64_t *from)
{
	uint64_t before = *from;

	*from = rf_now_ns();
	return *from - before;
}

static int join(struct rf_revision *rev, const struct rf_snapshot *snapshot, struct rf_objects **ret)
{
	_cleanup_free_ struct rf_part_text *files = calloc(snapshot->count + 1, sizeof(*files));
	int r = files ? 0 : -ENOMEM;

	if (r == 0 && !rev->parts)
		r = rf_parts_new(&rev->parts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < snapshot->count; i++)
		files[i] = (struct rf_part_text){.name = snapshot->items[i].name,
						 .text = snapshot->items[i].text,
						 .len = snapshot->items[i].len,
						 .version = snapshot->items[i].version};
	return rf_parts_join(rev->parts, files, snapshot->count, ret);
}

static int parse(struct rf_revision *rev, const struct rf_snapshot *snapshot, struct rf_revision_took *took, struct rf_objects **ret)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	uint64_t from = rf_now_ns();
	int r = join(rev, snapshot, &objects);

	took->parse_ns = lap(&from);
	if (r == 0)
		took->parsed = rf_parts_parsed(rev->parts);
	if (r == 0)
		r = rf_objects_check(objects);
	took->check_ns = lap(&from);
	if (objects && objects->diags.error_count) {
		r = fail_diags(rev, -EINVAL, &objects->diags);
		rf_objects_free(rev->rejected);
		rev->rejected = TAKE_PTR(objects);
		return r;
	}
	if (r < 0)
		return fail(rev, r, "cannot be read: %s", strerror(-r));
	*ret = TAKE_PTR(objects);
	return 0;
}

static bool same(const void *a, const void *b, size_t count_a, size_t count_b, size_t size)
{
	return count_a == count_b && (!count_a || memcmp(a, b, count_a * size) == 0);
}

#define SAME_TABLE(name)                                                                                                                   \
	(same(a->name##_keys, b->name##_keys, a->name##_count, b->name##_count, sizeof(*a->name##_keys)) &&                                \
	 same(a->name##_values, b->name##_values, a->name##_count, b->name##_count, sizeof(*a->name##_values)))

static bool same_routes(const struct rf_policy *a, const struct rf_policy *b)
{
	struct rf_routes_head ha, hb;
	const char *ra = a->routes, *rb = b->routes;

	if (a->routes_size != b->routes_size || a->routes_size < sizeof(ha))
		return false;
	memcpy(&ha, ra, sizeof(ha));
	memcpy(&hb, rb, sizeof(hb));
	ha.epoch = hb.epoch = 0;
	return memcmp(&ha, &hb, sizeof(ha)) == 0 && memcmp(ra + sizeof(ha), rb + sizeof(hb), a->routes_size - sizeof(ha)) == 0;
}

static bool same_addresses(const struct rf_policy *a, const struct rf_policy *b)
{
	if (a->address_count != b->address_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++) {
		const struct rf_service_address *x = &a->addresses[i], *y = &b->addresses[i];

		if (strcmp(x->ns, y->ns) != 0 || strcmp(x->name, y->name) != 0 || !rf_addr_equal(&x->addr4, &y->addr4) ||
		    !rf_addr_equal(&x->addr6, &y->addr6) || x->family4 != y->family4 || x->family6 != y->family6 ||
		    !same(x->endpoints, y->endpoints, x->endpoint_count, y->endpoint_count, sizeof(*x->endpoints)))
			return false;
	}
	return true;
}

bool rf_policy_equal(const struct rf_policy *a, const struct rf_policy *b)
{
	struct rf_config ca = a->config, cb = b->config;

	ca.epoch = cb.epoch = 0;
	return memcmp(&ca, &cb, sizeof(ca)) == 0 && SAME_TABLE(idents) && SAME_TABLE(allow) && SAME_TABLE(ingress) &&
	       SAME_TABLE(services) && SAME_TABLE(names) && SAME_TABLE(egress) && SAME_TABLE(exclusions) && SAME_TABLE(service_names) &&
	       same(a->splits, b->splits, a->split_count, b->split_count, sizeof(*a->splits)) &&
	       same(a->backends, b->backends, a->backend_count, b->backend_count, sizeof(*a->backends)) &&
	       same(a->rules, b->rules, a->rule_count, b->rule_count, sizeof(*a->rules)) && same_routes(a, b) && same_addresses(a, b);
}

static int compile(struct rf_agent *agent, const struct rf_objects *objects, struct rf_policy **ret)
{
	_cleanup_free_ struct rf_endpoint *endpoints = NULL;
	struct rf_revision *rev = &agent->revision;
	struct rf_policy_input input = {.objects = objects,
					.mesh_name = agent->mesh_name,
					.service_net_be = agent->instance.service_net_be,
					.service_mask_be = agent->instance.service_mask_be,
					.service_net6 = agent->instance.service_net6};
	struct rf_arena *arena = rf_arena_new();
	struct rf_diags diags = {.arena = arena};
	int r;

	if (!arena)
		return fail(rev, -ENOMEM, "no memory");
	rf_arena_free(rev->compile_arena);
	rev->compile_arena = arena;
	rev->compile_diags = diags;
	if (!rev->automata && rf_automaton_cache_new(&rev->automata) < 0)
		return fail(rev, -ENOMEM, "no memory");
	input.automata = rev->automata;
	r = rf_registry_endpoints(&agent->pods, &endpoints, &input.endpoint_count);
	if (r == 0)
		r = rf_datapath_epoch(agent->dp, &input.epoch);
	if (r < 0)
		return fail(rev, r, "cannot be compiled: %s", strerror(-r));
	input.epoch++;
	input.endpoints = endpoints;
	r = rf_policy_compile(&input, &rev->compile_diags, ret);
	if (r < 0)
		return fail_diags(rev, r, &rev->compile_diags);
	rf_automaton_cache_sweep(rev->automata);
	return 0;
}

int rf_revision_write_hosts(struct rf_agent *agent, const struct rf_local_pod *pod)
{
	struct rf_addr addr4 = rf_addr4(pod->addr_be);
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	ssize_t n;
	size_t len;
	int r;

	if (!agent->revision.policy)
		return 0;
	r = rf_hosts_text(agent->revision.policy, pod->ns, pod->name, &addr4, &pod->addr6, &text);
	if (r < 0)
		return r;
	fd = open(pod->room.hosts, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	len = strlen(text);
	n = pwrite(fd, text, len, 0); /* one write, then cut: a reader sees the old text, the new, or the new with the old's tail */
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}

static void write_all_hosts(struct rf_agent *agent)
{
	agent->revision.hosts_stale = false;
	for (size_t i = 0; i < agent->pods.count; i++) {
		const struct rf_local_pod *pod = agent->pods.items[i];
		int r = pod->state != RF_POD_EXITED ? rf_revision_write_hosts(agent, pod) : 0;

		if (r < 0)
			rf_log_warning(-r, "cannot write %s", pod->room.hosts);
		agent->revision.hosts_stale |= r < 0;
	}
}

static int publish(struct rf_agent *agent, struct rf_policy *policy, struct rf_revision_took *took)
{
	struct rf_revision *rev = &agent->revision;
	uint64_t from = rf_now_ns();
	int r = rf_datapath_publish(agent->dp, policy);

	if (r < 0)
		return fail(rev, r, "the kernel did not take it: %s", rf_datapath_error(agent->dp));
	took->publish_ns = lap(&from);
	took->whole_ns += took->compile_ns + took->publish_ns;
	rev->took = *took;
	rev->epoch = policy->config.epoch;
	rev->since_ns = rf_now_realtime_ns();
	/* What is in the hosts files hangs on the addresses of Services alone; a new pod's is written as the pod is made. */
	rev->hosts_stale |= !rev->policy || !same_addresses(rev->policy, policy);
	return 0;
}

/* Compiles and switches; on success the policy is agent->revision.policy. took->whole_ns: what was done before. */
static int put_in_force(struct rf_agent *agent, const struct rf_objects *objects, struct rf_revision_took *took)
{
	RF_CLEANUP(rf_policy_freep) struct rf_policy *policy = NULL;
	struct rf_revision *rev = &agent->revision;
	uint64_t from = rf_now_ns();
	int r;

	r = compile(agent, objects, &policy);
	took->compile_ns = lap(&from);
	if (r < 0)
		return r;
	if (!policy)
		return fail(rev, -ENODATA, "compiled to nothing");
	if (!rev->policy || !rf_policy_equal(rev->policy, policy)) {
		r = publish(agent, policy, took);
		if (r < 0)
			return r;
		rf_policy_free(rev->policy);
		rev->policy = TAKE_PTR(policy);
		rf_agent_note(agent, "revision", "revision %u is live", rev->epoch);
		rf_flows_cut(agent);
	}
	rev->error[0] = '\0';
	if (rev->hosts_stale)
		write_all_hosts(agent);
	rf_agent_set_ready(agent);
	return 0;
}

/* The next compilation, for another pod, forgets its diags; those of refused files stay until the files change. */
static void keep_errors(const struct rf_revision *rev, struct rf_objects *objects)
{
	for (size_t i = 0; i < rev->compile_diags.count; i++) {
		const struct rf_diag *d = &rev->compile_diags.items[i];

		if (d->is_error)
			rf_diag_error(&objects->diags, d->place, "%s", d->text);
	}
}

int rf_revision_read(struct rf_agent *agent, const struct rf_snapshot *snapshot)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	const struct rf_policy_source *source = agent->source;
	struct rf_revision_took took = {.read_ns = source->read_ended_ns - source->read_began_ns};
	struct rf_revision *rev = &agent->revision;
	int r;

	r = parse(rev, snapshot, &took, &objects);
	if (r < 0)
		return r;
	took.whole_ns = rf_now_ns() - source->read_began_ns;
	r = put_in_force(agent, objects, &took);
	rf_objects_free(rev->rejected);
	rev->rejected = NULL;
	if (r < 0) {
		keep_errors(rev, objects);
		rev->rejected = TAKE_PTR(objects);
		return r;
	}
	rf_objects_free(rev->objects);
	rev->objects = TAKE_PTR(objects);
	rev->file_count = snapshot->count;
	(void)malloc_trim(0); /* a change needs twice the memory for a moment, and its small pieces would keep it */
	return 0;
}

int rf_revision_renew(struct rf_agent *agent)
{
	struct rf_revision *rev = &agent->revision;
	struct rf_revision_took took = {};
	char error[sizeof(rev->error)];
	int r;

	if (!rev->objects)
		return 0;
	memcpy(error, rev->error, sizeof(error));
	r = put_in_force(agent, rev->objects, &took);
	if (r == 0 && rev->rejected) /* new pods, but the newest files still are what they were */
		memcpy(rev->error, error, sizeof(error));
	return r;
}

size_t rf_revision_object_count(const struct rf_objects *o)
{
	return o->namespaces_count + o->service_accounts_count + o->workloads_count + o->services_count + o->ingresses_count +
	       o->targets_count + o->route_groups_count + o->tcp_routes_count + o->udp_routes_count + o->splits_count +
	       o->ingress_backends_count + o->egresses_count + o->plain_count + o->mesh_configs_count;
}
