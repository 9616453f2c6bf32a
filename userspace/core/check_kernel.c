/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's room is made of, tried in a child with throw-away namespaces: they, and all that was made in them, end with the child.
 */
#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check_parts.h"
#include "core/cleanup.h"

/* Runs fn in a child and returns what it returned: 0 or -errno. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-fn());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int try_overlay(void)
{
	static const char *const dirs[] = {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"};

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, "size=64k") < 0)
		return -errno;
	for (size_t i = 0; i < RF_ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0700) < 0)
			return -errno;
	if (mount("overlay", "/tmp/merged", "overlay", 0, "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work") < 0)
		return -errno;
	return 0;
}

void rf_check_overlay(struct rf_check_report *report)
{
	int r = in_child(try_overlay);

	if (r == 0)
		rf_check_add(report, "overlayfs", RF_CHECK_OK, "pods can have a /tmp of their own");
	else
		rf_check_fix(rf_check_add(report, "overlayfs", RF_CHECK_FAIL, "cannot be mounted: %s", strerror(-r)), "modprobe overlay");
}

/* A pod's names are mounted over this file; on a file system that a pod sees read-only it cannot be made then. */
void rf_check_hosts(struct rf_check_report *report)
{
	if (access("/etc/hosts", F_OK) == 0)
		rf_check_add(report, "hosts", RF_CHECK_OK, "pods can have an /etc/hosts of their own");
	else
		rf_check_fix(
			rf_check_add(report, "hosts", RF_CHECK_FAIL, "/etc/hosts, in whose place pods get their own: %s", strerror(errno)),
			"echo '127.0.0.1 localhost' >/etc/hosts");
}

static int try_veth(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	int nle;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	if (!sock || nl_connect(sock, NETLINK_ROUTE) < 0)
		return -EPROTONOSUPPORT;
	nle = rtnl_link_veth_add(sock, "rfcheck0", "rfcheck1", getpid());
	nl_socket_free(sock);
	return nle < 0 ? -EOPNOTSUPP : 0;
}

void rf_check_links(struct rf_check_report *report)
{
	int r = in_child(try_veth);

	if (r == 0)
		rf_check_add(report, "veth", RF_CHECK_OK, "network namespaces and veth pairs work");
	else if (r == -EOPNOTSUPP)
		rf_check_fix(rf_check_add(report, "veth", RF_CHECK_FAIL, "the kernel cannot make a veth pair"), "modprobe veth");
	else
		rf_check_fix(rf_check_add(report, "veth", RF_CHECK_FAIL, "no network namespace can be made: %s", strerror(-r)),
			     "sysctl -w user.max_net_namespaces=65536; in a container: run it on the machine itself");
}
