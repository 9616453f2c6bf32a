/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
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

/* A pod's link has no ARP and no neighbour discovery: its neighbours are permanent entries, set after this (a change of the flag empties
 * the table). So nobody asks for a neighbour, and no group is joined and reported for that. */
static int link_up(struct nl_sock *sock, struct rtnl_link *link, unsigned flags, const char *alias)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int nle;

	if (!change)
		return -ENOMEM;
	rtnl_link_set_flags(change, IFF_UP | flags);
	if (alias)
		rtnl_link_set_ifalias(change, alias);
	nle = rtnl_link_change(sock, link, change, 0);
	rtnl_link_put(change);
	return -to_errno(nle);
}

static int family_of(const struct rf_addr *addr)
{
	return rf_addr_is4(addr) ? AF_INET : AF_INET6;
}

static int bits_of(const struct rf_addr *addr)
{
	return rf_addr_is4(addr) ? 32 : 128;
}

static struct nl_addr *to_nl(const struct rf_addr *addr)
{
	return rf_addr_is4(addr) ? nl_addr_build(AF_INET, &addr->be[3], sizeof(addr->be[3])) : nl_addr_build(AF_INET6, addr, sizeof(*addr));
}

static int add_address(struct nl_sock *sock, int ifindex, const struct rf_addr *addr)
{
	_cleanup_addr_ struct nl_addr *local = to_nl(addr);
	struct rtnl_addr *address = rtnl_addr_alloc();
	int nle = -NLE_NOMEM;

	if (local && address) {
		rtnl_addr_set_ifindex(address, ifindex);
		nl_addr_set_prefixlen(local, bits_of(addr));
		nle = rtnl_addr_set_local(address, local);
		if (!rf_addr_is4(addr)) /* usable at once: there is nobody on this link whom duplicate detection could find */
			rtnl_addr_set_flags(address, IFA_F_NODAD);
		if (nle == 0)
			nle = rtnl_addr_add(sock, address, REPLACE);
	}
	rtnl_addr_put(address);
	return -to_errno(nle);
}

/* to: NULL for the default route through `gateway`; else the address is on the link. */
static int add_route(struct nl_sock *sock, int ifindex, const struct rf_addr *to, const struct rf_addr *gateway,
		     const struct rf_addr *source)
{
	static const struct rf_addr zero;
	const struct rf_addr any = rf_addr_is4(source) ? rf_addr4(0) : zero;
	_cleanup_addr_ struct nl_addr *dst = to_nl(to ? to : &any);
	_cleanup_addr_ struct nl_addr *hop_addr = to_nl(gateway ? gateway : &any);
	_cleanup_addr_ struct nl_addr *pref_src = to_nl(source);
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct rtnl_route *route = rtnl_route_alloc();
	int nle = -NLE_NOMEM;

	if (dst && hop_addr && pref_src && hop && route) {
		nl_addr_set_prefixlen(dst, to ? bits_of(to) : 0);
		rtnl_route_set_family(route, (uint8_t)family_of(source));
		rtnl_route_set_table(route, RT_TABLE_MAIN);
		rtnl_route_set_protocol(route, RTPROT_STATIC);
		rtnl_route_set_scope(route, to ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE); /* IPv6 does not look at it */
		rtnl_route_set_dst(route, dst);
		rtnl_route_set_pref_src(route, pref_src);
		rtnl_route_nh_set_ifindex(hop, ifindex);
		if (gateway)
			rtnl_route_nh_set_gateway(hop, hop_addr);
		rtnl_route_add_nexthop(route, TAKE_PTR(hop));
		nle = rtnl_route_add(sock, route, REPLACE);
	}
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	return -to_errno(nle);
}

