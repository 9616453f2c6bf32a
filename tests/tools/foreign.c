// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody else's BPF programs, for tests of what is told and repaired when they come in the way:
 *	foreign tcx IFACE ingress|egress pass|next   stands before every program on the interface; pass: TC_ACT_OK ends the list there
 *	foreign connect4 CGROUP ADDRESS PORT         sends every connect() of the cgroup to this address
 *	foreign pin PATH                             pins a program of no use there and ends
 * The first two print "ready" and stay until standard input ends; what they attached goes with them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#define TCX_INGRESS ((enum bpf_attach_type)46) /* linux/bpf.h of 6.6 */
#define TCX_EGRESS  ((enum bpf_attach_type)47)
#define BEFORE      (1u << 3)

#define MOV(reg, value)                                                                                                                    \
	(struct bpf_insn)                                                                                                                  \
	{                                                                                                                                  \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (int)(value)                                                 \
	}
#define STORE(reg, offset, source)                                                                                                         \
	(struct bpf_insn)                                                                                                                  \
	{                                                                                                                                  \
		.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = (reg), .src_reg = (source), .off = (offset)                                  \
	}
#define EXIT                                                                                                                               \
	(struct bpf_insn)                                                                                                                  \
	{                                                                                                                                  \
		.code = BPF_JMP | BPF_EXIT                                                                                                 \
	}

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

static int classifier(int action)
{
	const struct bpf_insn insns[] = {MOV(BPF_REG_0, action), EXIT};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", insns, 2, NULL);
}

static int redirector(unsigned addr_be, unsigned short port)
{
	const struct bpf_insn insns[] = {
		MOV(BPF_REG_2, addr_be),     STORE(BPF_REG_1, offsetof(struct bpf_sock_addr, user_ip4), BPF_REG_2),
		MOV(BPF_REG_2, htons(port)), STORE(BPF_REG_1, offsetof(struct bpf_sock_addr, user_port), BPF_REG_2),
		MOV(BPF_REG_0, 1),           EXIT,
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "foreign", "GPL", insns, sizeof(insns) / sizeof(insns[0]), &opts);
}

static int stay(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return EXIT_SUCCESS;
}

static int tcx(char **argv)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BEFORE);
	int program = classifier(strcmp(argv[2], "pass") == 0 ? 0 : -1); /* TC_ACT_OK, TCX_NEXT */
	unsigned ifindex = if_nametoindex(argv[0]);

	if (program < 0 || !ifindex)
		return fail(argv[0]);
	if (bpf_link_create(program, (int)ifindex, strcmp(argv[1], "ingress") == 0 ? TCX_INGRESS : TCX_EGRESS, &opts) < 0)
		return fail("attach");
	return stay();
}

static int connect4(char **argv)
{
	int cgroup = open(argv[0], O_RDONLY | O_DIRECTORY), program;
	struct in_addr address;

	if (inet_pton(AF_INET, argv[1], &address) != 1)
		return fail(argv[1]);
	program = redirector(address.s_addr, (unsigned short)atoi(argv[2]));
	if (cgroup < 0 || program < 0 || bpf_link_create(program, cgroup, BPF_CGROUP_INET4_CONNECT, NULL) < 0)
		return fail("attach");
	return stay();
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "tcx") == 0)
		return tcx(argv + 2);
	if (argc == 5 && strcmp(argv[1], "connect4") == 0)
		return connect4(argv + 2);
	if (argc == 3 && strcmp(argv[1], "pin") == 0)
		return bpf_obj_pin(classifier(0), argv[2]) < 0 ? fail(argv[2]) : EXIT_SUCCESS;
	fputs("usage: see the head of foreign.c\n", stderr);
	return 2;
}
