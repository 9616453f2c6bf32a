/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's two duties towards connections: cut those that a new revision forbids, forget those that are over. */
#pragma once

struct rf_agent;

#define RF_SWEEP_MS      5000
#define RF_SWEEP_MORE_MS 50  /* a large table is swept in pieces, with everything else in between */
#define RF_SWEEP_LINES   256 /* of ended flows that one piece tells; the others are counted as lost */

/* After a switch: both ends of every forbidden connection of every local pod see a reset at once. tc refuses them in any case. */
void rf_flows_cut(struct rf_agent *agent);
/* Starts the sweep of the flow table. 0 or -errno. */
int rf_flows_keep(struct rf_agent *agent);
