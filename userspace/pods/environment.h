/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's environment: PATH, HOME (its private /tmp: the rest is read-only), TERM and HOSTNAME, then what was asked for. Nothing else of
 * the caller's environment gets in. Pure but for reading the caller's TERM.
 */
#pragma once

#include <stddef.h>

/* key: "<ns>_<name>" of the room. more: KEY=VALUE, NULL-terminated, may be NULL; a later entry replaces an earlier one of the same key.
 * NULL without memory. */
char **rf_environment_make(const char *key, const char *const *more);
void rf_environment_free(char **env);

static inline void rf_environment_freep(char ***env)
{
	rf_environment_free(*env);
}
