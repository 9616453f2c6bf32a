/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker's connections to destinations. The broker begins them, so that the checker needs no connect(2): a socket that it could
 * connect by itself would reach the pod's own loopback, which no packet filter sees.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <ringfence/tables.h>

#include "core/cleanup.h"
#include "core/log.h"
#include "sockd/sockd.h"

static bool is_link_local(const struct rf_addr *a)
{
	if (rf_addr_is4(a))
		return (a->be[3] & htonl(0xffff0000)) == htonl(0xa9fe0000); /* 169.254.0.0/16 */
	return (a->be[0] & htonl(0xffc00000)) == htonl(0xfe800000);         /* fe80::/10 */
}

/* What a redirected connection can never be meant for. Which of the others this pod may reach, tc decides. */
static bool out_of_the_pod(const struct rf_sockd_pod *pod, const struct rf_addr *to)
{
	for (size_t i = 0; i < RF_SOCKD_FAMILIES; i++)
		if (rf_addr_equal(to, &pod->place.addrs[i]))
			return false;
	return !rf_addr_is_any(to) && !rf_addr_is_loopback(to) && !rf_addr_is_multicast(to) && !is_link_local(to);
}

/* The one address that is set, of the family that its field says. */
static const struct rf_addr *destination(const struct rf_sockd_message *question)
{
	bool four = !rf_addr_is_none(&question->addr4), six = !rf_addr_is_none(&question->addr6);

	if (four == six || !question->port)
		return NULL;
	if (four)
		return rf_addr_is4(&question->addr4) ? &question->addr4 : NULL;
	return rf_addr_is4(&question->addr6) ? NULL : &question->addr6;
}

static int begin_connect(int fd, const struct rf_addr *to, uint16_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = to->be[3]};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is4 = rf_addr_is4(to);
	int r;

	memcpy(&six.sin6_addr, to->be, sizeof(six.sin6_addr));
	r = connect(fd, is4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, is4 ? sizeof(four) : sizeof(six));
	return r < 0 && errno != EINPROGRESS ? -errno : 0;
}

int rf_sockd_upstream(struct rf_sockd *sockd, const struct rf_sockd_message *question, int *ret)
{
	const struct rf_sockd_pod *pod = rf_sockd_pod_find(sockd, question->pod);
	const struct rf_addr *to = destination(question);
	struct rf_tag tag = {.pod = question->pod, .kind = RF_TAG_CHECKER};
	_cleanup_close_ int fd = -1;
	int r;

	if (!pod)
		return -ESRCH;
	if (!to || !out_of_the_pod(pod, to))
		return -EACCES;
	r = rf_sockd_pins_open(&sockd->pins, &sockd->instance);
	if (r < 0)
		return r;
	r = rf_netns_stream(pod->netns, rf_addr_is4(to) ? AF_INET : AF_INET6, &fd);
	if (r < 0)
		return r;
	if (bpf_map_update_elem(sockd->pins.tags, &fd, &tag, BPF_ANY) <
	    0) /* before its first packet, and before anybody else can hold it */
		return -errno;
	r = begin_connect(fd, to, question->port);
	if (r < 0)
		return r;
	*ret = TAKE_FD(fd);
	return 0;
}
