/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/flow_keeper.h"

#include <string.h>

#include "agent/agent.h"
#include "agent/flow_events.h"
#include "core/log.h"
#include "datapath/cut.h"
#include "datapath/flows.h"

static struct rf_source *sweep_timer;

void rf_flows_cut(struct rf_agent *agent)
{
	size_t total = 0;

	for (size_t i = 0; i < agent->pods.count; i++) {
		const struct rf_local_pod *pod = agent->pods.items[i];
		size_t count = 0;

		if (pod->state == RF_POD_EXITED)
			continue;
		if (rf_datapath_cut(agent->dp, pod->room.netns, &pod->hook, &count) < 0)
			rf_log_warning(0, "%s; their next packet is refused", rf_datapath_error(agent->dp));
		total += count;
	}
	if (total)
		rf_agent_note(agent, "cut", "%zu connections are not allowed by revision %u and were cut", total, agent->revision.epoch);
}

struct over {
	struct rf_agent *agent;
	size_t told, untold;
};

/* A flood's flows all end at once; the lines of others shall not go for them. */
static void on_over(void *arg, const struct rf_tuple *key, const struct rf_flow *flow)
{
	struct over *over = arg;

	if (over->told >= RF_SWEEP_LINES)
		over->untold++;
	else
		over->told += rf_flow_events_over(over->agent, key, flow);
}

static void on_sweep(void *arg)
{
	struct rf_agent *agent = arg;
	struct over over = {.agent = agent};
	size_t seen = 0, removed = 0;
	int r = rf_datapath_flows_sweep(agent->dp, on_over, &over, &seen, &removed);

	if (over.untold)
		rf_flow_events_lost(agent, over.untold);
	if (r < 0)
		rf_log_warning(-r, "cannot sweep the flow table");
	rf_timer_arm(sweep_timer, r > 0 ? RF_SWEEP_MORE_MS : RF_SWEEP_MS);
}

int rf_flows_keep(struct rf_agent *agent)
{
	return rf_loop_timer(agent->loop, RF_SWEEP_MS, on_sweep, agent, &sweep_timer);
}
