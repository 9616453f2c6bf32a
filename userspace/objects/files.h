/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files on disk; internal to objects/ and the commands that edit them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "objects/objects.h"

/* *.yaml *.yml *.json, and not hidden: editors and our own commits put unfinished files under names with a dot. */
bool rf_is_policy_name(const char *name);

/* Whole content (malloc'ed, NUL behind it; cut at RF_FILE_MAX + 1 bytes, which every parser refuses). -errno; -EISDIR, -EINVAL: not a
 * regular file. */
int rf_file_read(int dir, const char *name, char **ret, size_t *ret_len);

/* Policy files' names directly inside, sorted by byte value; in the arena. */
int rf_dir_list(int dir, struct rf_arena *arena, char ***ret, size_t *ret_count);
