/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "pods/netns.h"

/* Every state in which bytes can move or a handshake is under way: all but TIME_WAIT (6), CLOSE (7) and LISTEN (10). */
#define TCP_LIVE (0x1ffeu & ~(1u << 6 | 1u << 7 | 1u << 10))
/* A datagram socket that is connected is in TCP's state ESTABLISHED (1). */
#define UDP_CONNECTED (1u << 1)

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 diag;
};

/* A netlink socket stays in the namespace in which it was made. */
static int open_diag(void *arg)
{
	int *ret = arg;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int send_request(int fd, uint16_t type, uint16_t flags, const struct inet_diag_req_v2 *diag)
{
	struct request r = {
		.header = {.nlmsg_len = sizeof(r), .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
		.diag = *diag,
	};

	return send(fd, &r, sizeof(r), 0) < 0 ? -errno : 0;
}

static struct rf_addr read_addr(uint8_t family, const __be32 *words)
{
	struct rf_addr a;

	if (family == AF_INET)
		return rf_addr4(words[0]);
	memcpy(&a, words, sizeof(a)); /* an AF_INET6 socket shows IPv4 as ::ffff:a.b.c.d, as rf_addr does */
	return a;
}

static struct rf_tuple read_tuple(const struct inet_diag_msg *m, uint8_t proto)
{
	return (struct rf_tuple){.saddr = read_addr(m->idiag_family, m->id.idiag_src),
				 .daddr = read_addr(m->idiag_family, m->id.idiag_dst),
				 .sport = ntohs(m->id.idiag_sport),
				 .dport = ntohs(m->id.idiag_dport),
				 .proto = proto};
}

static struct rf_tuple reversed(const struct rf_tuple *t)
{
	return (struct rf_tuple){.saddr = t->daddr, .daddr = t->saddr, .sport = t->dport, .dport = t->sport, .proto = t->proto};
}

static bool find_flow(struct rf_datapath *dp, const struct rf_tuple *t, struct rf_tuple *ret_key, struct rf_flow *ret)
{
	struct rf_tuple back = reversed(t);

	*ret_key = *t;
	if (bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], t, ret) == 0)
		return true;
	*ret_key = back;
	return bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], &back, ret) == 0;
}

struct found {
	struct inet_diag_msg msg;
	uint8_t proto;
};

struct cutting {
	struct rf_datapath *dp;
	const struct rf_pod_hook *hook;
	int fd;
	struct found *found;
	size_t found_count, found_room;
	size_t count;
	int error;
	bool asked; /* the last question of this revision, and its answer */
	uint32_t opener;
	struct rf_question question;
	struct rf_answer answer;
};

/* A thousand connections are few pairs: the same question is asked once. */
static int ask(struct cutting *c, const struct rf_question *q, uint32_t opener, struct rf_answer *ret)
{
	struct rf_answer answer = {};
	int r;

	if (!c->asked || c->opener != opener || memcmp(&c->question, q, sizeof(*q)) != 0) {
		r = rf_datapath_ask(c->dp, q, opener, &answer);
		if (r < 0)
			return r;
		c->asked = true;
		c->opener = opener;
		c->question = *q;
		c->answer = answer;
	}
	*ret = c->answer;
	return 0;
}

static rf_identity_t who_has(struct rf_datapath *dp, const struct rf_addr *addr)
{
	struct rf_peer peer;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], addr, &peer) == 0 ? peer.identity : 0;
}

static struct rf_question question(rf_identity_t src, rf_identity_t dst, const struct rf_tuple *t)
{
	return (struct rf_question){.src = src,
				    .dst = dst,
				    .saddr = t->saddr,
				    .daddr = t->daddr,
				    .dialed = t->daddr,
				    .port = t->dport,
				    .dialed_port = t->dport,
				    .proto = t->proto};
}

/* What the kernel would decide for it now. A question that cannot be asked cuts nothing: tc decides the next packet in any case. */
static bool is_admitted(struct cutting *c, const struct rf_question *q, uint32_t opener)
{
	struct rf_answer a;

	return ask(c, q, opener, &a) < 0 || a.verdict == RF_VERDICT_ALLOW;
}

/* No decision admitted this TCP connection: it is older than the mesh. It may stay only if neither end is in the mesh, whichever way it was
 * opened. */
static bool is_unmeshed(struct cutting *c, const struct rf_tuple *t)
{
	struct rf_question q = question(c->hook->pod.identity, who_has(c->dp, &t->daddr), t);
	struct rf_answer a;

	return ask(c, &q, RF_OPENER_POD, &a) < 0 || a.reason == RF_REASON_ALLOW_UNMESHED;
}

