/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
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

static void drop(struct rf_sockd *sockd, struct rf_sockd_pod *pod)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_POD_DEL, .pod = pod->id};

	rf_sockd_checker_tell(sockd, &message, -1);
	TAILQ_REMOVE(&sockd->pods, pod, link);
	rf_closep(&pod->listener);
	rf_closep(&pod->netns);
	free(pod);
}

static bool same_namespace(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

int rf_sockd_pod_add(struct rf_sockd *sockd, uint64_t id, uint32_t addr_be, uint16_t port, int netns_fd)
{
	struct rf_sockd_message message = {.op = RF_SOCKD_LISTENER, .pod = id, .addr_be = addr_be, .port = port};
	_cleanup_close_ int netns = netns_fd, listener = -1;
	struct rf_sockd_pod *pod = find(sockd, id);
	int r;

	if (pod && pod->addr_be == addr_be && pod->port == port && same_namespace(pod->netns, netns)) {
		pod->replayed = true;
		return 0;
	}
	if (pod)
		drop(sockd, pod);
	if (!addr_be || !port) /* a listener on every address, or on any port, is never meant */
		return -EINVAL;
	r = rf_netns_listener(netns, addr_be, port, &listener);
	if (r < 0)
		return r;
	pod = calloc(1, sizeof(*pod));
	if (!pod)
		return -ENOMEM;
	*pod = (struct rf_sockd_pod){
		.id = id, .addr_be = addr_be, .port = port, .netns = TAKE_FD(netns), .listener = TAKE_FD(listener), .replayed = true};
	TAILQ_INSERT_TAIL(&sockd->pods, pod, link);
	rf_sockd_checker_tell(sockd, &message, pod->listener);
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

size_t rf_sockd_pods_count(const struct rf_sockd *sockd)
{
	struct rf_sockd_pod *pod;
	size_t n = 0;

	TAILQ_FOREACH(pod, &sockd->pods, link)
	n++;
	return n;
}
