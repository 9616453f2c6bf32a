/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep of the flow table: the kernel side only marks, the agent forgets. */
#pragma once

#include <stddef.h>

#include "datapath/datapath.h"

#define RF_FLOW_ENDED_S      10     /* both FINs or an RST were seen: room for retransmissions */
#define RF_FLOW_UNANSWERED_S 130    /* a SYN that nobody answered: longer than TCP's own retries (tcp_syn_retries 6: 127 s) */
#define RF_FLOW_IDLE_S       432000 /* no packet for five days, as netfilter's connection tracking: longer than any keep-alive */

/* Removes what is over. Returns 0 and how many entries were seen and removed, or -errno. */
int rf_datapath_flows_sweep(struct rf_datapath *dp, size_t *ret_seen, size_t *ret_removed);
