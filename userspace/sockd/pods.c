/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "sockd/sockd.h"

static struct rf_sockd_pod *find(const struct rf_sockd *sockd, uint64_t id)
{
	struct rf_sockd_pod *pod;

	TAILQ_FOREACH(pod, &sockd->pods, link)
	if (pod->id == id)
		return pod;
	return NULL;
}

const struct rf_sockd_pod *rf_sockd_pod_find(const struct rf_sockd *sockd, uint64_t id)
{
	return find(sockd, id);
}

static void pod_free(struct rf_sockd_pod *pod)
{
	for (size_t i = 0; i < RF_SOCKD_FAMILIES; i++) {
		if (pod->listeners[i] >= 0)
			(void)shutdown(pod->listeners[i],
				       SHUT_RD); /* also where the checker holds it, and does not let go: the port is free */
		rf_closep(&pod->listeners[i]);
	}
	rf_closep(&pod->netns);
	free(pod);
}

static void drop(struct rf_sockd *sockd, struct rf_sockd_pod *pod)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_POD_DEL, .pod = pod->id};

	rf_sockd_checker_tell(sockd, &message, -1);
	TAILQ_REMOVE(&sockd->pods, pod, link);
	pod_free(pod);
}

static bool same_namespace(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool same_place(const struct rf_sockd_place *a, const struct rf_sockd_place *b)
{
	return a->port == b->port && rf_addr_equal(&a->addrs[0], &b->addrs[0]) && rf_addr_equal(&a->addrs[1], &b->addrs[1]);
}

/* A listener on every address, or on any port, is never meant. */
static bool valid_place(const struct rf_sockd_place *place)
{
	const struct rf_addr *four = &place->addrs[0], *six = &place->addrs[1];
	bool has4 = !rf_addr_is_none(four), has6 = !rf_addr_is_none(six);

	if (!place->port || (!has4 && !has6))
		return false;
	return (!has4 || (rf_addr_is4(four) && !rf_addr_is_any(four))) && (!has6 || !rf_addr_is4(six));
}

/* All of the place's listeners or none. */
static int pod_listen(struct rf_sockd_pod *pod)
{
	for (size_t i = 0; i < RF_SOCKD_FAMILIES; i++) {
		const struct rf_addr *addr = &pod->place.addrs[i];
		int r = rf_addr_is_none(addr) ? 0 : rf_netns_listener(pod->netns, addr, pod->place.port, &pod->listeners[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void rf_sockd_pod_tell(struct rf_sockd *sockd, const struct rf_sockd_pod *pod)
{
	for (size_t i = 0; i < RF_SOCKD_FAMILIES; i++) {
		struct rf_sockd_message message = {.op = RF_SOCKD_LISTENER, .pod = pod->id, .port = pod->place.port};

		if (pod->listeners[i] < 0)
			continue;
		*(i ? &message.addr6 : &message.addr4) = pod->place.addrs[i];
		rf_sockd_checker_tell(sockd, &message, pod->listeners[i]);
	}
}

int rf_sockd_pod_add(struct rf_sockd *sockd, uint64_t id, const struct rf_sockd_place *place, int netns_fd)
{
	_cleanup_close_ int netns = netns_fd;
	struct rf_sockd_pod *pod = find(sockd, id);
	int r;

	if (pod && same_place(&pod->place, place) && same_namespace(pod->netns, netns)) {
		pod->replayed = true;
		return 0;
	}
	if (pod)
		drop(sockd, pod);
	if (!valid_place(place))
		return -EINVAL;
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return -ENOMEM;
	*pod = (struct rf_sockd_pod){.id = id, .place = *place, .netns = TAKE_FD(netns), .listeners = {-1, -1}, .replayed = true};
	r = pod_listen(pod);
	if (r < 0) {
		pod_free(pod);
		return r;
	}
	TAILQ_INSERT_TAIL(&sockd->pods, pod, link);
	rf_sockd_pod_tell(sockd, pod);
	return 0;
}

void rf_sockd_pod_del(struct rf_sockd *sockd, uint64_t id)
{
	struct rf_sockd_pod *pod = find(sockd, id);

	if (pod)
		drop(sockd, pod);
}

void rf_sockd_pods_unmark(struct rf_sockd *sockd)
{
	struct rf_sockd_pod *pod;

	TAILQ_FOREACH(pod, &sockd->pods, link)
	pod->replayed = false;
}

void rf_sockd_pods_synced(struct rf_sockd *sockd)
{
	struct rf_sockd_pod *pod, *next;

	for (pod = TAILQ_FIRST(&sockd->pods); pod; pod = next) {
		next = TAILQ_NEXT(pod, link);
		if (!pod->replayed)
			drop(sockd, pod);
	}
}

size_t rf_sockd_listeners_count(const struct rf_sockd *sockd)
{
	struct rf_sockd_pod *pod;
	size_t n = 0;

	TAILQ_FOREACH(pod, &sockd->pods, link)
	for (size_t i = 0; i < RF_SOCKD_FAMILIES; i++)
		n += pod->listeners[i] >= 0;
	return n;
}
