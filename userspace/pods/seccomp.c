/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/seccomp.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/cleanup.h"
#include "core/syscall_filter.h"

/* clang-format off */
#define REFUSE(nr, error) {.number = SYS_##nr, .refuse = (error)}
#define SOCKET(family)    {.number = SYS_socket, .args = {{0, RF_ARG_IS, (family)}}}
/* clang-format on */

static const struct rf_syscall_rule rules[] = {
	SOCKET(AF_UNIX),
	SOCKET(AF_INET),
	SOCKET(AF_INET6),
	SOCKET(AF_NETLINK),
	SOCKET(AF_PACKET),
	REFUSE(socket, EAFNOSUPPORT),
	REFUSE(bpf, EPERM),
	REFUSE(add_key, ENOSYS),
	REFUSE(request_key, ENOSYS),
	REFUSE(keyctl, ENOSYS),
	REFUSE(io_uring_setup, ENOSYS),
	REFUSE(io_uring_enter, ENOSYS),
	REFUSE(io_uring_register, ENOSYS),
};

int rf_seccomp_confine(void)
{
	return rf_syscall_filter(rules, RF_ARRAY_SIZE(rules), false);
}
