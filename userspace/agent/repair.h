/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at every pod and at the node itself, puts back what has drifted (datapath/drift.h), tells each as an event and counts it by kind.
 * What cannot be put back is tried again at every look and told once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"

struct rf_agent;
struct rf_local_pod;

/* Only looks: fills pod->attest and pod->drift. */
void rf_repair_look(struct rf_agent *agent, struct rf_local_pod *pod);
void rf_repair_look_at_node(struct rf_agent *agent);
void rf_repair_look_at_all(struct rf_agent *agent);
/* Looks and repairs: the node and at most RF_ATTEST_PODS pods, going on where the last call stopped.
 * False: something could not be put back. */
bool rf_repair_round(struct rf_agent *agent);
/* [{"kind":...,"text":...,"help":...,"notice":bool}...] */
cJSON *rf_repair_report(uint32_t drift);
/* {"kind": count...} of what was put back since the agent started; kinds never seen are left out. */
cJSON *rf_repair_counts(const uint64_t counts[32]);

#define RF_ATTEST_PODS 256
