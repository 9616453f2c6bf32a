/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds a TCP port of this network namespace (proc(5): /proc/net/tcp, /proc/PID/fd).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rf_port_holder {
	pid_t pid;     /* 0: no process that we can see */
	char comm[64]; /* its name */
	char address[64];
};

/* 0: somebody listens there, *ret says who. -ENOENT: nobody does. */
int rf_check_port(uint16_t port, struct rf_port_holder *ret);

/* One line of /proc/net/tcp or tcp6: is it a listener on this port, and with which inode? 0 or -ENOENT. Pure. */
int rf_check_port_line(const char *line, uint16_t port, unsigned long *ret_inode);
