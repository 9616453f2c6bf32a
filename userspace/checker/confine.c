/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/confine.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringfence/tables.h>

#include "core/cleanup.h"
#include "core/syscall_filter.h"
#include "sockd/protocol.h"

/* clang-format off */
#define ALLOW(nr, ...) {.number = SYS_##nr, .args = {__VA_ARGS__}}
#define IS(i, v)       {i, RF_ARG_IS, v}
#define WITHIN(i, v)   {i, RF_ARG_WITHIN, v}
#define HAS(i, v)      {i, RF_ARG_HAS, v}
#define ZERO(i)        {i, RF_ARG_ZERO, 0}
/* clang-format on */

/* What is asked most often stands first. */
static const struct rf_syscall_rule rules[] = {
	ALLOW(recvfrom),
	ALLOW(sendto, ZERO(4)), /* no destination: with one, a datagram socket reaches others, and a stream socket may connect */
	ALLOW(epoll_ctl),
	ALLOW(epoll_pwait),
#ifdef SYS_epoll_wait
	ALLOW(epoll_wait),
#endif
	ALLOW(accept4),
	ALLOW(close),
	ALLOW(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_ERROR)),
	ALLOW(getsockopt, IS(1, IPPROTO_IP), IS(2, RF_SO_ORIGINAL_DST)),
	ALLOW(getsockopt, IS(1, IPPROTO_IP), IS(2, RF_SO_CONTROL)), /* what the look-up below says, before 5.19 */
	ALLOW(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)),
	ALLOW(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_LINGER)),
	ALLOW(shutdown, IS(1, SHUT_WR)),             /* the other direction would end a listener, for the next checker, too */
	ALLOW(sendmsg, IS(0, RF_CHECKER_BROKER_FD)), /* nowhere else: it can carry a destination */
	ALLOW(recvmsg, IS(0, RF_CHECKER_BROKER_FD)),
	ALLOW(bpf, IS(0, BPF_MAP_LOOKUP_ELEM)),
	ALLOW(read), /* timers and signals of the loop */
	ALLOW(timerfd_settime),
	ALLOW(write, IS(0, STDERR_FILENO)),
	ALLOW(writev, IS(0, STDERR_FILENO)),
	ALLOW(mmap, WITHIN(2, PROT_READ)), /* the routes */
	ALLOW(mmap, WITHIN(2, PROT_READ | PROT_WRITE), HAS(3, MAP_ANONYMOUS)),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(brk),
	ALLOW(clock_gettime),
	ALLOW(restart_syscall),
	ALLOW(rt_sigreturn),
	ALLOW(exit_group),
};

int rf_checker_confine(void)
{
	return RF_SANITIZED ? 0 : rf_syscall_filter(rules, RF_ARRAY_SIZE(rules), true);
}