static int add_neighbour(struct nl_sock *sock, int ifindex, const struct rf_addr *addr, struct nl_addr *mac)
{
	_cleanup_addr_ struct nl_addr *dst = to_nl(addr);
	struct rtnl_neigh *neighbour = rtnl_neigh_alloc();
	int nle = -NLE_NOMEM;

	if (dst && neighbour) {
		rtnl_neigh_set_ifindex(neighbour, ifindex);
		rtnl_neigh_set_family(neighbour, family_of(addr));
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

/* No addresses but the one that is set: no link-local ones, none that a router announces. The order matters: with IPv6 on before the
 * others, the kernel would make one. */
static int enable_ipv6(const char *ifname)
{
	static const struct {
		const char *key, *value;
	} steps[] = {{"addr_gen_mode", "1"}, {"accept_ra", "0"}, {"autoconf", "0"}, {"accept_redirects", "0"}, {"disable_ipv6", "0"}};
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(steps) && r == 0; i++)
		r = write_sysctl("ipv6", ifname, steps[i].key, steps[i].value);
	return r;
}

/* In the pod's namespace, for lo as well: with IPv6 it has ::1. */
static int switch_ipv6(bool on)
{
	int r = on ? write_sysctl("ipv6", "default", "addr_gen_mode", "1") : disable_ipv6("all");

	if (r == 0)
		r = on ? enable_ipv6(RF_POD_IFNAME) : disable_ipv6("default");
	return r < 0 || !on ? r : write_sysctl("ipv6", "lo", "disable_ipv6", "0");
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
	struct rf_addr addr4, node4;
	struct rf_addr addr6, node6; /* or none */
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
		r = link_up(sock, lo, 0, NULL);
	if (r < 0)
		return r;
	side->step = "bring " RF_POD_IFNAME " up";
	r = -to_errno(rtnl_link_get_kernel(sock, 0, RF_POD_IFNAME, &eth));
	if (r == 0)
		r = switch_ipv6(!rf_addr_is_none(&side->addr6));
	if (r == 0)
		r = link_up(sock, eth, IFF_NOARP, NULL);
	if (r == 0)
		r = copy_mac(eth, &side->ret_mac);
	if (r == 0)
		*ret_ifindex = rtnl_link_get_ifindex(eth);
	return r;
}

static int configure_pod_family(struct nl_sock *sock, struct pod_side *side, int ifindex, const struct rf_addr *addr,
				const struct rf_addr *node)
{
	int r;

	side->step = "set the address";
	r = add_address(sock, ifindex, addr);
	if (r < 0)
		return r;
	side->step = "set the neighbour";
	r = add_neighbour(sock, ifindex, node, side->host_mac);
	if (r < 0)
		return r;
	side->step = "set the routes";
	r = add_route(sock, ifindex, node, NULL, addr);
	return r < 0 ? r : add_route(sock, ifindex, NULL, node, addr);
}

static int configure_pod_side(void *arg)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	struct pod_side *side = arg;
	int ifindex = 0, r;

	side->step = "open a netlink socket";
	r = open_rtnl(&sock);
	if (r == 0)
		r = pod_links_up(sock, side, &ifindex);
	if (r == 0)
		r = configure_pod_family(sock, side, ifindex, &side->addr4, &side->node4);
	if (r == 0 && !rf_addr_is_none(&side->addr6))
		r = configure_pod_family(sock, side, ifindex, &side->addr6, &side->node6);
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

static int configure_host_family(struct nl_sock *sock, int ifindex, const struct rf_addr *addr, const struct rf_addr *node,
				 struct nl_addr *pod_mac, const char *veth, struct rf_pod_error *error)
{
	int r = add_address(sock, ifindex, node);

	if (r < 0)
		return rf_pod_fail(error, -r, "cannot give %s the node's address", veth);
	r = add_neighbour(sock, ifindex, addr, pod_mac);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot set the neighbour on %s", veth);
	r = add_route(sock, ifindex, addr, NULL, node);
	return r < 0 ? rf_pod_fail(error, -r, "cannot add the pod's route through %s", veth) : 0;
}

static int configure_host_side(struct nl_sock *sock, struct rtnl_link *link, const struct rf_pod_room *room, const char *alias,
			       const struct pod_side *side, struct rf_pod_error *error)
{
	int ifindex = rtnl_link_get_ifindex(link);
	bool ipv6 = !rf_addr_is_none(&side->addr6);
	int r;

	r = ipv6 ? enable_ipv6(room->veth) : disable_ipv6(room->veth);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot switch IPv6 %s on %s", ipv6 ? "on" : "off", room->veth);
	r = link_up(sock, link, IFF_NOARP, alias);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot bring %s up", room->veth);
	r = configure_host_family(sock, ifindex, &side->addr4, &side->node4, side->ret_mac, room->veth, error);
	if (r == 0 && ipv6)
		r = configure_host_family(sock, ifindex, &side->addr6, &side->node6, side->ret_mac, room->veth, error);
	if (r < 0)
		return r;
	/* This interface only: no global ip_forward, so nothing else of the machine starts to route. For IPv6 not even that: there is no
	 * such switch that concerns one interface, so the program on the veth sends a pod's packet to the other pod's veth by itself. */
	r = write_sysctl("ipv4", room->veth, "forwarding", "1");
	return r < 0 ? rf_pod_fail(error, -r, "cannot switch forwarding on for %s", room->veth) : 0;
}

int rf_veth_make(const struct rf_pod_room *room, const char *alias, const struct rf_node_address *node, uint32_t *ret_ifindex,
		 struct rf_pod_error *error)
{
	_cleanup_nl_ struct nl_sock *sock = NULL;
	_cleanup_link_ struct rtnl_link *link = NULL;
	_cleanup_addr_ struct nl_addr *host_mac = NULL;
	_cleanup_addr_ struct nl_addr *pod_mac = NULL;
	struct pod_side side = {
		.addr4 = rf_addr4(room->addr_be), .node4 = rf_addr4(node->addr_be), .addr6 = room->addr6, .node6 = node->addr6};
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
	r = configure_host_side(sock, link, room, alias, &side, error);
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
