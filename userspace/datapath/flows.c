/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/flows.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "datapath/private.h"
#include "datapath/walk.h"

#define SWEEP_NS 50000000ull /* the agent answers its clients in between */

bool rf_flow_is_over(const struct rf_tuple *key, const struct rf_flow *flow, uint64_t now)
{
	uint64_t idle_ns = now > flow->seen_ns ? now - flow->seen_ns : 0, idle_s = idle_ns / 1000000000u;
	bool both_fins = (flow->life & RF_FLOW_FIN_THERE) && (flow->life & RF_FLOW_FIN_BACK);

	if (key->proto != IPPROTO_TCP)
		return idle_ns >= RF_FLOW_UDP_IDLE_NS;
	if (both_fins || (flow->life & RF_FLOW_RESET))
		return idle_s >= RF_FLOW_ENDED_S;
	if (!(flow->life & RF_FLOW_ANSWERED) || (flow->life & RF_FLOW_HALF_OPEN))
		return idle_s >= RF_FLOW_UNANSWERED_S;
	return idle_s >= RF_FLOW_IDLE_S;
}

static bool has_owner(struct rf_datapath *dp, uint64_t pod)
{
	struct rf_usage usage;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_USAGE], &pod, &usage) == 0 || errno != ENOENT;
}

/* 1 = removed, 0 = it is in use after all, or -errno. */
static int forget(int program_fd, const struct rf_tuple *key, uint64_t seen_ns)
{
	struct rf_forget in = {.key = *key, .seen_ns = seen_ns}, out = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in), .data_out = &out, .data_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(program_fd, &opts) < 0)
		return -errno;
	return opts.retval == 0 && opts.data_size_out == sizeof(out) ? out.gone == 1 : -EBADMSG;
}

struct sweep {
	struct rf_datapath *dp;
	int program_fd;
	uint64_t started_ns;
	rf_flow_over_fn fn;
	void *arg;
	size_t seen, removed;
};

static int sweep_chunk(struct sweep *s, const struct rf_walk *walk, int count)
{
	uint64_t owner = 0;
	bool owned = false;

	for (int i = 0; i < count; i++) {
		const struct rf_tuple *key = rf_walk_key(walk, i);
		const struct rf_flow *flow = rf_walk_value(walk, i);
		int r;

		if (flow->pod != owner || !owned) { /* neighbours often have one owner */
			owner = flow->pod;
			owned = has_owner(s->dp, owner);
		}
		if (owned && !rf_flow_is_over(key, flow, s->started_ns))
			continue;
		r = forget(s->program_fd, key, flow->seen_ns);
		if (r < 0)
			return r;
		s->removed += (size_t)r;
		if (r && s->fn)
			s->fn(s->arg, key, flow);
	}
	s->seen += (size_t)count;
	return 0;
}

/* 0 = to the end, 1 = time is over, or -errno. */
static int sweep_some(struct sweep *s, struct rf_walk *walk)
{
	for (;;) {
		int count = rf_walk_next(walk), r;

		if (count <= 0)
			return count;
		r = sweep_chunk(s, walk, count);
		if (r < 0)
			return r;
		if (rf_now_ns() - s->started_ns >= SWEEP_NS && !walk->ended)
			return 1;
	}
}

int rf_datapath_flow(struct rf_datapath *dp, const struct rf_tuple *key, struct rf_flow *ret)
{
	struct rf_flow flow;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], key, &flow) < 0)
		return -errno;
	*ret = flow;
	return 0;
}

int rf_datapath_flows_sweep(struct rf_datapath *dp, rf_flow_over_fn fn, void *arg, size_t *ret_seen, size_t *ret_removed)
{
	struct sweep s = {
		.dp = dp, .program_fd = bpf_program__fd(rf_dp_program(dp, "rf_forget")), .started_ns = rf_now_ns(), .fn = fn, .arg = arg};
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int r = rf_walk_open(&walk, dp->maps[RF_MAP_FLOWS]);

	if (r < 0)
		return r;
	walk.at = dp->sweep_at;
	walk.under_way = dp->sweep_under_way;
	r = sweep_some(&s, &walk);
	dp->sweep_under_way = r == 1;
	dp->sweep_at = walk.at;
	*ret_seen = s.seen;
	*ret_removed = s.removed;
	return r;
}
