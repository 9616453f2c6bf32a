/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/syscall_filter.h"
#include "sockd/sockd.h"

#define LOG_MAX (16u * 1024 * 1024) /* bytes of the log file up to which a checker may write */

/* clang-format off */
#define REFUSE(nr)     {.number = SYS_##nr, .refuse = EPERM}
#define ALLOW(nr, ...) {.number = SYS_##nr, .args = {__VA_ARGS__}}
#define IS(i, v)       {i, RF_ARG_IS, v}
#define ZERO(i)        {i, RF_ARG_ZERO, 0}
/* Whatever neither a program's loader nor the checker's start needs. The checker's own filter (checker/confine.c), which is far narrower,
 * comes on top once it is set up; this one holds even if it were never installed. */
static const struct rf_syscall_rule rules[] = {
	ALLOW(sendto, ZERO(4)), REFUSE(sendto),
	ALLOW(sendmsg, IS(0, RF_CHECKER_BROKER_FD)), REFUSE(sendmsg), REFUSE(sendmmsg),
	ALLOW(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)), ALLOW(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_LINGER)), REFUSE(setsockopt),
	ALLOW(shutdown, IS(1, SHUT_WR)), REFUSE(shutdown),
	ALLOW(bpf, IS(0, BPF_MAP_LOOKUP_ELEM)), REFUSE(bpf),
	REFUSE(socket), REFUSE(socketpair), REFUSE(connect), REFUSE(bind), REFUSE(listen),
	REFUSE(ptrace), REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(kcmp), REFUSE(perf_event_open), REFUSE(userfaultfd),
	REFUSE(kill), REFUSE(tkill), REFUSE(pidfd_open), REFUSE(pidfd_send_signal), REFUSE(pidfd_getfd),
	REFUSE(clone), REFUSE(clone3), REFUSE(execve), REFUSE(unshare), REFUSE(setns),
#ifdef SYS_fork
	REFUSE(fork), REFUSE(vfork),
#endif
	REFUSE(mount), REFUSE(umount2), REFUSE(pivot_root), REFUSE(chroot), REFUSE(fsopen), REFUSE(fspick), REFUSE(open_tree),
	REFUSE(move_mount), REFUSE(name_to_handle_at), REFUSE(open_by_handle_at), REFUSE(memfd_create),
	REFUSE(io_uring_setup), REFUSE(io_uring_enter), REFUSE(io_uring_register), REFUSE(add_key), REFUSE(request_key), REFUSE(keyctl),
};
/* clang-format on */

/* On machines where the log is a file, it lies in memory: a checker that has lost its mind must not fill it. No children either. */
static int limit(void)
{
	static const struct rlimit none = {0, 0}, log = {LOG_MAX, LOG_MAX};
	static const struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (setrlimit(RLIMIT_FSIZE, &log) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return -errno;
	return setrlimit(RLIMIT_NPROC, &none) < 0 ? -errno : 0;
}

int rf_sockd_sandbox(void)
{
	int r = RF_SANITIZED ? 0 : limit();

	if (r < 0 || RF_SANITIZED)
		return r;
	return rf_syscall_filter(rules, RF_ARRAY_SIZE(rules), false);
}
