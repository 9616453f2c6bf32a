/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <string.h>

#include "core/cleanup.h"
#include "pods/netns.h"

#define REPLACE (NLM_F_CREATE | NLM_F_REPLACE)

static void socket_freep(struct nl_sock **p)
{
	nl_socket_free(*p);
}
static void link_putp(struct rtnl_link **p)
{
	rtnl_link_put(*p);
}
static void address_putp(struct nl_addr **p)
{
	nl_addr_put(*p);
}
#define _cleanup_nl_   RF_CLEANUP(socket_freep)
#define _cleanup_link_ RF_CLEANUP(link_putp)
#define _cleanup_addr_ RF_CLEANUP(address_putp)

static int to_errno(int nle)
{
	switch (nle < 0 ? -nle : nle) {
	case NLE_SUCCESS:
		return 0;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return ENODEV;
	case NLE_EXIST:
		return EEXIST;
	case NLE_PERM:
	case NLE_NOACCESS:
		return EPERM;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_BUSY:
		return EBUSY;
	case NLE_OPNOTSUPP:
		return EOPNOTSUPP;
	case NLE_INVAL:
		return EINVAL;
	default:
		return EIO;
	}
}

/* The socket belongs to the network namespace of the calling thread. */
static int open_rtnl(struct nl_sock **ret)
{
	_cleanup_nl_ struct nl_sock *sock = nl_socket_alloc();
	int nle;

	if (!sock)
		return -ENOMEM;
	nle = nl_connect(sock, NETLINK_ROUTE);
	if (nle < 0)
		return -to_errno(nle);
	*ret = TAKE_PTR(sock);
	return 0;
}

/* ---- one thing each ---- */

static int link_up(struct nl_sock *sock, struct rtnl_link *link, const char *alias)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int nle;

	if (!change)
		return -ENOMEM;
	rtnl_link_set_flags(change, IFF_UP);
	if (alias)
		rtnl_link_set_ifalias(change, alias);
	nle = rtnl_link_change(sock, link, change, 0);
	rtnl_link_put(change);
	return -to_errno(nle);
}

static int add_address(struct nl_sock *sock, int ifindex, uint32_t addr_be)
{
	_cleanup_addr_ struct nl_addr *local = nl_addr_build(AF_INET, &addr_be, sizeof(addr_be));
	struct rtnl_addr *address = rtnl_addr_alloc();
	int nle = -NLE_NOMEM;

	if (local && address) {
		rtnl_addr_set_ifindex(address, ifindex);
		nl_addr_set_prefixlen(local, 32);
		nle = rtnl_addr_set_local(address, local);
		if (nle == 0)
			nle = rtnl_addr_add(sock, address, REPLACE);
	}
	rtnl_addr_put(address);
	return -to_errno(nle);
}

