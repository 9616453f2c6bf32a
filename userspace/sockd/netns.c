/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "sockd/sockd.h"

/* One socket made inside, then back. Everything later (a checker started, a socket made) relies on being in our own namespace, so a way
 * back that fails ends the process; pods then fail closed and the supervisor starts a new broker. */
static int socket_inside(int netns_fd, int family)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd, r;

	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	r = fd < 0 ? -errno : fd;
	if (setns(home, CLONE_NEWNET) < 0) {
		rf_log_error(errno, "cannot leave a pod's network namespace");
		abort();
	}
	return r;
}

int rf_netns_stream(int netns_fd, int family, int *ret)
{
	int fd = socket_inside(netns_fd, family);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int bind_to(int fd, const struct rf_addr *addr, uint16_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = addr->be[3]};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is4 = rf_addr_is4(addr);
	static const int one = 1;

	memcpy(&six.sin6_addr, addr->be, sizeof(six.sin6_addr));
	if (!is4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	return bind(fd, is4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, is4 ? sizeof(four) : sizeof(six)) < 0 ? -errno : 0;
}

int rf_netns_listener(int netns_fd, const struct rf_addr *addr, uint16_t port, int *ret)
{
	/* a socket stays in the namespace it was made in */
	_cleanup_close_ int fd = socket_inside(netns_fd, rf_addr_is4(addr) ? AF_INET : AF_INET6);
	static const int one = 1;
	int r;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	r = bind_to(fd, addr, port);
	if (r < 0)
		return r;
	if (listen(fd, RF_SOCKD_BACKLOG) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}
