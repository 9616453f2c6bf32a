/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments to cgroups: pinned bpf_links, so that they outlive every process. A link of an earlier agent is updated in place, which swaps
 * the program without a gap; a link whose cgroup is gone (directory removed and made again) is replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

struct attachment {
	const char *program;
	enum bpf_attach_type type;
	bool on_sockd; /* else on the pods' parent cgroup */
};

static const struct attachment attachments[] = {
	{"rf_sock_create", BPF_CGROUP_INET_SOCK_CREATE, false},   {"rf_connect4", BPF_CGROUP_INET4_CONNECT, false},
	{"rf_connect6", BPF_CGROUP_INET6_CONNECT, false},         {"rf_sendmsg4", BPF_CGROUP_UDP4_SENDMSG, false},
	{"rf_sendmsg6", BPF_CGROUP_UDP6_SENDMSG, false},          {"rf_getpeername4", BPF_CGROUP_INET4_GETPEERNAME, false},
	{"rf_getpeername6", BPF_CGROUP_INET6_GETPEERNAME, false}, {"rf_sockops", BPF_CGROUP_SOCK_OPS, false},
	{"rf_recvmsg4", BPF_CGROUP_UDP4_RECVMSG, false},          {"rf_recvmsg6", BPF_CGROUP_UDP6_RECVMSG, false},
	{"rf_getsockopt", BPF_CGROUP_GETSOCKOPT, true},
};

/* Is the pinned link still on this cgroup directory? A dying cgroup answers 0. */
static bool link_is_on(int link_fd, int cgroup_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	struct stat st;

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len) < 0 || fstat(cgroup_fd, &st) < 0)
		return false;
	return info.type == BPF_LINK_TYPE_CGROUP && info.cgroup.cgroup_id == st.st_ino;
}

static int attach_one(struct rf_datapath *dp, const struct attachment *a, int cgroup_fd)
{
	int program_fd = bpf_program__fd(rf_dp_program(dp, a->program));
	_cleanup_close_ int fd = rf_dp_pinned(dp->dir, "links", a->program);

	/* A pin that was removed or replaced by hand: what we hold is still attached. */
	if (rf_dp_link_repin(dp, "links", a->program) == 0 && rf_dp_held(dp, "links", a->program) >= 0) {
		rf_closep(&fd);
		fd = rf_dp_pinned(dp->dir, "links", a->program);
	}
	if (fd >= 0 && link_is_on(fd, cgroup_fd) && bpf_link_update(fd, program_fd, NULL) == 0) {
		rf_dp_hold(dp, "links", a->program, fd);
		return 0;
	}
	if (fd >= 0)
		close(TAKE_FD(fd));
	fd = bpf_link_create(program_fd, cgroup_fd, a->type, NULL);
	if (fd < 0)
		return -errno;
	rf_dp_hold(dp, "links", a->program, fd);
	return rf_dp_pin(fd, dp->dir, "links", a->program);
}

static int open_cgroup(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int make_cgroups(struct rf_datapath *dp)
{
	const char *const paths[] = {dp->instance.cgroup_dir, dp->instance.pods_cgroup, dp->instance.sockd_cgroup};

	for (size_t i = 0; i < RF_ARRAY_SIZE(paths); i++)
		if (mkdir(paths[i], 0755) < 0 && errno != EEXIST)
			return rf_dp_fail(dp, errno, "cannot make the cgroup '%s'", paths[i]);
	return 0;
}

int rf_dp_attach_cgroups(struct rf_datapath *dp)
{
	_cleanup_close_ int pods_fd = -1, sockd_fd = -1;
	int r = make_cgroups(dp);

	if (r < 0)
		return r;
	pods_fd = open_cgroup(dp->instance.pods_cgroup);
	sockd_fd = open_cgroup(dp->instance.sockd_cgroup);
	if (pods_fd < 0 || sockd_fd < 0)
		return rf_dp_fail(dp, pods_fd < 0 ? -pods_fd : -sockd_fd, "cannot open the cgroups below '%s'", dp->instance.cgroup_dir);
	for (size_t i = 0; i < RF_ARRAY_SIZE(attachments); i++) {
		const struct attachment *a = &attachments[i];

		r = attach_one(dp, a, a->on_sockd ? sockd_fd : pods_fd);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot attach the program '%s' below '%s'", a->program, dp->instance.cgroup_dir);
	}
	return 0;
}

#define EFFECTIVE_MAX 64 /* programs of one kind on one cgroup: BPF_CGROUP_MAX_PROGS (include/linux/bpf-cgroup-defs.h) */

/* How many programs run there, and is ours, the one that is to run now, among them? -errno: cannot be told. */
static int look(struct rf_datapath *dp, const struct attachment *a, int cgroup_fd, bool *ret_ours)
{
	__u32 ids[EFFECTIVE_MAX], count = RF_ARRAY_SIZE(ids), id = rf_dp_live_id(dp, a->program), flags = 0;

	if (bpf_prog_query(cgroup_fd, a->type, BPF_F_QUERY_EFFECTIVE, &flags, ids, &count) < 0)
		return -errno;
	*ret_ours = false;
	for (__u32 i = 0; id && i < count; i++)
		*ret_ours |= ids[i] == id;
	return (int)count;
}

static bool all_effective(struct rf_datapath *dp, const char *path, bool on_sockd)
{
	_cleanup_close_ int fd = open_cgroup(path);
	bool ours = false;

	if (fd < 0)
		return false;
	for (size_t i = 0; i < RF_ARRAY_SIZE(attachments); i++)
		if (attachments[i].on_sockd == on_sockd && (look(dp, &attachments[i], fd, &ours) < 0 || !ours))
			return false;
	return true;
}

bool rf_dp_cgroup_effective(struct rf_datapath *dp, const char *cgroup_path)
{
	return all_effective(dp, cgroup_path, false);
}

bool rf_dp_sockd_effective(struct rf_datapath *dp)
{
	return all_effective(dp, dp->instance.sockd_cgroup, true);
}

bool rf_dp_cgroup_beside(struct rf_datapath *dp, const char *cgroup_path)
{
	_cleanup_close_ int fd = open_cgroup(cgroup_path);
	bool ours = false;

	for (size_t i = 0; fd >= 0 && i < RF_ARRAY_SIZE(attachments); i++) {
		int count = attachments[i].on_sockd ? 0 : look(dp, &attachments[i], fd, &ours);

		if (count > (ours ? 1 : 0))
			return true;
	}
	return false;
}

bool rf_dp_cgroup_pinned(struct rf_datapath *dp)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(attachments); i++)
		if (!rf_dp_link_pinned(dp, "links", attachments[i].program))
			return false;
	return true;
}

int rf_dp_cgroup_repin(struct rf_datapath *dp)
{
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(attachments); i++) {
		int q = rf_dp_link_repin(dp, "links", attachments[i].program);

		r = r < 0 ? r : q;
	}
	return r;
}
