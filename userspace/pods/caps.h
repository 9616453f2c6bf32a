/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's processes may do (capabilities(7)): an explicit list, everything else is gone from all five sets for good.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bit n: capability n stays. CAP_NET_RAW only with net_raw. */
uint64_t rf_caps_kept(bool net_raw);
/* Drops the rest from bounding, permitted, effective, inheritable and ambient and sets no_new_privs. 0 or -errno; on failure the caller
 * must not go on. */
int rf_caps_drop(bool net_raw);
/* Has the process this capability in its bounding set? False if it cannot be read. */
bool rf_caps_bounded(pid_t pid, int cap);
