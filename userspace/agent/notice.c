/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notice.h"

#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "agent/agent.h"
#include "agent/watch.h"
#include "core/cleanup.h"
#include "core/log.h"

static bool is_ours(const struct rf_agent *agent, int ifindex)
{
	for (size_t i = 0; i < agent->pods.count; i++)
		if ((int)agent->pods.items[i]->room.ifindex == ifindex)
			return true;
	return false;
}

/* Routes of the machine change for many reasons; an address of a pod may be covered by any of them, so each counts. */
static bool matters(const struct rf_agent *agent, const struct nlmsghdr *head)
{
	const struct ifinfomsg *link = NLMSG_DATA(head);

	if (head->nlmsg_type == RTM_NEWLINK || head->nlmsg_type == RTM_DELLINK)
		return head->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) && is_ours(agent, link->ifi_index);
	return head->nlmsg_type == RTM_NEWROUTE || head->nlmsg_type == RTM_DELROUTE;
}

static void on_rtnetlink(void *arg, int fd, uint32_t events)
{
	_Alignas(struct nlmsghdr) static char buffer[32768]; /* one agent a process */
	struct rf_agent *agent = arg;
	bool soon = false;
	ssize_t n;

	(void)events;
	for (int i = 0; i < 64 && (n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) != 0; i++) {
		const struct nlmsghdr *head = (const struct nlmsghdr *)buffer;
		size_t left = n > 0 ? (size_t)n : 0;

		if (n < 0 && errno != ENOBUFS)
			break;
		soon |= n < 0; /* ENOBUFS: some were lost, so anything may have changed */
		for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left))
			soon |= matters(agent, head);
	}
	if (soon)
		rf_watch_soon(agent);
}

static int open_rtnetlink(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void watch_directory(int inotify_fd, const char *dir, const char *sub)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s%s", dir, sub);
	if (inotify_add_watch(inotify_fd, path, IN_DELETE | IN_MOVED_FROM | IN_CREATE | IN_ONLYDIR) < 0)
		rf_log_warning(errno, "cannot watch %s; changes there are noticed within %d ms", path, RF_LOOK_MS);
}

void rf_notice_start(struct rf_agent *agent, int inotify_fd)
{
	static const char *const subs[] = {"/maps", "/live", "/progs", "/links", "/links/pods"};
	int fd = open_rtnetlink();

	if (fd < 0 || rf_loop_add(agent->loop, fd, EPOLLIN, on_rtnetlink, agent, NULL) < 0)
		rf_log_warning(fd < 0 ? -fd : 0, "cannot watch interfaces; changes are noticed within %d ms", RF_LOOK_MS);
	for (size_t i = 0; i < RF_ARRAY_SIZE(subs); i++)
		watch_directory(inotify_fd, agent->instance.bpffs_dir, subs[i]);
	watch_directory(inotify_fd, agent->instance.cgroup_dir, "");
	watch_directory(inotify_fd, agent->instance.pods_cgroup, "");
}
