/* SPDX-License-Identifier: Apache-2.0 */
/* A pod behind a veth with the real programs on it, in namespaces of its own, and servers on this side of the veth. Needs root. */
#pragma once

#include "exits_world.h"

#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "pods/netns.h"

#define CHECKED_BY htonl(0x0ac90007) /* "another node's pod" of account AUDITED, here an address of this side */
#define SERVER     8080
#define POD_MAC    "02:00:00:00:00:05"
#define HOST_MAC   "02:00:00:00:00:01"

static int home_ns = -1, pod_ns = -1, host_ns = -1, server = -1, datagrams = -1;
static char own_cgroup[4200];
static struct rf_pod_hook hook = {.key = "exits_pod"};

static inline void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void run(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static inline void enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

static inline int new_ns(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static inline void join_cgroup(const char *dir)
{
	char path[4300], text[32];
	int fd, n = snprintf(text, sizeof(text), "%d", getpid());

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
}

/* A cgroup of this instance, made if need be. */
static inline void cgroup_path(char *ret, const char *name)
{
	snprintf(ret, 4200, "%s/%s", strncmp(name, "prober", 6) ? instance.pods_cgroup : instance.cgroup_dir, name);
	if (mkdir(ret, 0755) < 0)
		assert_int_equal(errno, EEXIST);
}

static inline uint64_t cgroup_id(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* Where this process is in the cgroup2 hierarchy. */
static inline void find_own_cgroup(void)
{
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			snprintf(own_cgroup, sizeof(own_cgroup), "%s%s", instance.cgroup_mount, line + 3);
	}
	fclose(f);
	assert_true(own_cgroup[0]);
}

/* A socket made inside a namespace by a process of a cgroup (NULL: this process'); it stays what it was made. */
static inline int socket_of(const char *cgroup, int ns, int type)
{
	struct timeval patience = {.tv_sec = 5};
	char path[4200];
	int fd;

	if (cgroup) {
		cgroup_path(path, cgroup);
		join_cgroup(path);
	}
	enter(ns);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	enter(host_ns);
	join_cgroup(own_cgroup);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static inline struct sockaddr_in at(uint32_t addr_be, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = addr_be, .sin_port = htons(port)};
}

/* 0 or -errno. *ret_fd: the socket, unless NULL. */
static inline int dial(int type, uint32_t addr_be, uint16_t port, int *ret_fd)
{
	struct sockaddr_in to = at(addr_be, port);
	int fd = socket_of("pod", pod_ns, type);
	int r = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;

	if (ret_fd && r == 0)
		*ret_fd = fd;
	else
		close(fd);
	return r;
}

/* What a pod's connect() that the policy denies ends with; EPERM before 5.18. */
static inline int errno_of_denial(void)
{
	return dp->has_set_retval ? -ECONNREFUSED : -EPERM;
}

static inline int bound(int ns, const char *cgroup, int type, uint16_t port)
{
	struct sockaddr_in any = at(INADDR_ANY, port);
	int fd = socket_of(cgroup, ns, type), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static inline void hook_up(void)
{
	struct rf_netns_facts facts;
	char path[4200], ns_path[64];

	snprintf(ns_path, sizeof(ns_path), "/proc/%d/fd/%d", getpid(), pod_ns);
	assert_int_equal(rf_netns_facts(ns_path, "rfb", &facts), 0);
	cgroup_path(path, "pod");
	hook.cgroup_id = cgroup_id(path);
	hook.pod = (struct rf_pod){.identity = SRC,
				   .netns_cookie = facts.cookie,
				   .addr4 = rf_addr4(POD_ADDR),
				   .ifindex = if_nametoindex("rfa"),
				   .checker_port = 15001};
	if (rf_datapath_pod_add(dp, &hook) < 0)
		fail_msg("%s", rf_datapath_error(dp));
}

static inline void network_up(void)
{
	char pod_path[64];

	home_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	pod_ns = new_ns();
	host_ns = new_ns();
	assert_true(home_ns >= 0 && pod_ns >= 0 && host_ns >= 0);
	snprintf(pod_path, sizeof(pod_path), "/proc/%d/fd/%d", getpid(), pod_ns);
	run("ip link set lo up && ip link add rfa address " HOST_MAC " type veth peer name rfb address " POD_MAC);
	run("ip link set rfb netns %s", pod_path);
	run("ip link set rfa up && ip addr add 10.201.0.1/32 dev rfa && ip route add 10.201.0.5 dev rfa");
	run("ip neigh add 10.201.0.5 lladdr " POD_MAC " nud permanent dev rfa");
	run("for a in 10.201.0.6 10.201.0.7 192.169.0.1 203.0.113.7 198.51.100.9; do ip addr add $a/32 dev lo; done");
	enter(pod_ns);
	run("ip link set lo up && ip link set rfb up && ip addr add 10.201.0.5/32 dev rfb");
	run("ip neigh add 10.201.0.1 lladdr " HOST_MAC " nud permanent dev rfb && ip route add default via 10.201.0.1 dev rfb onlink");
	enter(host_ns);
}

static inline int open_world(void **state)
{
	struct rf_peer audited = {.identity = AUDITED}, mesh = {.identity = DST};
	struct rf_addr addr = rf_addr4(CHECKED_BY), other = rf_addr4(SECOND);

	if (open_instance(state) < 0)
		return -1;
	setenv("RINGFENCE_INSTANCE", instance.name, 1); /* before 5.14 a namespace's cookie is asked for in the instance's cgroup */
	find_own_cgroup();
	network_up();
	hook_up();
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &addr, &audited, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &other, &mesh, BPF_ANY), 0);
	server = bound(host_ns, NULL, SOCK_STREAM, SERVER);
	datagrams = bound(host_ns, NULL, SOCK_DGRAM, SERVER);
	return 0;
}

static inline int close_world(void **state)
{
	char path[4200];

	close(server);
	close(datagrams);
	rf_datapath_pod_remove(dp, &hook);
	enter(home_ns);
	close(pod_ns);
	close(host_ns);
	close(home_ns);
	cgroup_path(path, "pod");
	rmdir(path);
	cgroup_path(path, "prober");
	cgroup_path(path, "prober/below");
	rmdir(path);
	cgroup_path(path, "prober");
	rmdir(path);
	return close_instance(state);
}
