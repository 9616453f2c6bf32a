/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one ringfence keeps everything. All names derive from the instance's name ("ringfence", or $RINGFENCE_INSTANCE / --instance), so
 * that tests and a second demo never touch the real one:
 *	bpffs   /sys/fs/bpf/<name>/            maps, links, programs (layout in docs/ARCHITECTURE.md)
 *	cgroup  <cgroup2 mount>/<name>/pods    immortal parent of all pods; pods are <cgroup>/pods/<ns>_<pod>
 *	        <cgroup2 mount>/<name>/sockd   the socket broker and the checker
 *	run     /run/<name>/                   control.sock sockd.sock pods/<ns>_<pod>/{netns,hosts,log,pod.json}
 *	policy  /etc/<name>/policies unless --policies says otherwise
 *	veth    host side "rf" + 8 hex digits of a hash of name/ns/pod; in the pod "eth0"
 */
#pragma once

#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/address.h>

#define RF_INSTANCE_NAME_MAX    31
#define RF_CHECKER_PORT_DEFAULT 15001

struct rf_instance {
	char name[RF_INSTANCE_NAME_MAX + 1];
	char bpffs_dir[PATH_MAX];                 /* /sys/fs/bpf/<name> */
	char cgroup_mount[PATH_MAX];              /* the cgroup2 mount: /sys/fs/cgroup or /sys/fs/cgroup/unified */
	char cgroup_dir[PATH_MAX];                /* <cgroup_mount>/<name> */
	char pods_cgroup[PATH_MAX];               /* <cgroup_dir>/pods */
	char sockd_cgroup[PATH_MAX];              /* <cgroup_dir>/sockd */
	char run_dir[PATH_MAX];                   /* /run/<name> */
	char control_path[PATH_MAX];              /* <run_dir>/control.sock */
	char sockd_path[PATH_MAX];                /* <run_dir>/sockd.sock */
	uint32_t pod_net_be, pod_mask_be;         /* default 10.201.0.0/16; the first address is the node's own on every veth */
	uint32_t service_net_be, service_mask_be; /* default 10.202.0.0/16 */
	struct rf_addr pod_net6, service_net6;    /* two /96; none: no IPv6. Defaults fd72:6e67:66:1::/96 and fd72:6e67:66:2::/96 */
	uint16_t checker_port;
};

/* name: NULL = $RINGFENCE_INSTANCE or "ringfence". Finds the cgroup2 mount in /proc/self/mountinfo. Address ranges: $RINGFENCE_POD_CIDR and
 * $RINGFENCE_SERVICE_CIDR override the defaults; so do $RINGFENCE_POD_CIDR6 and $RINGFENCE_SERVICE_CIDR6 ("none": no IPv6, which is also
 * what a kernel without IPv6 gets). A pod's IPv6 address is its IPv4 address in the lower 32 bits of pod_net6 (rf_addr_embed), a Service's
 * likewise. 0, -EINVAL (bad name or CIDR), -ENOENT (no cgroup2 mounted; everything else is filled). */
int rf_instance_init(struct rf_instance *instance, const char *name);

/* After -EINVAL of rf_instance_init: which of name and variables is wrong, and how it should look, in a sentence. Returns ret. */
const char *rf_instance_problem(const char *name, char *ret, size_t size);

/* "fd72:6e67:66:1::/96" -> network, host bits refused, as is every other length than 96; "none" -> none. 0 or -EINVAL. */
int rf_cidr6_parse(const char *text, struct rf_addr *ret_net);

/* The part of net6 (pod_net6, service_net6) that the addresses of an IPv4 range are embedded in: another instance with the same net6 and
 * another IPv4 range has another part. net6 must not be none. */
struct rf_range rf_instance_part6(const struct rf_addr *net6, uint32_t net_be, uint32_t mask_be);

/* "10.201.0.0/16" -> network and mask in network byte order, host bits refused. 0 or -EINVAL. */
int rf_cidr_parse(const char *text, uint32_t *ret_net_be, uint32_t *ret_mask_be);
