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
#define LINK_TYPE_TCX      11
#define FLAG_BEFORE        (1u << 3) /* BPF_F_BEFORE with no other program named: the first */
#define TCX_MAX            64        /* BPF_MPROG_MAX, include/linux/bpf_mprog.h */

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

/* Our programs by name: a program of a former agent that is still attached is ours, too. */
static bool is_ours(__u32 id, const char *program)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && !strncmp(info.name, program, sizeof(info.name) - 1);
}

/* Number of our program in the filter; 0: there is none. */
static __u32 clsact_program(const struct direction *d, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = d->clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 && is_ours(opts.prog_id, d->program) ? opts.prog_id : 0;
}

/* The interface may be gone, or its number another's: only a filter that carries our program is removed. clsact itself may be in use. */
static void detach_filter(const struct direction *d, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = d->clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	if (clsact_program(d, ifindex))
		(void)bpf_tc_detach(&hook, &opts);
}

/* Is the link on this interface? One whose interface is gone, or that was detached by hand, says 0. linux/bpf.h of 6.6 has a member tcx
 * {ifindex, attach_type} there; older ones have netns, of the same shape. */
static bool link_is_on(int fd, uint32_t ifindex)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == LINK_TYPE_TCX && info.netns.netns_ino == ifindex;
}

/* Before everything else on the interface: a program before ours could let packets pass by. */
static int create_link(struct rf_datapath *dp, const struct direction *d, const char *name, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = FLAG_BEFORE);
	_cleanup_close_ int fd = bpf_link_create(bpf_program__fd(rf_dp_program(dp, d->program)), (int)ifindex, d->tcx, &opts);

	if (fd < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	rf_dp_hold(dp, "links/pods", name, fd);
	return rf_dp_pin(fd, dp->dir, "links/pods", name);
}

/* One program cannot be twice on an interface's tcx list, so ours has to leave it to become the first. A filter does its work meanwhile. */
static int put_first(struct rf_datapath *dp, const struct direction *d, const char *name, uint32_t ifindex, int fd)
{
	int r = attach_filter(dp, d, ifindex);

	if (r < 0)
		return r;
	if (bpf_link_detach(fd) < 0)
		return -errno;
	r = create_link(dp, d, name, ifindex);
	if (r == 0)
		detach_filter(d, ifindex);
	return r;
}

/* 0; -EOPNOTSUPP: this kernel has no tcx; else -errno. */
static int attach_tcx(struct rf_datapath *dp, const struct direction *d, const char *key, uint32_t ifindex)
{
	int program_fd = bpf_program__fd(rf_dp_program(dp, d->program));
	_cleanup_close_ int fd = -1;
	char name[LINK_NAME_MAX];

	link_name(name, key, d);
	(void)rf_dp_link_repin(dp, "links/pods", name); /* shown as drift until it succeeds */
	fd = rf_dp_pinned(dp->dir, "links/pods", name);
	if (fd >= 0 && link_is_on(fd, ifindex) && bpf_link_update(fd, program_fd, NULL) == 0) {
		rf_dp_hold(dp, "links/pods", name, fd);
		return rf_dp_tc_first(dp, ifindex, d->clsact == BPF_TC_INGRESS) ? 0 : put_first(dp, d, name, ifindex, fd);
	}
	return create_link(dp, d, name, ifindex);
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
		if (clsact_program(&directions[i], ifindex))
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
		rf_dp_release(dp, "links/pods", name);
		detach_filter(&directions[i], ifindex);
	}
}

/* Where on the tcx list of the interface our program stands, from 0; -ENOENT: it does not. Kernels below 6.6 have no such list. */
static int tcx_place(struct rf_datapath *dp, const struct direction *d, uint32_t ifindex)
{
	__u32 ids[TCX_MAX], count = RF_ARRAY_SIZE(ids), flags = 0, id = rf_dp_live_id(dp, d->program);

	if (!id || bpf_prog_query((int)ifindex, d->tcx, 0, &flags, ids, &count) < 0)
		return -ENOENT;
	for (__u32 i = 0; i < count; i++)
		if (ids[i] == id)
			return (int)i;
	return -ENOENT;
}

bool rf_dp_tc_effective(struct rf_datapath *dp, uint32_t ifindex, bool from_pod)
{
	const struct direction *d = &directions[from_pod ? 1 : 0];
	__u32 id = rf_dp_live_id(dp, d->program);

	return tcx_place(dp, d, ifindex) >= 0 || (id && clsact_program(d, ifindex) == id);
}

bool rf_dp_tc_first(struct rf_datapath *dp, uint32_t ifindex, bool from_pod)
{
	return tcx_place(dp, &directions[from_pod ? 1 : 0], ifindex) <= 0;
}

bool rf_dp_tc_pinned(struct rf_datapath *dp, const char *key, uint32_t ifindex)
{
	char name[LINK_NAME_MAX];

	for (size_t i = 0; i < RF_ARRAY_SIZE(directions); i++) {
		link_name(name, key, &directions[i]);
		if (tcx_place(dp, &directions[i], ifindex) >= 0 && !rf_dp_link_pinned(dp, "links/pods", name))
			return false;
	}
	return true;
}
