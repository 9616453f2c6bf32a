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
#define LIVE_STATES (0x1ffeu & ~(1u << 6 | 1u << 7 | 1u << 10))

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

/* IPv4 connections of both families: an AF_INET6 socket shows them as ::ffff:a.b.c.d. */
static bool read_tuple(const struct inet_diag_msg *m, struct rf_tuple *ret)
{
	unsigned int word = 0;

	if (m->idiag_family == AF_INET6) {
		if (m->id.idiag_dst[0] || m->id.idiag_dst[1] || m->id.idiag_dst[2] != htonl(0xffff))
			return false;
		word = 3;
	}
	*ret = (struct rf_tuple){.saddr_be = m->id.idiag_src[word],
				 .daddr_be = m->id.idiag_dst[word],
				 .sport = ntohs(m->id.idiag_sport),
				 .dport = ntohs(m->id.idiag_dport)};
	return true;
}

static bool find_flow(struct rf_datapath *dp, const struct rf_tuple *t, struct rf_tuple *ret_key, struct rf_flow *ret)
{
	struct rf_tuple reversed = {.saddr_be = t->daddr_be, .daddr_be = t->saddr_be, .sport = t->dport, .dport = t->sport};

	*ret_key = *t;
	if (bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], t, ret) == 0)
		return true;
	*ret_key = reversed;
	return bpf_map_lookup_elem(dp->maps[RF_MAP_FLOWS], &reversed, ret) == 0;
}

struct cutting {
	struct rf_datapath *dp;
	const struct rf_pod_hook *hook;
	int fd;
	struct inet_diag_msg *found;
	size_t found_count, found_room;
	size_t count;
	int error;
	bool asked; /* the last question of this revision, and its answer */
	uint32_t via_checker;
	struct rf_question question;
	struct rf_answer answer;
};

/* A thousand connections are few pairs: the same question is asked once. */
static int ask(struct cutting *c, const struct rf_question *q, uint32_t via_checker, struct rf_answer *ret)
{
	struct rf_answer answer = {};
	int r;

	if (!c->asked || c->via_checker != via_checker || memcmp(&c->question, q, sizeof(*q)) != 0) {
		r = rf_datapath_ask(c->dp, q, via_checker, &answer);
		if (r < 0)
			return r;
		c->asked = true;
		c->via_checker = via_checker;
		c->question = *q;
		c->answer = answer;
	}
	*ret = c->answer;
	return 0;
}

/* Whether the connection may go on, as the kernel's own decision sees it now. A question that cannot be asked cuts nothing: tc decides the
 * next packet in any case. */
static bool may_go_on(struct cutting *c, const struct rf_tuple *t)
{
	struct rf_question q = {.proto = IPPROTO_TCP};
	struct rf_datapath *dp = c->dp;
	struct rf_answer a;
	struct rf_flow flow;
	struct rf_tuple key;
	struct rf_peer peer;

	if (find_flow(dp, t, &key, &flow)) {
		q.src = flow.src;
		q.dst = flow.dst;
		q.saddr_be = key.saddr_be;
		q.port = key.dport;
		return ask(c, &q, flow.via_checker, &a) < 0 || a.verdict == RF_VERDICT_ALLOW;
	}
	/* No decision admitted it: it is older than the mesh. It may stay only if neither end is in the mesh, whichever way it was opened.
	 */
	q.src = c->hook->pod.identity;
	q.dst = bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], &t->daddr_be, &peer) == 0 ? peer.identity : 0;
	q.saddr_be = t->saddr_be;
	q.port = t->dport;
	return ask(c, &q, RF_ASK_POD, &a) < 0 || a.reason == RF_REASON_ALLOW_UNMESHED;
}

static int destroy(int fd, const struct inet_diag_msg *m)
{
	struct inet_diag_req_v2 diag = {.sdiag_family = m->idiag_family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u, .id = m->id};
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
static int keep(struct cutting *c, const struct inet_diag_msg *m)
{
	if (c->found_count == c->found_room) {
		size_t room = c->found_room ? 2 * c->found_room : 256;
		struct inet_diag_msg *found = reallocarray(c->found, room, sizeof(*found));

		if (!found)
			return -ENOMEM;
		c->found = found;
		c->found_room = room;
	}
	c->found[c->found_count++] = *m;
	return 0;
}

static void judge(struct cutting *c, const struct inet_diag_msg *m)
{
	struct rf_tuple t;
	int r;

	if (!read_tuple(m, &t) || t.saddr_be != c->hook->pod.addr_be || t.daddr_be == t.saddr_be || !t.daddr_be)
		return; /* inside the pod: the way to the checker, which decides every request anew */
	if (may_go_on(c, &t))
		return;
	r = destroy(c->fd, m);
	if (r == 0)
		c->count++;
	else if (r != -ENOENT) /* it ended by itself meanwhile */
		c->error = r;
}

/* One dump: every connection of one family. 0, or -errno of the dump. */
static int walk(uint8_t family, struct cutting *c)
{
	struct inet_diag_req_v2 diag = {.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = LIVE_STATES};
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
				r = keep(c, NLMSG_DATA(h));
		}
	}
	return r;
}

int rf_datapath_cut(struct rf_datapath *dp, const char *netns_path, const struct rf_pod_hook *hook, size_t *ret_cut)
{
	RF_CLEANUP(cutting_done) struct cutting c = {.dp = dp, .hook = hook, .fd = -1};
	int r = rf_netns_call(netns_path, open_diag, &c.fd);

	if (r == 0)
		r = walk(AF_INET, &c);
	if (r == 0)
		r = walk(AF_INET6, &c);
	for (size_t i = 0; r == 0 && i < c.found_count; i++)
		judge(&c, &c.found[i]);
	if (r == 0)
		r = c.error;
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot cut connections of pod %s", hook->key);
	*ret_cut = c.count;
	return 0;
}
