/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "datapath/drift.h"
#include "pods/fail.h"
#include "pods/netns.h"
#include "pods/veth.h"

static uint32_t look_at_link(const struct rf_pod_room *room)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_ifindex = (int)room->ifindex};
	uint32_t drift = 0;

	if (fd < 0 || ioctl(fd, SIOCGIFNAME, &request) < 0)
		return RF_DRIFT_VETH_GONE;
	if (strncmp(request.ifr_name, room->veth, IFNAMSIZ) != 0)
		drift |= RF_DRIFT_VETH_RENAMED;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0 || !(request.ifr_flags & IFF_UP))
		drift |= RF_DRIFT_VETH_DOWN;
	return drift;
}

struct route_question {
	struct nlmsghdr head;
	struct rtmsg body;
	struct rtattr attr;
	uint32_t addr_be[4]; /* IPv4: the first one alone */
};

/* The interface of the kernel's answer, 0 if there is none (rtnetlink(7), RTM_GETROUTE). */
static uint32_t oif_of(const struct nlmsghdr *head, size_t len)
{
	const struct rtmsg *body = NLMSG_DATA(head);
	const struct rtattr *a = RTM_RTA(body);
	int left;

	if (!NLMSG_OK(head, len) || head->nlmsg_type != RTM_NEWROUTE)
		return 0;
	left = (int)RTM_PAYLOAD(head);
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == RTA_OIF)
			return *(const uint32_t *)RTA_DATA(a);
	return 0;
}

/* Where the machine would send a packet for the pod: the route itself may be there and another one win. */
static bool goes_to_pod(const struct rf_pod_room *room, const struct rf_addr *addr)
{
	bool is4 = rf_addr_is4(addr);
	size_t size = is4 ? 4 : 16;
	struct route_question q = {
		.head = {.nlmsg_len = (uint32_t)(offsetof(struct route_question, addr_be) + size),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.rtm_family = is4 ? AF_INET : AF_INET6, .rtm_dst_len = (unsigned char)(size * 8)},
		.attr = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = RTA_DST},
	};
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_Alignas(struct nlmsghdr) char answer[4096];
	ssize_t n;

	memcpy(q.addr_be, is4 ? &addr->be[3] : addr->be, size);
	if (fd < 0 || send(fd, &q, q.head.nlmsg_len, 0) != (ssize_t)q.head.nlmsg_len)
		return false;
	n = recv(fd, answer, sizeof(answer), 0);
	return n > 0 && oif_of((const struct nlmsghdr *)answer, (size_t)n) == room->ifindex;
}

static bool is_routed(const struct rf_pod_room *room)
{
	struct rf_addr addr4 = rf_addr4(room->addr_be);

	return goes_to_pod(room, &addr4) && (rf_addr_is_none(&room->addr6) || goes_to_pod(room, &room->addr6));
}

uint32_t rf_pod_room_look(const struct rf_pod_room *room)
{
	uint32_t drift = look_at_link(room);

	/* No route goes over an interface that is not up: one thing to say, not two. */
	if (!(drift & (RF_DRIFT_VETH_GONE | RF_DRIFT_VETH_DOWN)) && !is_routed(room))
		drift |= RF_DRIFT_ROUTE;
	return drift | (rf_netns_exists(room->netns) ? 0 : (uint32_t)RF_DRIFT_NETNS_PIN);
}

/* ---- mending ---- */

static bool is_pods_netns(const char *path, uint64_t cookie)
{
	struct rf_netns_facts facts;

	return rf_netns_facts(path, RF_POD_IFNAME, &facts) == 0 && facts.cookie == cookie;
}

/* Processes of the pod live in its namespace or, if root moved them, elsewhere: the cookie tells. */
static int find_netns(const struct rf_pod_room *room, char ret[64])
{
	char path[sizeof(room->cgroup) + 32];
	_cleanup_fclose_ FILE *f = NULL;
	long pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", room->cgroup);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fscanf(f, "%ld", &pid) == 1) {
		snprintf(ret, 64, "/proc/%ld/ns/net", pid);
		if (is_pods_netns(ret, room->netns_cookie))
			return 0;
	}
	return -ESRCH;
}

static int mend_netns(const struct rf_pod_room *room)
{
	_cleanup_close_ int file = -1;
	char from[64];
	int r = find_netns(room, from);

	if (r < 0)
		return r;
	file = open(room->netns, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		return -errno;
	return mount(from, room->netns, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* Kernels before 6.2 rename only what is down; rf_veth_make brings it up again with all that was on it. */
static int rename_back(const struct rf_pod_room *room)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_ifindex = (int)room->ifindex};
	struct ifreq flags;

	if (fd < 0 || ioctl(fd, SIOCGIFNAME, &request) < 0)
		return -errno;
	flags = request;
	memcpy(request.ifr_newname, room->veth, sizeof(request.ifr_newname));
	if (ioctl(fd, SIOCSIFNAME, &request) == 0)
		return 0;
	if (errno != EBUSY || ioctl(fd, SIOCGIFFLAGS, &flags) < 0)
		return -errno;
	flags.ifr_flags = (short)(flags.ifr_flags & ~IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &flags) < 0)
		return -errno;
	return ioctl(fd, SIOCSIFNAME, &request) < 0 ? -errno : 0;
}

int rf_pod_room_mend(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *room, uint32_t drift,
		     char *error, size_t size)
{
	struct rf_pod_error e = {.text = error, .size = size};
	const uint64_t cookie = room->netns_cookie;
	int r;

	if (drift & RF_DRIFT_NETNS_PIN) {
		r = mend_netns(room);
		if (r < 0)
			return rf_pod_fail(&e, -r, "cannot mount its network namespace again");
	}
	if (!is_pods_netns(room->netns, cookie))
		return rf_pod_fail(&e, EXDEV, "another network namespace is mounted on %s", room->netns);
	if (drift & RF_DRIFT_VETH_RENAMED) {
		r = rename_back(room);
		if (r < 0)
			return rf_pod_fail(&e, -r, "cannot give its interface the name %s again", room->veth);
	}
	return rf_pod_room_make(instance, ns, name, room->addr_be, room, error, size);
}
