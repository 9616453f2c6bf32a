/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "datapath/private.h"

/* Attachments go first, so that nothing is attached whose maps are being taken away. */
static int remove_tree(const char *dir, bool dry_run, void (*fn)(void *arg, const char *what), void *arg)
{
	char links[4352];
	int r = 0, q;

	if (access(dir, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	snprintf(links, sizeof(links), "%s/links", dir);
	if (!dry_run)
		r = rf_dp_unpin_tree(links, false, fn, arg);
	q = rf_dp_unpin_tree(dir, dry_run, fn, arg);
	return r < 0 ? r : q;
}

int rf_datapath_uninstall(const struct rf_instance *instance, bool dry_run, void (*fn)(void *arg, const char *what), void *arg)
{
	static const char *const suffixes[] = {"", "_new", "_old"};
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(suffixes); i++) {
		char dir[sizeof(instance->bpffs_dir) + 8];
		int q;

		snprintf(dir, sizeof(dir), "%s%s", instance->bpffs_dir, suffixes[i]);
		q = remove_tree(dir, dry_run, fn, arg);
		r = r < 0 ? r : q;
	}
	return r;
}
