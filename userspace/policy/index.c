/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

static int compare_names(const struct rf_meta *meta, const char *ns, const char *name)
{
	int r = strcmp(meta->ns, ns);

	return r ? r : strcmp(meta->name, name);
}

static int compare_items(const void *pa, const void *pb)
{
	const struct rf_meta *a = *(const struct rf_meta *const *)pa, *b = *(const struct rf_meta *const *)pb;
	int r = compare_names(a, b->ns, b->name);

	if (r)
		return r;
	/* Duplicates are an error of the objects' own check; should one get here, the result still must not depend on the order. */
	r = strcmp(a->place.file, b->place.file);
	return r ? r : rf_compare_u64(a->place.line, b->place.line);
}

int rf_index_build(struct rf_arena *arena, const void *objects, size_t count, size_t stride, struct rf_index *ret)
{
	const struct rf_meta **items = rf_arena_alloc(arena, count * sizeof(const struct rf_meta *));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		items[i] = (const struct rf_meta *)((const char *)objects + i * stride);
	if (count)
		qsort(items, count, sizeof(const struct rf_meta *), compare_items);
	*ret = (struct rf_index){.items = items, .count = count};
	return 0;
}

static size_t lower_bound(const struct rf_index *index, const char *ns, const char *name)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_names(index->items[mid], ns, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct rf_meta *rf_index_find(const struct rf_index *index, const char *ns, const char *name)
{
	size_t i = lower_bound(index, ns, name);

	return i < index->count && !compare_names(index->items[i], ns, name) ? index->items[i] : NULL;
}

size_t rf_index_position(const struct rf_index *index, const struct rf_meta *meta)
{
	return lower_bound(index, meta->ns, meta->name);
}