/* prefix 32: the address is on the link. prefix 0: the default route through it. */
static int add_route(struct nl_sock *sock, int ifindex, uint32_t addr_be, int prefix, uint32_t source_be)
{
	static const uint32_t any = 0;
	_cleanup_addr_ struct nl_addr *dst = nl_addr_build(AF_INET, prefix ? &addr_be : &any, sizeof(addr_be));
	_cleanup_addr_ struct nl_addr *gateway = nl_addr_build(AF_INET, &addr_be, sizeof(addr_be));
	_cleanup_addr_ struct nl_addr *source = nl_addr_build(AF_INET, &source_be, sizeof(source_be));
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct rtnl_route *route = rtnl_route_alloc();
	int nle = -NLE_NOMEM;

	if (dst && gateway && source && hop && route) {
		nl_addr_set_prefixlen(dst, prefix);
		rtnl_route_set_family(route, AF_INET);
		rtnl_route_set_table(route, RT_TABLE_MAIN);
		rtnl_route_set_protocol(route, RTPROT_STATIC);
		rtnl_route_set_scope(route, prefix ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
		rtnl_route_set_dst(route, dst);
		rtnl_route_set_pref_src(route, source);
		rtnl_route_nh_set_ifindex(hop, ifindex);
		if (!prefix)
			rtnl_route_nh_set_gateway(hop, gateway);
		rtnl_route_add_nexthop(route, TAKE_PTR(hop));
		nle = rtnl_route_add(sock, route, REPLACE);
	}
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	return -to_errno(nle);
}

static int add_neighbour(struct nl_sock *sock, int ifindex, uint32_t addr_be, struct nl_addr *mac)
{
	_cleanup_addr_ struct nl_addr *dst = nl_addr_build(AF_INET, &addr_be, sizeof(addr_be));
	struct rtnl_neigh *neighbour = rtnl_neigh_alloc();
	int nle = -NLE_NOMEM;

	if (dst && neighbour) {
		rtnl_neigh_set_ifindex(neighbour, ifindex);
		rtnl_neigh_set_family(neighbour, AF_INET);
		rtnl_neigh_set_state(neighbour, NUD_PERMANENT);
		rtnl_neigh_set_dst(neighbour, dst);
		rtnl_neigh_set_lladdr(neighbour, mac);
		nle = rtnl_neigh_add(sock, neighbour, REPLACE);
	}
	rtnl_neigh_put(neighbour);
	return -to_errno(nle);
}

/* /proc/sys/net/ shows the namespace of the calling thread. */
static int write_sysctl(const char *family, const char *ifname, const char *key, const char *value)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	if (ifname)
		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
	else
		snprintf(path, sizeof(path), "/proc/sys/net/%s/%s", family, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

static int disable_ipv6(const char *ifname)
{
	int r = write_sysctl("ipv6", ifname, "disable_ipv6", "1");

	return r == -ENOENT ? 0 : r; /* a kernel without IPv6 is as good */
}

static int copy_mac(struct rtnl_link *link, struct nl_addr **ret)
{
	struct nl_addr *mac = rtnl_link_get_addr(link);

	if (!mac || nl_addr_get_len(mac) != 6)
		return -EBADMSG;
	*ret = nl_addr_clone(mac);
	return *ret ? 0 : -ENOMEM;
}

/* ---- the pod's side, run inside its namespace ---- */

struct pod_side {
	uint32_t addr_be, node_be;
	struct nl_addr *host_mac;
	struct nl_addr *ret_mac; /* owned by the caller */
	int host_ifindex;
	const char *step;
};

static int pod_links_up(struct nl_sock *sock, struct pod_side *side, int *ret_ifindex)
{
	_cleanup_link_ struct rtnl_link *lo = NULL;
	_cleanup_link_ struct rtnl_link *eth = NULL;
	int r;

	side->step = "bring lo up";
	r = -to_errno(rtnl_link_get_kernel(sock, 0, "lo", &lo));
	if (r == 0)
		r = link_up(sock, lo, NULL);
	if (r < 0)
		return r;
	side->step = "bring " RF_POD_IFNAME " up";
	r = -to_errno(rtnl_link_get_kernel(sock, 0, RF_POD_IFNAME, &eth));
	if (r == 0)
		r = disable_ipv6("all");
	if (r == 0)
		r = disable_ipv6("default");
	if (r == 0)
		r = link_up(sock, eth, NULL);
	if (r == 0)
		r = copy_mac(eth, &side->ret_mac);
	if (r == 0)
		*ret_ifindex = rtnl_link_get_ifindex(eth);
	return r;
}

static int configure_pod_side(void *arg)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	struct pod_side *side = arg;
	int ifindex = 0, r;

	side->step = "open a netlink socket";
	r = open_rtnl(&sock);
	if (r < 0)
		return r;
	r = pod_links_up(sock, side, &ifindex);
	if (r < 0)
		return r;
	side->step = "set the address";
	r = add_address(sock, ifindex, side->addr_be);
	if (r < 0)
		return r;
	side->step = "set the neighbour";
	r = add_neighbour(sock, ifindex, side->node_be, side->host_mac);
	if (r < 0)
		return r;
	side->step = "set the routes";
	r = add_route(sock, ifindex, side->node_be, 32, side->addr_be);
	if (r == 0)
		r = add_route(sock, ifindex, side->node_be, 0, side->addr_be);
	if (r < 0)
		return r;
	side->step = "set ip_unprivileged_port_start";
	return write_sysctl("ipv4", NULL, "ip_unprivileged_port_start", "0");
}

/* Does the namespace hold the other end of this very pair? (eth0 whose IFLA_LINK is the host side) */
static int check_peer(void *arg)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	_cleanup_link_ struct rtnl_link *eth = NULL;
	const struct pod_side *side = arg;
	int r = open_rtnl(&sock);

	if (r < 0)
		return r;
	r = -to_errno(rtnl_link_get_kernel(sock, 0, RF_POD_IFNAME, &eth));
	if (r < 0)
		return r;
	return rtnl_link_get_link(eth) == side->host_ifindex ? 0 : -ENODEV;
}

