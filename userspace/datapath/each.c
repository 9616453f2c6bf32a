/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/each.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "datapath/walk.h"

static int live_table(struct rf_datapath *dp, int outer)
{
	rf_epoch_t epoch = 0;
	__u32 slot, id;
	int fd, r = rf_datapath_epoch(dp, &epoch);

	if (r < 0 || !epoch)
		return r < 0 ? r : -ENOENT;
	slot = epoch % RF_SLOTS;
	if (bpf_map_lookup_elem(outer, &slot, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

/* A descriptor of the caller's own, whatever kind of table it is. */
static int open_table(struct rf_datapath *dp, const char *name)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		if (strcmp(rf_table_names[i], name) == 0)
			return live_table(dp, dp->tables[i]);
	for (int i = 0; i < _RF_MAP_MAX; i++) {
		int fd = strcmp(rf_map_names[i], name) == 0 ? dup(dp->maps[i]) : -ENOENT;

		if (fd != -ENOENT)
			return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

int rf_datapath_each(struct rf_datapath *dp, const char *table, int (*fn)(void *arg, const void *key, const void *value), void *arg)
{
	_cleanup_close_ int fd = open_table(dp, table);
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int r = fd < 0 ? fd : rf_walk_open(&walk, fd);

	while (r == 0) {
		int count = rf_walk_next(&walk);

		if (count <= 0)
			return count;
		for (int i = 0; r == 0 && i < count; i++)
			r = fn(arg, rf_walk_key(&walk, i), rf_walk_value(&walk, i));
	}
	return r;
}

static int count_audited(void *arg, const void *key, const void *value)
{
	const struct rf_ident *ident = value;
	size_t *count = arg;

	(void)key;
	*count += ident->audit != 0;
	return 0;
}

int rf_datapath_audited(struct rf_datapath *dp, size_t *ret)
{
	size_t count = 0;
	int r = rf_datapath_each(dp, "idents", count_audited, &count);

	if (r == 0)
		*ret = count;
	return r;
}
