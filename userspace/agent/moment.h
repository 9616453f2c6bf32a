/* SPDX-License-Identifier: Apache-2.0 */
/* A moment as people write it: how long ago ("90s", "1h30m", "2d"; units d h m s ms) or RFC 3339 ("2026-01-02T03:04:05Z", with a fraction
 * and with an offset such as +01:00 if there are any). */
#pragma once

#include <stdint.h>

/* CLOCK_REALTIME nanoseconds, never after now for a duration. 0 or -EINVAL. */
int rf_moment_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns);
