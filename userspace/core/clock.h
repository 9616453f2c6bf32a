/* SPDX-License-Identifier: Apache-2.0 */
/* CLOCK_MONOTONIC in nanoseconds (clock_gettime(2)), what bpf_ktime_get_ns() says in the kernel. Cannot fail on Linux. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t rf_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
