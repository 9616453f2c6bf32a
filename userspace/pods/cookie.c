/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/cookie.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/instance.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define INSN(op, dst, src, offset, value)                                                                                                  \
	{                                                                                                                                  \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value)                                          \
	}

/* *map[0] = bpf_get_netns_cookie(ctx); return 1 */
static int load_program(int map)
{
	const struct bpf_insn program[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_netns_cookie), /* r1 is the context */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_0, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0), /* second half of the number above */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 1, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_6, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET_SOCK_CREATE);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK, "rf_cookie", "GPL", program, RF_ARRAY_SIZE(program), &opts);
}

/* In the child: the namespace is that of the thread which forked it. Nothing but system calls. */
static _Noreturn void make_socket(int procs)
{
	bool made = write(procs, "0", 1) == 1 && socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;

	_exit(made ? 0 : 1);
}

static int run_child(const char *cgroup)
{
	_cleanup_close_ int procs = -1;
	char path[PATH_MAX];
	int status;
	pid_t pid;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	procs = open(path, O_WRONLY | O_CLOEXEC);
	if (procs < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		make_socket(procs);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int ask_in(const char *cgroup, uint64_t *ret)
{
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rf_cookie", 4, 8, 1, NULL);
	_cleanup_close_ int program = map < 0 ? map : load_program(map);
	_cleanup_close_ int directory = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int link = -1;
	uint64_t cookie = 0;
	uint32_t zero = 0;
	int r;

	if (map < 0 || program < 0)
		return map < 0 ? map : program;
	if (directory < 0)
		return -errno;
	link = bpf_link_create(program, directory, BPF_CGROUP_INET_SOCK_CREATE, NULL);
	if (link < 0)
		return link;
	r = run_child(cgroup);
	if (r == 0 && bpf_map_lookup_elem(map, &zero, &cookie) < 0)
		r = -errno;
	if (r == 0 && !cookie)
		r = -ENODATA;
	if (r == 0)
		*ret = cookie;
	return r;
}

static int ask_below(const char *parent, uint64_t *ret)
{
	char cgroup[PATH_MAX];
	int r;

	if (snprintf(cgroup, sizeof(cgroup), "%s/cookie-%d", parent, (int)gettid()) >= (int)sizeof(cgroup))
		return -ENAMETOOLONG;
	if (mkdir(cgroup, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = ask_in(cgroup, ret);
	if (rmdir(cgroup) < 0 && r == 0) /* the child is reaped, so it is empty */
		r = -errno;
	return r;
}

/* Where `ringfence uninstall` finds what a killed agent leaves. */
static int ask_in_instance(uint64_t *ret)
{
	struct rf_instance instance;
	int r = rf_instance_init(&instance, NULL);

	return r < 0 ? r : ask_below(instance.cgroup_dir, ret);
}

int rf_netns_cookie(int fd, uint64_t *ret)
{
	socklen_t size = sizeof(*ret);
	uint64_t cookie;

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return errno == ENOPROTOOPT ? ask_in_instance(ret) : -errno;
	*ret = cookie;
	return 0;
}
