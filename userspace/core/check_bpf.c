/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the smallest program of every kind the data path needs, and makes one map of every kind. Nothing is attached.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/check_parts.h"
#include "core/cleanup.h"

#define HELPER_SET_RETVAL   187
#define HELPER_NETNS_COOKIE 122

static const struct bpf_insn answer_one[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
	{.code = BPF_JMP | BPF_EXIT},
};

/* bpf_set_retval(-ECONNREFUSED); return 0 */
static const struct bpf_insn refuse[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = -ECONNREFUSED},
	{.code = BPF_JMP | BPF_CALL, .imm = HELPER_SET_RETVAL},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

static const struct bpf_insn ask_netns[] = {
	{.code = BPF_JMP | BPF_CALL, .imm = HELPER_NETNS_COOKIE}, /* r1 is the context */
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
	{.code = BPF_JMP | BPF_EXIT},
};

struct probe {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const struct bpf_insn *insns;
	size_t count;
};

#define CODE(insns) insns, RF_ARRAY_SIZE(insns)

static const struct probe probes[] = {
	{"cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, CODE(answer_one)},
	{"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, CODE(answer_one)},
	{"cgroup/connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT, CODE(answer_one)},
	{"cgroup/getpeername4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, CODE(answer_one)},
	{"cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, CODE(answer_one)},
	{"sock_ops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, CODE(answer_one)},
	{"tc", BPF_PROG_TYPE_SCHED_CLS, 0, CODE(answer_one)},
	{"bpf_get_netns_cookie in connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, CODE(ask_netns)},
};

static int load(const struct probe *probe)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = probe->attach);
	int fd = bpf_prog_load(probe->type, "rf_check", "GPL", probe->insns, probe->count, &opts);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void check_programs(struct rf_check_report *report)
{
	struct utsname kernel = {.release = "?"};
	char failed[RF_CHECK_TEXT_MAX - 128] = "";

	uname(&kernel);
	for (size_t i = 0; i < RF_ARRAY_SIZE(probes); i++) {
		size_t len = strlen(failed);
		int r = load(&probes[i]);

		if (r < 0)
			snprintf(failed + len, sizeof(failed) - len, "%s %s (%s)", len ? "," : "", probes[i].name, strerror(-r));
	}
	if (!*failed)
		rf_check_add(report, "bpf-programs", RF_CHECK_OK, "every kind of program loads on %.64s", kernel.release);
	else
		rf_check_fix(
			rf_check_add(report, "bpf-programs", RF_CHECK_FAIL, "do not load on %.64s:%s", kernel.release, failed),
			"boot a kernel of at least 5.10 with CONFIG_CGROUP_BPF=y and CONFIG_NET_CLS_BPF: apt install linux-image-amd64");
}

static void check_refusal(struct rf_check_report *report)
{
	static const struct probe probe = {"set_retval", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, CODE(refuse)};

	if (load(&probe) == 0)
		rf_check_add(report, "refusal", RF_CHECK_OK, "a denied connect() fails with ECONNREFUSED");
	else
		rf_check_add(report, "refusal", RF_CHECK_WARN, "this kernel has no bpf_set_retval: a denied connect() fails with EPERM");
}

/* ---- maps ---- */

static int make_map(enum bpf_map_type type, __u32 key, __u32 value, __u32 entries, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, "rf_check", key, value, entries, &opts);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int make_array_of_maps(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner_opts, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	_cleanup_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rf_check_in", 4, 8, 1, &inner_opts);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (__u32)inner);
	int fd;

	if (inner < 0)
		return inner;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rf_check_out", 4, 4, 1, &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* Socket storage is the one map that must come with BTF. */
static int make_socket_storage(void)
{
	RF_CLEANUP(free_btf) struct btf *btf = btf__new_empty();
	int key, value, fd;

	if (!btf)
		return -errno;
	key = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	value = btf__add_int(btf, "long long", 8, BTF_INT_SIGNED);
	if (key < 0 || value < 0 || btf__load_into_kernel(btf) < 0)
		return -EINVAL;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC, .btf_fd = (__u32)btf__fd(btf), .btf_key_type_id = (__u32)key,
		    .btf_value_type_id = (__u32)value);
	fd = bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "rf_check", 4, 8, 0, &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void check_maps(struct rf_check_report *report)
{
	const struct {
		const char *name;
		int result;
	} made[] = {
		{"hash", make_map(BPF_MAP_TYPE_HASH, 8, 8, 4, 0)},
		{"lru_hash", make_map(BPF_MAP_TYPE_LRU_HASH, 8, 8, 4, 0)},
		{"percpu_array", make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0)},
		{"lpm_trie", make_map(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4, BPF_F_NO_PREALLOC)},
		{"ringbuf", make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 65536, 0)},
		{"array_of_maps", make_array_of_maps()},
		{"sk_storage", make_socket_storage()},
	};
	char failed[RF_CHECK_TEXT_MAX - 128] = "";

	for (size_t i = 0; i < RF_ARRAY_SIZE(made); i++) {
		size_t len = strlen(failed);

		if (made[i].result < 0)
			snprintf(failed + len, sizeof(failed) - len, "%s %s (%s)", len ? "," : "", made[i].name, strerror(-made[i].result));
	}
	if (!*failed)
		rf_check_add(report, "bpf-maps", RF_CHECK_OK, "every kind of map can be made");
	else
		rf_check_fix(rf_check_add(report, "bpf-maps", RF_CHECK_FAIL, "cannot be made:%s", failed),
			     "boot a kernel of at least 5.10 (memory locked by rlimit on older ones: ulimit -l unlimited)");
}

void rf_check_bpf(struct rf_check_report *report)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL); /* a failing probe is our sentence, not libbpf's */

	check_programs(report);
	check_refusal(report);
	check_maps(report);
	libbpf_set_print(before);
}
