/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole sets of objects made of the files they came from: a file that did not change is not parsed again. A part is one parsed file, never
 * changed after that and shared by the sets that were joined with it; it lives as long as the last of them. Not thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rf_objects;
struct rf_part;
struct rf_parts; /* what was parsed for the last join */

struct rf_part_text {
	const char *name;
	const char *text; /* not kept */
	size_t len;
	uint64_t version; /* the same name and number again: the same text again. 0 = unknown, it is parsed. */
};

int rf_parts_new(struct rf_parts **ret);    /* -ENOMEM */
void rf_parts_free(struct rf_parts *parts); /* NULL-safe; sets that were joined stay whole */
static inline void rf_parts_freep(struct rf_parts **parts)
{
	rf_parts_free(*parts);
}

/* All objects of these files, which are sorted by name, without trees, and not yet checked among each other (rf_objects_check). Problems
 * are in the set's diags, those of unchanged files again. -ENOMEM: parts is what it was. */
int rf_parts_join(struct rf_parts *parts, const struct rf_part_text *files, size_t count, struct rf_objects **ret);
size_t rf_parts_parsed(const struct rf_parts *parts); /* files that the last join had to parse */

void rf_part_unref(struct rf_part *part);
