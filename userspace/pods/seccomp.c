/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"

#if defined(__x86_64__)
#define NATIVE    AUDIT_ARCH_X86_64
#define X32_FIRST 0x40000000 /* __X32_SYSCALL_BIT: the other ABI of the same architecture */
#elif defined(__aarch64__)
#define NATIVE    AUDIT_ARCH_AARCH64
#define X32_FIRST 0xffffffff
#else
#error "the system call numbers of this architecture are not known here"
#endif

#define FIELD(name)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define ANSWER(code) BPF_STMT(BPF_RET | BPF_K, (code))
#define ERROR(error) ANSWER(SECCOMP_RET_ERRNO | (error))
/* The next statement is for this value alone. */
#define WHEN(value)      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS(value)    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)
#define WHEN_FROM(value) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), 0, 1)

/* The family is the low half of the argument, which is all that the kernel reads of an int; args[0] is little-endian on both. */
static struct sock_filter program[] = {
	FIELD(arch),
	UNLESS(NATIVE),
	ERROR(ENOSYS),
	FIELD(nr),
	WHEN_FROM(X32_FIRST),
	ERROR(ENOSYS),
	WHEN(SYS_bpf),
	ERROR(EPERM),
	WHEN(SYS_add_key),
	ERROR(ENOSYS),
	WHEN(SYS_request_key),
	ERROR(ENOSYS),
	WHEN(SYS_keyctl),
	ERROR(ENOSYS),
	WHEN(SYS_io_uring_setup),
	ERROR(ENOSYS),
	WHEN(SYS_io_uring_enter),
	ERROR(ENOSYS),
	WHEN(SYS_io_uring_register),
	ERROR(ENOSYS),
	UNLESS(SYS_socket),
	ANSWER(SECCOMP_RET_ALLOW),
	FIELD(args[0]),
	WHEN(AF_UNIX),
	ANSWER(SECCOMP_RET_ALLOW),
	WHEN(AF_INET),
	ANSWER(SECCOMP_RET_ALLOW),
	WHEN(AF_INET6),
	ANSWER(SECCOMP_RET_ALLOW),
	WHEN(AF_NETLINK),
	ANSWER(SECCOMP_RET_ALLOW),
	WHEN(AF_PACKET),
	ANSWER(SECCOMP_RET_ALLOW),
	ERROR(EAFNOSUPPORT),
};

int rf_seccomp_confine(void)
{
	const struct sock_fprog filter = {.len = RF_ARRAY_SIZE(program), .filter = program};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}
