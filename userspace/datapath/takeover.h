/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent whose maps have another layout than the pinned ones. It builds a second tree beside the live one, carries every entry over,
 * publishes the tree by renaming, and then moves every hook to the new programs. See takeover.c for what holds at each step.
 */
#pragma once

#include "datapath/compare.h"
#include "datapath/private.h"

/* Before anything else: puts back what a takeover that was killed between its two renames left. 0 or -errno. */
int rf_takeover_tidy(struct rf_datapath *dp);
/* Builds, carries, publishes; then as rf_takeover_finish. 0 or -errno: what was live before stays live, or the next start finishes. */
int rf_takeover(struct rf_datapath *dp, const struct rf_comparison *comparison);
/* Moves every hook to the loaded programs. If there is an old tree: carries what came into it meanwhile, and removes it. */
int rf_takeover_finish(struct rf_datapath *dp);
