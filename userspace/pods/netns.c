/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "core/cleanup.h"
#include "pods/cookie.h"

struct work {
	int netns_fd; /* -1: a new namespace */
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static void *worker(void *arg)
{
	struct work *w = arg;
	int r = w->netns_fd < 0 ? unshare(CLONE_NEWNET) : setns(w->netns_fd, CLONE_NEWNET);

	w->result = r < 0 ? -errno : w->fn(w->arg);
	return NULL;
}

static int call_in_thread(int netns_fd, int (*fn)(void *arg), void *arg)
{
	struct work w = {.netns_fd = netns_fd, .fn = fn, .arg = arg};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, worker, &w);

	if (r != 0)
		return -r;
	pthread_join(thread, NULL);
	return w.result;
}

int rf_netns_call(const char *path, int (*fn)(void *arg), void *arg)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return call_in_thread(fd, fn, arg);
}

bool rf_netns_exists(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == NSFS_MAGIC;
}

static int pin(void *arg)
{
	return mount("/proc/thread-self/ns/net", arg, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int rf_netns_make(const char *path)
{
	_cleanup_close_ int fd = -1;
	char *target = strdupa(path);
	int r;

	if (rf_netns_exists(path))
		return -EEXIST;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = call_in_thread(-1, pin, target);
	if (r < 0)
		unlink(path);
	return r;
}

int rf_netns_remove(const char *path)
{
	/* EINVAL: a plain file, the rest of a half-made room. The loop: should it ever have been mounted twice. */
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

struct facts {
	const char *ifname;
	uint64_t cookie;
	uint32_t addr_be;
};

static int read_facts(void *arg)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct facts *facts = arg;
	struct ifreq request = {0};
	int r;

	if (fd < 0)
		return -errno;
	r = rf_netns_cookie(fd, &facts->cookie);
	if (r < 0)
		return r;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", facts->ifname);
	if (ioctl(fd, SIOCGIFADDR, &request) == 0) {
		struct sockaddr_in address;

		memcpy(&address, &request.ifr_addr, sizeof(address));
		facts->addr_be = address.sin_addr.s_addr;
	} else if (errno != ENODEV && errno != EADDRNOTAVAIL) {
		return -errno;
	}
	return 0;
}

int rf_netns_facts(const char *path, const char *ifname, uint64_t *ret_cookie, uint32_t *ret_addr_be)
{
	struct facts facts = {.ifname = ifname};
	int r = rf_netns_call(path, read_facts, &facts);

	if (r < 0)
		return r;
	*ret_cookie = facts.cookie;
	*ret_addr_be = facts.addr_be;
	return 0;
}