/* ---- the host's side ---- */

static int get_ours(struct nl_sock *sock, const char *veth, const char *alias, struct rtnl_link **ret)
{
	_cleanup_link_ struct rtnl_link *link = NULL;
	const char *have;
	int r = -to_errno(rtnl_link_get_kernel(sock, 0, veth, &link));

	if (r < 0)
		return r;
	have = rtnl_link_get_ifalias(link); /* empty: made by us, but we died before we named it */
	if ((have && *have && strcmp(have, alias) != 0) || !rtnl_link_is_veth(link))
		return -EEXIST;
	*ret = TAKE_PTR(link);
	return 0;
}

/* Hardware addresses are given, not left to the kernel: systemd-udevd replaces one that the kernel chose by another soon after the link is
 * there (MACAddressPolicy=persistent), and the permanent neighbour entries would go nowhere. One that was set by somebody it leaves alone.
 * Locally administered (RFC 9542, 2.1), from the pod's address: unique on this machine, as that is. */
static int set_mac(struct rtnl_link *link, uint8_t first, uint32_t addr_be)
{
	uint8_t bytes[6] = {first, 'r'};
	_cleanup_addr_ struct nl_addr *mac = NULL;

	memcpy(bytes + 2, &addr_be, sizeof(addr_be));
	mac = nl_addr_build(AF_LLC, bytes, sizeof(bytes));
	if (!mac)
		return -ENOMEM;
	rtnl_link_set_addr(link, mac); /* takes a reference of its own */
	return 0;
}

static int create_pair(struct nl_sock *sock, const struct rf_pod_room *room)
{
	_cleanup_link_ struct rtnl_link *link = rtnl_link_veth_alloc();
	_cleanup_close_ int netns = open(room->netns, O_RDONLY | O_CLOEXEC);
	struct rtnl_link *peer;
	int r;

	if (netns < 0)
		return -errno;
	peer = link ? rtnl_link_veth_get_peer(link) : NULL; /* a reference of its own */
	if (!peer)
		return -ENOMEM;
	rtnl_link_set_name(link, room->veth);
	rtnl_link_set_name(peer, RF_POD_IFNAME);
	rtnl_link_set_ns_fd(peer, netns); /* made in there at once: it never exists on the host */
	r = set_mac(link, 0x02, room->addr_be);
	if (r == 0)
		r = set_mac(peer, 0x06, room->addr_be);
	if (r == 0)
		r = -to_errno(rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL));
	rtnl_link_put(peer);
	return r;
}

