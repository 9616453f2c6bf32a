/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep of the flow table: the kernel side only marks, the agent forgets. An entry is removed by the program rf_forget, which looks
 * once more: a packet between the agent's look and the removal keeps the flow, and the owner's count goes down with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "datapath/datapath.h"

#define RF_FLOW_ENDED_S 10 /* both FINs or an RST were seen: room for retransmissions */
#define RF_FLOW_UNANSWERED_S                                                                                                               \
	130 /* a SYN that nobody answered, or whose answer nobody acknowledged: longer than TCP's own retries (tcp_syn_retries 6: 127 s)   \
	     */
#define RF_FLOW_IDLE_S 432000 /* no packet for five days, as netfilter's connection tracking: longer than any keep-alive */

/* Is it over, as of now (CLOCK_MONOTONIC)? */
bool rf_flow_is_over(const struct rf_tuple *key, const struct rf_flow *flow, uint64_t now_ns);

typedef void (*rf_flow_over_fn)(void *arg, const struct rf_tuple *key, const struct rf_flow *flow);

/* Removes what is over, and what counts on a pod that is gone; fn (NULL: nobody) is called for each after its removal. One call takes some
 * tens of milliseconds at most; returns 0 when the walk has come to the end of the table, 1 when the next call goes on where this one
 * stopped, or -errno. ret_seen and ret_removed: this call. */
int rf_datapath_flows_sweep(struct rf_datapath *dp, rf_flow_over_fn fn, void *arg, size_t *ret_seen, size_t *ret_removed);

/* One entry as it is now; -ENOENT. */
int rf_datapath_flow(struct rf_datapath *dp, const struct rf_tuple *key, struct rf_flow *ret);