static bool may_go_on(struct cutting *c, const struct rf_tuple *t)
{
	struct rf_tuple key, back = reversed(t);
	rf_identity_t own = c->hook->pod.identity, other;
	struct rf_question q;
	struct rf_flow flow;

	if (find_flow(c->dp, t, &key, &flow)) {
		q = question(flow.src, flow.dst, &key);
		q.dialed = flow.dialed;
		q.dialed_port = flow.dialed_port;
		return is_admitted(c, &q, flow.opener);
	}
	if (t->proto == IPPROTO_TCP)
		return is_unmeshed(c, t);
	/* A datagram socket has no flow before its first datagram and after a pause, and does not tell which end began. */
	other = who_has(c->dp, &t->daddr);
	q = question(own, other, t);
	if (is_admitted(c, &q, RF_OPENER_POD))
		return true;
	q = question(other, own, &back);
	return is_admitted(c, &q, RF_OPENER_POD);
}

static int destroy(int fd, const struct inet_diag_msg *m, uint8_t proto)
{
	struct inet_diag_req_v2 diag = {.sdiag_family = m->idiag_family, .sdiag_protocol = proto, .idiag_states = ~0u, .id = m->id};
	char buffer[1024];
	ssize_t n;
	int r = send_request(fd, SOCK_DESTROY, NLM_F_ACK, &diag);

	if (r < 0)
		return r;
	n = recv(fd, buffer, sizeof(buffer), 0);
	if (n < 0)
		return -errno;
	for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n))
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	return -EBADMSG;
}

static void cutting_done(struct cutting *c)
{
	rf_closep(&c->fd);
	free(c->found);
}

/* Kept until the dump is over: it counts its way through the kernel's table, and a connection destroyed meanwhile makes it skip another. */
static int keep(struct cutting *c, const struct inet_diag_msg *m, uint8_t proto)
{
	if (c->found_count == c->found_room) {
		size_t room = c->found_room ? 2 * c->found_room : 256;
		struct found *found = reallocarray(c->found, room, sizeof(*found));

		if (!found)
			return -ENOMEM;
		c->found = found;
		c->found_room = room;
	}
	c->found[c->found_count++] = (struct found){.msg = *m, .proto = proto};
	return 0;
}

static void judge(struct cutting *c, const struct inet_diag_msg *m, uint8_t proto)
{
	const struct rf_pod *pod = &c->hook->pod;
	struct rf_tuple t = read_tuple(m, proto);
	int r;

	if (!rf_addr_equal(&t.saddr, &pod->addr4) && !rf_addr_equal(&t.saddr, &pod->addr6))
		return;
	if (rf_addr_equal(&t.saddr, &t.daddr) || rf_addr_is_any(&t.daddr))
		return; /* inside the pod: the way to the checker, which decides every request anew */
	if (may_go_on(c, &t))
		return;
	r = destroy(c->fd, m, proto);
	if (r == 0)
		c->count++;
	else if (r != -ENOENT) /* it ended by itself meanwhile */
		c->error = r;
}

/* One dump: every connection of one kind. 0, or -errno of the dump. */
static int walk(uint8_t family, uint8_t proto, struct cutting *c)
{
	struct inet_diag_req_v2 diag = {
		.sdiag_family = family, .sdiag_protocol = proto, .idiag_states = proto == IPPROTO_TCP ? TCP_LIVE : UDP_CONNECTED};
	_Alignas(struct nlmsghdr) char buffer[32768];
	int r = send_request(c->fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &diag);

	while (r == 0) {
		ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);

		if (n < 0)
			return -errno;
		for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (r == 0 && h->nlmsg_type == SOCK_DIAG_BY_FAMILY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
				r = keep(c, NLMSG_DATA(h), proto);
		}
	}
	return r;
}

static int walk_all(struct cutting *c)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int r = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(families) && r == 0; i++)
		r = walk(families[i], IPPROTO_TCP, c);
	for (size_t i = 0; i < RF_ARRAY_SIZE(families) && r == 0; i++) {
		r = walk(families[i], IPPROTO_UDP, c);
		if (r == -ENOENT || r == -EOPNOTSUPP) /* no udp_diag in this kernel: tc drops their datagrams */
			r = 0;
	}
	return r;
}

int rf_datapath_cut(struct rf_datapath *dp, const char *netns_path, const struct rf_pod_hook *hook, size_t *ret_cut)
{
	RF_CLEANUP(cutting_done) struct cutting c = {.dp = dp, .hook = hook, .fd = -1};
	int r = rf_netns_call(netns_path, open_diag, &c.fd);

	if (r == 0)
		r = walk_all(&c);
	for (size_t i = 0; r == 0 && i < c.found_count; i++)
		judge(&c, &c.found[i].msg, c.found[i].proto);
	if (r == 0)
		r = c.error;
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot cut connections of pod %s", hook->key);
	*ret_cut = c.count;
	return 0;
}
