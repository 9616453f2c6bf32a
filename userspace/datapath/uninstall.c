/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

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
	char fresh[sizeof(instance->bpffs_dir) + 8];
	int r, q;

	snprintf(fresh, sizeof(fresh), "%s_new", instance->bpffs_dir);
	r = remove_tree(instance->bpffs_dir, dry_run, fn, arg);
	q = remove_tree(fresh, dry_run, fn, arg);
	return r < 0 ? r : q;
}
