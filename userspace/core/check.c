/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/check_parts.h"
#include "core/cleanup.h"

const char *rf_check_level_name(enum rf_check_level level)
{
	return level == RF_CHECK_OK ? "ok" : level == RF_CHECK_WARN ? "warn" : "fail";
}

struct rf_check_item *rf_check_add(struct rf_check_report *report, const char *name, enum rf_check_level level, const char *format, ...)
{
	struct rf_check_item *item;
	va_list ap;

	if (level == RF_CHECK_FAIL)
		report->failed++;
	if (report->count == RF_CHECK_ITEMS_MAX)
		return NULL;
	item = &report->items[report->count++];
	*item = (struct rf_check_item){.name = name, .level = level};
	va_start(ap, format);
	vsnprintf(item->detail, sizeof(item->detail), format, ap);
	va_end(ap);
	return item;
}

void rf_check_fix(struct rf_check_item *item, const char *format, ...)
{
	va_list ap;

	if (!item)
		return;
	va_start(ap, format);
	vsnprintf(item->fix, sizeof(item->fix), format, ap);
	va_end(ap);
}

/* ---- who we are ---- */

static bool check_root(struct rf_check_report *report)
{
	if (geteuid() == 0) {
		rf_check_add(report, "root", RF_CHECK_OK, "running as root");
		return true;
	}
	rf_check_fix(rf_check_add(report, "root", RF_CHECK_FAIL, "running as user %d; BPF, cgroups and network namespaces need root",
				  (int)geteuid()),
		     "sudo ringfence check");
	return false;
}

static uint64_t effective_capabilities(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	unsigned long long mask;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &mask) == 1)
			return mask;
	return 0;
}

static bool check_capabilities(struct rf_check_report *report)
{
	static const struct {
		const char *name;
		int bit;
	} needed[] = {{"CAP_SYS_ADMIN", 21}, {"CAP_NET_ADMIN", 12}, {"CAP_BPF", 39}, {"CAP_SETPCAP", 8}, {"CAP_KILL", 5}};
	uint64_t have = effective_capabilities();
	char missing[128] = "";

	for (size_t i = 0; i < RF_ARRAY_SIZE(needed); i++)
		if (!(have >> needed[i].bit & 1)) {
			size_t len = strlen(missing);

			snprintf(missing + len, sizeof(missing) - len, " %s", needed[i].name);
		}
	if (!*missing) {
		rf_check_add(report, "capabilities", RF_CHECK_OK, "everything needed is there");
		return true;
	}
	rf_check_fix(rf_check_add(report, "capabilities", RF_CHECK_FAIL, "missing:%s (a container?)", missing),
		     "run it on the machine itself, or in a container with --privileged --cgroupns=host");
	return false;
}

/* ---- what the kernel offers ---- */

static void check_btf(struct rf_check_report *report)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		rf_check_add(report, "btf", RF_CHECK_OK, "the kernel describes its types (/sys/kernel/btf/vmlinux)");
	else
		rf_check_fix(rf_check_add(report, "btf", RF_CHECK_FAIL, "/sys/kernel/btf/vmlinux: %s", strerror(errno)),
			     "boot a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's own kernels have it): apt install linux-image-amd64");
}

