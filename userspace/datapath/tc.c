/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments to a pod's veth: tcx links (6.6+), pinned; where the kernel has none, clsact filters with a fixed handle and priority. Which
 * one is found out by trying. A link is updated in place; one whose interface is gone (ENOLINK) is replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

/* uapi/linux/bpf.h of 6.6; bookworm's headers are older. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)

#define FILTER_HANDLE   0x52460001 /* "RF" */
#define FILTER_PRIORITY 1

struct direction {
	const char *program;
	const char *suffix; /* of the pin */
	enum bpf_attach_type tcx;
	enum bpf_tc_attach_point clsact;
};

static const struct direction directions[] = {
	{"rf_to_pod", "to", ATTACH_TCX_EGRESS, BPF_TC_EGRESS},
	{"rf_from_pod", "from", ATTACH_TCX_INGRESS, BPF_TC_INGRESS},
};

#define LINK_NAME_MAX 192

static void link_name(char ret[LINK_NAME_MAX], const char *key, const struct direction *d)
{
	snprintf(ret, LINK_NAME_MAX, "%s_%s", key, d->suffix);
}

static int attach_filter(struct rf_datapath *dp, const struct direction *d, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = d->clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(rf_dp_program(dp, d->program)));
	int r = bpf_tc_hook_create(&hook);

	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_tc_attach(&hook, &opts);
}

/* 0; -EOPNOTSUPP: this kernel has no tcx; else -errno. */
static int attach_tcx(struct rf_datapath *dp, const struct direction *d, const char *key, uint32_t ifindex)
{
	int program_fd = bpf_program__fd(rf_dp_program(dp, d->program));
	_cleanup_close_ int fd = -1;
	char name[LINK_NAME_MAX];

	link_name(name, key, d);
	fd = rf_dp_pinned(dp->dir, "links/pods", name);
	if (fd >= 0 && rf_dp_tc_effective(dp, ifindex, d->clsact == BPF_TC_INGRESS) && bpf_link_update(fd, program_fd, NULL) == 0)
		return 0;
	if (fd >= 0)
		close(TAKE_FD(fd));
	fd = bpf_link_create(program_fd, (int)ifindex, d->tcx, NULL);
	if (fd < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	return rf_dp_pin(fd, dp->dir, "links/pods", name);
}

int rf_dp_tc_attach_filters(struct rf_datapath *dp, uint32_t ifindex)
{
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(directions) && r == 0; i++)
		r = attach_filter(dp, &directions[i], ifindex);
	return r;
}

int rf_dp_tc_attach(struct rf_datapath *dp, const char *key, uint32_t ifindex)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(directions); i++) {
		int r = attach_tcx(dp, &directions[i], key, ifindex);

		if (r == -EOPNOTSUPP)
			r = attach_filter(dp, &directions[i], ifindex);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot attach '%s' to interface %u of pod %s", directions[i].program, ifindex, key);
	}
	return 0;
}

/* Our programs by name: a program of a former agent that is still attached is ours, too. */
static bool is_ours(__u32 id, const char *program)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && !strncmp(info.name, program, sizeof(info.name) - 1);
}

static bool clsact_effective(const struct direction *d, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = d->clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 && is_ours(opts.prog_id, d->program);
}

/* The interface may be gone, or its number another's: only a filter that carries our program is removed. clsact itself may be in use. */
static void detach_filter(const struct direction *d, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = d->clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	if (clsact_effective(d, ifindex))
		(void)bpf_tc_detach(&hook, &opts);
}

int rf_dp_tc_move_link(struct rf_datapath *dp, const char *name, int fd)
{
	const char *suffix = strrchr(name, '_');

	for (size_t i = 0; i < RF_ARRAY_SIZE(directions); i++)
		if (suffix && !strcmp(suffix + 1, directions[i].suffix) &&
		    bpf_link_update(fd, bpf_program__fd(rf_dp_program(dp, directions[i].program)), NULL) < 0 && errno != ENOLINK)
			return -errno;
	return 0;
}

int rf_dp_tc_move_filters(struct rf_datapath *dp, uint32_t ifindex)
{
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(directions) && r == 0; i++)
		if (clsact_effective(&directions[i], ifindex))
			r = attach_filter(dp, &directions[i], ifindex);
	return r;
}

void rf_dp_tc_detach(struct rf_datapath *dp, const char *key, uint32_t ifindex)
{
	char path[sizeof(dp->dir) + LINK_NAME_MAX + 32], name[LINK_NAME_MAX];

	/* Removing the pin alone would let the kernel detach some time later. */
	for (size_t i = 0; i < RF_ARRAY_SIZE(directions); i++) {
		_cleanup_close_ int fd = -1;

		link_name(name, key, &directions[i]);
		fd = rf_dp_pinned(dp->dir, "links/pods", name);
		if (fd >= 0)
			(void)bpf_link_detach(fd);
		snprintf(path, sizeof(path), "%s/links/pods/%s", dp->dir, name);
		(void)unlink(path);
		detach_filter(&directions[i], ifindex);
	}
}

bool rf_dp_tc_effective(struct rf_datapath *dp, uint32_t ifindex, bool from_pod)
{
	const struct direction *d = &directions[from_pod ? 1 : 0];
	__u32 ids[64], count = RF_ARRAY_SIZE(ids), flags = 0;
	_cleanup_close_ int fd = rf_dp_pinned(dp->dir, "progs", d->program);

	if (!rf_dp_program_id(fd))
		return false;
	/* Kernels below 6.6 refuse the query: no tcx link there, only filters. */
	if (bpf_prog_query((int)ifindex, d->tcx, 0, &flags, ids, &count) < 0)
		count = 0;
	for (__u32 i = 0; i < count; i++)
		if (is_ours(ids[i], d->program))
			return true;
	return clsact_effective(d, ifindex);
}
