/* SPDX-License-Identifier: Apache-2.0 */
#include "core/syscall_filter.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
#define NATIVE    AUDIT_ARCH_X86_64
#define X32_FIRST 0x40000000 /* __X32_SYSCALL_BIT: the other ABI of the same architecture */
#elif defined(__aarch64__)
#define NATIVE    AUDIT_ARCH_AARCH64
#define X32_FIRST 0xffffffff
#else
#error "the system call numbers of this architecture are not known here"
#endif

#define FRAME       7 /* statements that belong to no rule */
#define PER_ARG     4
#define PER_RULE    (3 + RF_ARG_RULES * PER_ARG)
#define PROGRAM_MAX (FRAME + RF_SYSCALL_RULES_MAX * PER_RULE)
#define REFUSED     (SECCOMP_RET_ERRNO | EPERM)
#define FOREIGN     (SECCOMP_RET_ERRNO | ENOSYS)

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	p->code[p->len++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = k};
}

static void load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void load_arg(struct program *p, unsigned int index, bool high)
{
	bool second = (BYTE_ORDER == LITTLE_ENDIAN) == high;

	load(p, offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) + (second ? sizeof(uint32_t) : 0));
}

static unsigned int arg_size(const struct rf_arg_rule *arg)
{
	static const uint8_t sizes[] = {
		[RF_ARG_ANY] = 0, [RF_ARG_IS] = 2, [RF_ARG_FROM] = 2, [RF_ARG_WITHIN] = 3, [RF_ARG_HAS] = 3, [RF_ARG_ZERO] = 4};

	return sizes[arg->test];
}

/* `past`: statements after the last one of this test up to the next rule. */
static void put_arg(struct program *p, const struct rf_arg_rule *arg, unsigned int past)
{
	const uint8_t fail = (uint8_t)past;

	if (arg->test == RF_ARG_ANY)
		return;
	load_arg(p, arg->index, false);
	switch (arg->test) {
	case RF_ARG_IS:
		put(p, BPF_JMP | BPF_JEQ | BPF_K, arg->value, 0, fail);
		break;
	case RF_ARG_FROM:
		put(p, BPF_JMP | BPF_JGE | BPF_K, arg->value, 0, fail);
		break;
	case RF_ARG_WITHIN:
		put(p, BPF_ALU | BPF_AND | BPF_K, ~arg->value, 0, 0);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, fail);
		break;
	case RF_ARG_HAS:
		put(p, BPF_ALU | BPF_AND | BPF_K, arg->value, 0, 0);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, arg->value, 0, fail);
		break;
	default: /* RF_ARG_ZERO */
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint8_t)(fail + 2));
		load_arg(p, arg->index, true);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, fail);
		break;
	}
}

static void put_rule(struct program *p, const struct rf_syscall_rule *rule)
{
	unsigned int rest = 1; /* the answer */

	for (size_t i = 0; i < RF_ARG_RULES; i++)
		rest += arg_size(&rule->args[i]);
	load(p, offsetof(struct seccomp_data, nr));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, (uint8_t)rest);
	for (size_t i = 0; i < RF_ARG_RULES; i++) {
		rest -= arg_size(&rule->args[i]);
		put_arg(p, &rule->args[i], rest);
	}
	put(p, BPF_RET | BPF_K, rule->refuse ? SECCOMP_RET_ERRNO | (uint32_t)rule->refuse : SECCOMP_RET_ALLOW, 0, 0);
}

int rf_syscall_filter(const struct rf_syscall_rule *rules, size_t count, bool otherwise_refuse)
{
	struct program p = {.len = 0};
	struct sock_fprog filter;

	if (count > RF_SYSCALL_RULES_MAX)
		return -E2BIG;
	load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
	put(&p, BPF_RET | BPF_K, FOREIGN, 0, 0);
	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JGE | BPF_K, X32_FIRST, 0, 1);
	put(&p, BPF_RET | BPF_K, FOREIGN, 0, 0);
	for (size_t i = 0; i < count; i++)
		put_rule(&p, &rules[i]);
	put(&p, BPF_RET | BPF_K, otherwise_refuse ? REFUSED : SECCOMP_RET_ALLOW, 0, 0);
	filter = (struct sock_fprog){.len = p.len, .filter = p.code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}
