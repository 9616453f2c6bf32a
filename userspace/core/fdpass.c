/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cleanup.h"

#define RECEIVE_FDS 4 /* room for more than the one we accept, so that a surplus is seen (and closed) instead of cut off */

int rf_fdpass_send(int sock, const void *data, size_t size, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EMSGSIZE;
}

/* Takes every descriptor out of the control data. Returns how many there were; the first goes to *first, others are closed. */
static size_t collect_fds(struct msghdr *msg, int *first)
{
	size_t count = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++, count++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (count == 0)
				*first = fd;
			else
				close(fd);
		}
	}
	return count;
}

int rf_fdpass_recv(int sock, void *data, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * RECEIVE_FDS)];
	} control;
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	_cleanup_close_ int fd = -1;
	size_t fds;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fds = collect_fds(&msg, &fd);
	if (n == 0 && fds == 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -ENOTCONN;
	if ((size_t)n != size || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || fds > (ret_fd ? 1 : 0))
		return -EBADMSG;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}