static void check_cgroup(const struct rf_instance *instance, struct rf_check_report *report)
{
	static const char *const mount_it = "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified";
	struct statvfs st;

	if (!instance->cgroup_mount[0]) {
		rf_check_fix(rf_check_add(report, "cgroup2", RF_CHECK_FAIL, "no cgroup2 file system is mounted (only cgroup v1?)"), "%s",
			     access("/sys/fs/cgroup", F_OK) == 0 ? mount_it : "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	if (statvfs(instance->cgroup_mount, &st) < 0 || st.f_flag & ST_RDONLY) {
		rf_check_fix(
			rf_check_add(report, "cgroup2", RF_CHECK_FAIL, "%.256s cannot be written (a container?)", instance->cgroup_mount),
			"run it on the machine itself, or in a container with --privileged --cgroupns=host");
		return;
	}
	rf_check_add(report, "cgroup2", RF_CHECK_OK, "%.256s%s", instance->cgroup_mount,
		     strcmp(instance->cgroup_mount, "/sys/fs/cgroup") == 0 ? "" : " (hybrid: the unified mount beside cgroup v1)");
}

static void check_bpffs(const struct rf_instance *instance, unsigned flags, struct rf_check_report *report)
{
	bool before = rf_check_bpffs_mounted();
	int r = !before && flags & RF_CHECK_FIX ? rf_check_bpffs_mount(instance) : 0;

	if (before)
		rf_check_add(report, "bpffs", RF_CHECK_OK, "mounted on /sys/fs/bpf");
	else if (r < 0)
		rf_check_fix(rf_check_add(report, "bpffs", RF_CHECK_FAIL, "cannot be mounted on /sys/fs/bpf: %s", strerror(-r)),
			     "mount -t bpf bpf /sys/fs/bpf");
	else if (rf_check_bpffs_mounted())
		rf_check_add(report, "bpffs", RF_CHECK_OK, "mounted on /sys/fs/bpf by us (uninstall unmounts it)");
	else
		rf_check_fix(rf_check_add(report, "bpffs", RF_CHECK_FAIL, "no bpffs on /sys/fs/bpf"), "ringfence check --fix");
}

/* Nothing is needed of the machine but that its kernel has it: pods and their links are switched on one by one. */
static void check_ipv6(const struct rf_instance *instance, struct rf_check_report *report)
{
	const char *variable = getenv("RINGFENCE_POD_CIDR6");

	if (!rf_addr_is_none(&instance->pod_net6))
		rf_check_add(report, "ipv6", RF_CHECK_OK, "pods get IPv4 and IPv6; the machine's own settings are not touched");
	else if (access("/proc/sys/net/ipv6", F_OK) == 0 && variable && *variable)
		rf_check_fix(rf_check_add(report, "ipv6", RF_CHECK_OK, "pods get IPv4 only, as RINGFENCE_POD_CIDR6=%.40s says", variable),
			     "unset RINGFENCE_POD_CIDR6");
	else
		rf_check_fix(rf_check_add(report, "ipv6", RF_CHECK_OK, "pods get IPv4 only: this kernel runs without IPv6"),
			     "modprobe ipv6, or boot without ipv6.disable=1 on the kernel's command line");
}

/* ---- is somebody there already ---- */

int rf_check_agent_pid(const struct rf_instance *instance)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	if (fd < 0 || strlen(instance->control_path) >= sizeof(sun.sun_path))
		return 0;
	memcpy(sun.sun_path, instance->control_path, strlen(instance->control_path));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR ? 0 : -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || !peer.pid)
		return -1;
	/* A killed agent's child that has not yet become the broker keeps the socket open for some milliseconds more. */
	return kill(peer.pid, 0) < 0 && errno == ESRCH ? 0 : peer.pid;
}

static void check_agent(const struct rf_instance *instance, unsigned flags, struct rf_check_report *report)
{
	int pid = rf_check_agent_pid(instance);

	if (pid < 0)
		rf_check_fix(rf_check_add(report, "agent", RF_CHECK_WARN, "something is at %.256s, but it cannot be asked: %s",
					  instance->control_path, strerror(errno)),
			     "ask as root, outside of any pod: sudo ringfence status");
	else if (!pid)
		rf_check_add(report, "agent", RF_CHECK_OK, "no other agent runs as \"%s\"", instance->name);
	else if (flags & RF_CHECK_STARTING)
		rf_check_fix(
			rf_check_add(report, "agent", RF_CHECK_FAIL, "an agent already runs as \"%s\" (process %d)", instance->name, pid),
			"kill %d, or choose another name: RINGFENCE_INSTANCE=other (and other ranges: RINGFENCE_POD_CIDR)", pid);
	else
		rf_check_add(report, "agent", RF_CHECK_OK, "runs as \"%s\" (process %d); a second one of that name would not start",
			     instance->name, pid);
}

size_t rf_check_run(const struct rf_instance *instance, unsigned flags, struct rf_check_report *ret)
{
	bool able;

	*ret = (struct rf_check_report){0};
	able = check_root(ret);
	able = check_capabilities(ret) && able;
	check_btf(ret);
	check_cgroup(instance, ret);
	check_bpffs(instance, flags, ret);
	if (able) { /* without the right to try, trying says nothing */
		rf_check_bpf(ret);
		rf_check_pods(ret);
		rf_check_overlay(ret);
		rf_check_links(ret);
		rf_check_forwarding(instance, ret);
	}
	rf_check_ranges(instance, ret);
	rf_check_hosts(ret);
	check_ipv6(instance, ret);
	check_agent(instance, flags, ret);
	return ret->failed;
}
