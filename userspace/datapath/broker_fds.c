/* SPDX-License-Identifier: Apache-2.0 */
/* What the socket broker opens of bpffs. It attaches nothing and loads nothing. */
#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include <ringfence/tables.h>

#include "core/cleanup.h"
#include "datapath/datapath.h"

static int open_map(const struct rf_instance *instance, const char *name, __u32 flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[sizeof(instance->bpffs_dir) + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/maps/%s", instance->bpffs_dir, name);
	fd = bpf_obj_get_opts(path, &opts);
	return fd < 0 ? -errno : fd;
}

/* An agent of another version may have made it: what does not fit is not used, reading it would write past our struct. */
static int open_sized(const struct rf_instance *instance, const char *name, __u32 flags, size_t value_size)
{
	_cleanup_close_ int fd = open_map(instance, name, flags);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	return info.value_size == value_size ? TAKE_FD(fd) : -EPROTO;
}

static bool is_ours(int control_fd)
{
	struct rf_control control;
	__u32 zero = 0;

	return bpf_map_lookup_elem(control_fd, &zero, &control) == 0 && control.layout == RF_LAYOUT_VERSION;
}

int rf_datapath_broker_fds(const struct rf_instance *instance, int *ret_tags, int *ret_control, int *ret_routes_outer)
{
	_cleanup_close_ int tags = open_sized(instance, "tags", 0, sizeof(struct rf_tag)), control = -1, routes = -1;

	if (tags < 0)
		return tags;
	control = open_sized(instance, "control", BPF_F_RDONLY, sizeof(struct rf_control)); /* goes to the checker */
	if (control < 0)
		return control;
	if (!is_ours(control))
		return -EPROTO;
	routes = open_map(instance, "routes", BPF_F_RDONLY);
	if (routes < 0)
		return routes;
	*ret_tags = TAKE_FD(tags);
	*ret_control = TAKE_FD(control);
	*ret_routes_outer = TAKE_FD(routes);
	return 0;
}

/* The caller compares the blob's own epoch: a slot may have moved on between question and answer. */
int rf_datapath_routes_fd(int routes_outer, rf_epoch_t epoch, int *ret)
{
	__u32 slot = epoch % RF_SLOTS, id;
	int fd;

	if (bpf_map_lookup_elem(routes_outer, &slot, &id) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	*ret = fd;
	return 0;
}
