/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "sockd/sockd.h"

/* One socket made inside, then back. Everything later (a checker started, a socket made) relies on being in our own namespace, so a way
 * back that fails ends the process; pods then fail closed and the supervisor starts a new broker. */
static int socket_inside(int netns_fd)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd, r;

	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	r = fd < 0 ? -errno : fd;
	if (setns(home, CLONE_NEWNET) < 0) {
		rf_log_error(errno, "cannot leave a pod's network namespace");
		abort();
	}
	return r;
}

int rf_netns_stream(int netns_fd, int *ret)
{
	int fd = socket_inside(netns_fd);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

int rf_netns_listener(int netns_fd, uint32_t addr_be, uint16_t port, int *ret)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = addr_be};
	_cleanup_close_ int fd = socket_inside(netns_fd); /* a socket stays in the namespace it was made in */
	static const int one = 1;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}
