/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/flows.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool is_over(const struct rf_flow *flow, uint64_t now)
{
	uint64_t idle_s = now > flow->seen_ns ? (now - flow->seen_ns) / 1000000000u : 0;
	bool both_fins = (flow->life & RF_FLOW_FIN_THERE) && (flow->life & RF_FLOW_FIN_BACK);

	if (both_fins || (flow->life & RF_FLOW_RESET))
		return idle_s >= RF_FLOW_ENDED_S;
	if (!(flow->life & RF_FLOW_ANSWERED))
		return idle_s >= RF_FLOW_UNANSWERED_S;
	return idle_s >= RF_FLOW_IDLE_S;
}

#define VICTIMS_MAX 4096 /* a sweep; the rest waits for the next */

int rf_datapath_flows_sweep(struct rf_datapath *dp, size_t *ret_seen, size_t *ret_removed)
{
	_cleanup_free_ struct rf_tuple *victims = calloc(VICTIMS_MAX, sizeof(*victims));
	size_t seen = 0, count = 0, removed = 0;
	struct rf_tuple key, next;
	struct rf_tuple *previous = NULL;
	uint64_t now = now_ns();
	int fd = dp->maps[RF_MAP_FLOWS];

	if (!victims)
		return -ENOMEM;
	/* Collected first: removing the key one stands on would start the walk anew. */
	while (count < VICTIMS_MAX && seen < 4u * 262144u && bpf_map_get_next_key(fd, previous, &next) == 0) {
		struct rf_flow flow;

		key = next;
		previous = &key;
		seen++;
		if (bpf_map_lookup_elem(fd, &key, &flow) == 0 && is_over(&flow, now))
			victims[count++] = key;
	}
	for (size_t i = 0; i < count; i++)
		removed += bpf_map_delete_elem(fd, &victims[i]) == 0;
	*ret_seen = seen;
	*ret_removed = removed;
	return 0;
}