/* The pair exists afterwards and its other end is in the room's namespace. */
static int ensure_pair(struct nl_sock *sock, const struct rf_pod_room *room, const char *alias, struct rtnl_link **ret)
{
	struct rtnl_link *link = NULL;
	int r = get_ours(sock, room->veth, alias, &link);

	if (r == 0) {
		struct pod_side side = {.host_ifindex = rtnl_link_get_ifindex(link)};

		r = rf_netns_call(room->netns, check_peer, &side);
		if (r == 0) {
			*ret = link;
			return 0;
		}
		r = r == -ENODEV ? -to_errno(rtnl_link_delete(sock, link)) : r;
		rtnl_link_put(link);
		if (r < 0)
			return r;
		r = -ENODEV;
	}
	if (r == -ENODEV)
		r = create_pair(sock, room);
	return r < 0 ? r : get_ours(sock, room->veth, alias, ret);
}

static int configure_host_side(struct nl_sock *sock, struct rtnl_link *link, const struct rf_pod_room *room, const char *alias,
			       uint32_t node_be, struct nl_addr *pod_mac, struct rf_pod_error *error)
{
	int ifindex = rtnl_link_get_ifindex(link);
	int r;

	r = disable_ipv6(room->veth);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot switch IPv6 off on %s", room->veth);
	r = link_up(sock, link, alias);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot bring %s up", room->veth);
	r = add_address(sock, ifindex, node_be);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot give %s the node's address", room->veth);
	r = add_neighbour(sock, ifindex, room->addr_be, pod_mac);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot set the neighbour on %s", room->veth);
	r = add_route(sock, ifindex, room->addr_be, 32, node_be);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot add the pod's route through %s", room->veth);
	/* this interface only: no global ip_forward, so nothing else of the machine starts to route */
	r = write_sysctl("ipv4", room->veth, "forwarding", "1");
	return r < 0 ? rf_pod_fail(error, -r, "cannot switch forwarding on for %s", room->veth) : 0;
}

int rf_veth_make(const struct rf_pod_room *room, const char *alias, uint32_t node_be, uint32_t *ret_ifindex, struct rf_pod_error *error)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	_cleanup_link_ struct rtnl_link *link = NULL;
	_cleanup_addr_ struct nl_addr *host_mac = NULL;
	_cleanup_addr_ struct nl_addr *pod_mac = NULL;
	struct pod_side side = {.addr_be = room->addr_be, .node_be = node_be};
	int r = open_rtnl(&sock);

	if (r < 0)
		return rf_pod_fail(error, -r, "cannot open a netlink socket");
	r = ensure_pair(sock, room, alias, &link);
	if (r == -EEXIST)
		return rf_pod_fail(error, EEXIST, "an interface %s that is not this pod's is in the way", room->veth);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot make the veth pair %s", room->veth);
	r = copy_mac(link, &host_mac);
	if (r < 0)
		return rf_pod_fail(error, -r, "%s has no hardware address", room->veth);
	side.host_mac = host_mac;
	r = rf_netns_call(room->netns, configure_pod_side, &side);
	pod_mac = side.ret_mac;
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot %s in the pod's network namespace", side.step ? side.step : "work");
	r = configure_host_side(sock, link, room, alias, node_be, pod_mac, error);
	if (r < 0)
		return r;
	*ret_ifindex = (uint32_t)rtnl_link_get_ifindex(link);
	return 0;
}

int rf_veth_find(const char *veth, const char *alias, uint32_t *ret_ifindex)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	_cleanup_link_ struct rtnl_link *link = NULL;
	int r = open_rtnl(&sock);

	if (r == 0)
		r = get_ours(sock, veth, alias, &link);
	if (r < 0)
		return r;
	*ret_ifindex = (uint32_t)rtnl_link_get_ifindex(link);
	return 0;
}

int rf_veth_remove(const char *veth, const char *alias)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	_cleanup_link_ struct rtnl_link *link = NULL;
	int r = open_rtnl(&sock);

	if (r == 0)
		r = get_ours(sock, veth, alias, &link);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	r = -to_errno(rtnl_link_delete(sock, link));
	return r == -ENODEV ? 0 : r;
}
