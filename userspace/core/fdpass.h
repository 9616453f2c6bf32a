/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fixed-size struct and at most one file descriptor over an AF_UNIX SOCK_SEQPACKET or SOCK_DGRAM socket (unix(7), SCM_RIGHTS).
 */
#pragma once

#include <stddef.h>

/* Sends size bytes as one packet; fd -1 = none; the fd stays the caller's. 0 or -errno; -EAGAIN on a non-blocking socket that is full;
 * never raises SIGPIPE. */
int rf_fdpass_send(int sock, const void *data, size_t size, int fd);

/* Receives one packet of exactly size bytes into data. *ret_fd gets the descriptor (close-on-exec, the caller's) or -1. ret_fd NULL: a
 * descriptor is not expected, one that comes is closed and the packet refused. Errors leave data undefined and *ret_fd untouched, and
 * every received descriptor is closed: -ENOTCONN the peer closed (end of file), -EBADMSG another size, more than one descriptor, or
 * truncated ancillary data (out of descriptors), -EAGAIN nothing there on a non-blocking socket. */
int rf_fdpass_recv(int sock, void *data, size_t size, int *ret_fd);
