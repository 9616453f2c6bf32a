/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One consistent read of a directory of policy files.
 */
#pragma once

#include "core/arena.h"
#include "source/source.h"

/* Is this the name of a policy file? *.yaml *.yml *.json, not hidden, not an editor's lock file. */
bool rf_directory_wants(const char *name);

/* Reads every policy file directly inside path, under flock LOCK_SH of it, into arena. Sorted by name.
 * 0; -EAGAIN: a writer holds the lock or a file changed while it was read: try again soon; any other -errno: error has the sentence. */
int rf_directory_read(const char *path, struct rf_arena *arena, struct rf_snapshot *ret, char *error, size_t size);
