/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
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

struct look {
	const char *ifname;
	struct rf_netns_facts facts;
};

static int read_addr4(int fd, struct look *look)
{
	struct ifreq request = {0};
	struct sockaddr_in address;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", look->ifname);
	if (ioctl(fd, SIOCGIFADDR, &request) < 0)
		return errno == ENODEV || errno == EADDRNOTAVAIL ? 0 : -errno;
	memcpy(&address, &request.ifr_addr, sizeof(address));
	look->facts.addr_be = address.sin_addr.s_addr;
	return 0;
}

/* The file of this thread's namespace: "fd72...(32 digits) ifindex prefix scope flags name", all hexadecimal (net/ipv6/addrconf.c,
 * if6_seq_show). Scope 0 is global. A kernel without IPv6 has no such file. */
static int read_addr6(struct look *look)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/thread-self/net/if_inet6", "re");
	unsigned part[4], scope;
	char line[256], name[32];

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%8x%8x%8x%8x %*x %*x %x %*x %31s", &part[0], &part[1], &part[2], &part[3], &scope, name) != 6 || scope ||
		    strcmp(name, look->ifname) != 0)
			continue;
		for (int i = 0; i < 4; i++)
			look->facts.addr6.be[i] = htonl(part[i]);
		return 0;
	}
	return 0;
}

static int read_facts(void *arg)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct look *look = arg;
	int r;

	if (fd < 0)
		return -errno;
	r = rf_netns_cookie(fd, &look->facts.cookie);
	if (r == 0)
		r = read_addr4(fd, look);
	return r < 0 ? r : read_addr6(look);
}

int rf_netns_facts(const char *path, const char *ifname, struct rf_netns_facts *ret)
{
	struct look look = {.ifname = ifname};
	int r = rf_netns_call(path, read_facts, &look);

	if (r == 0)
		*ret = look.facts;
	return r;
}
