/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"

#define STATE_LISTEN 0x0a

int rf_check_port_line(const char *line, uint16_t port, unsigned long *ret_inode)
{
	unsigned local, state;
	unsigned long inode;

	/* sl local rem st tx:rx tr:when retrnsmt uid timeout inode */
	if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu", &local, &state, &inode) != 3)
		return -ENOENT;
	if (local != port || state != STATE_LISTEN)
		return -ENOENT;
	*ret_inode = inode;
	return 0;
}

static int find_listener(const char *table, uint16_t port, unsigned long *ret_inode)
{
	_cleanup_fclose_ FILE *f = fopen(table, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (rf_check_port_line(line, port, ret_inode) == 0)
			return 0;
	return -ENOENT;
}

static bool holds(const char *pid, const char *socket_name)
{
	char path[300 + 300], target[64];
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, socket_name) == 0)
			return true;
	}
	return false;
}

static void read_name(pid_t pid, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(ret, (int)size, f))
		snprintf(ret, size, "?");
	ret[strcspn(ret, "\n")] = '\0';
}

static void find_process(unsigned long inode, struct rf_port_holder *holder)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *entry;
	char name[64];

	snprintf(name, sizeof(name), "socket:[%lu]", inode);
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !holds(entry->d_name, name))
			continue;
		holder->pid = (pid_t)atoi(entry->d_name);
		read_name(holder->pid, holder->comm, sizeof(holder->comm));
		return;
	}
}

int rf_check_port(uint16_t port, struct rf_port_holder *ret)
{
	struct rf_port_holder holder = {0};
	unsigned long inode;
	const char *family = "IPv4";

	if (find_listener("/proc/net/tcp", port, &inode) < 0) {
		family = "IPv6";
		if (find_listener("/proc/net/tcp6", port, &inode) < 0)
			return -ENOENT;
	}
	snprintf(holder.address, sizeof(holder.address), "%s port %u", family, port);
	find_process(inode, &holder);
	*ret = holder;
	return 0;
}
