/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "datapath/walk.h"

/* Where the pod's own numbers are counted, kept if it is there: it counts what the pod has open. */
static int make_usage(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	struct rf_usage usage = {};

	if (bpf_map_update_elem(dp->maps[RF_MAP_USAGE], &hook->cgroup_id, &usage, BPF_NOEXIST) < 0 && errno != EEXIST)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'usage'", hook->key);
	return 0;
}

static int make_peer(struct rf_datapath *dp, const struct rf_pod_hook *hook, const struct rf_addr *addr)
{
	struct rf_peer peer = {.identity = hook->pod.identity, .pod = hook->cgroup_id, .flags = RF_PEER_LOCAL};

	if (!rf_addr_is_none(addr) && bpf_map_update_elem(dp->maps[RF_MAP_PEERS], addr, &peer, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'peers'", hook->key);
	return 0;
}

/* Tables first, then the programs that need them; a pod without its entries is denied everything, never let through. */
int rf_datapath_pod_add(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	const struct rf_pod *pod = &hook->pod;
	int r = rf_dp_make_directories(dp); /* somebody may have removed them, or mounted another file system */

	if (r == 0)
		r = make_usage(dp, hook);
	if (r < 0)
		return r;
	if (bpf_map_update_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id, pod, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'pods'", hook->key);
	if (bpf_map_update_elem(dp->maps[RF_MAP_LINKS], &pod->ifindex, &hook->cgroup_id, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'links'", hook->key);
	r = make_peer(dp, hook, &pod->addr4);
	if (r == 0)
		r = make_peer(dp, hook, &pod->addr6);
	return r < 0 ? r : rf_dp_tc_attach(dp, hook->key, pod->ifindex);
}

/* -ENOENT: somebody else's, or nobody's. */
static int find_peer(struct rf_datapath *dp, const struct rf_pod_hook *hook, const struct rf_addr *addr, struct rf_peer *ret)
{
	return bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], addr, ret) == 0 && ret->pod == hook->cgroup_id ? 0 : -ENOENT;
}

static bool has_peer(struct rf_datapath *dp, const struct rf_pod_hook *hook, const struct rf_addr *addr)
{
	struct rf_peer peer;

	return find_peer(dp, hook, addr, &peer) == 0 && peer.identity == hook->pod.identity && peer.flags == RF_PEER_LOCAL;
}

/* An address or interface number may be another pod's by now. */
static void forget_if_ours(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	const struct rf_addr *const addrs[] = {&hook->pod.addr4, &hook->pod.addr6};
	struct rf_peer peer;
	uint64_t owner;

	for (size_t i = 0; i < RF_ARRAY_SIZE(addrs); i++)
		if (find_peer(dp, hook, addrs[i], &peer) == 0)
			(void)bpf_map_delete_elem(dp->maps[RF_MAP_PEERS], addrs[i]);
	if (bpf_map_lookup_elem(dp->maps[RF_MAP_LINKS], &hook->pod.ifindex, &owner) == 0 && owner == hook->cgroup_id)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_LINKS], &hook->pod.ifindex);
}

static bool owns_flow(const void *value, uint64_t pod)
{
	return ((const struct rf_flow *)value)->pod == pod;
}

static bool owns_origin(const void *value, uint64_t pod)
{
	return ((const struct rf_origdst *)value)->pod == pod;
}

/* The pod's entries of a table that all share. Its count is gone with its usage row, so nothing is to be counted down. A failure leaves
 * entries that the sweep of flows finds, and origins that nobody can ask for any more. */
static void remove_owned(int fd, uint64_t pod, bool (*owns)(const void *value, uint64_t pod))
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int count;

	if (rf_walk_open(&walk, fd) < 0)
		return;
	while ((count = rf_walk_next(&walk)) > 0)
		for (int i = 0; i < count; i++)
			if (owns(rf_walk_value(&walk, i), pod))
				(void)bpf_map_delete_elem(fd, rf_walk_key(&walk, i));
}

int rf_datapath_pod_remove(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	forget_if_ours(dp, hook);
	if (bpf_map_delete_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id) < 0 && errno != ENOENT)
		return rf_dp_fail(dp, errno, "cannot remove pod %s from the map 'pods'", hook->key);
	if (bpf_map_delete_elem(dp->maps[RF_MAP_USAGE], &hook->cgroup_id) < 0 && errno != ENOENT)
		return rf_dp_fail(dp, errno, "cannot remove pod %s from the map 'usage'", hook->key);
	rf_dp_tc_detach(dp, hook->key, hook->pod.ifindex);
	remove_owned(dp->maps[RF_MAP_FLOWS], hook->cgroup_id, owns_flow);
	remove_owned(dp->maps[RF_MAP_ORIGDST], hook->cgroup_id, owns_origin);
	return 0;
}

int rf_datapath_pod_checker(struct rf_datapath *dp, uint64_t cgroup_id, bool ready)
{
	struct rf_pod pod;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_PODS], &cgroup_id, &pod) < 0)
		return rf_dp_fail(dp, errno, "cannot find the pod of cgroup %llu", (unsigned long long)cgroup_id);
	if (ready)
		pod.flags |= RF_POD_CHECKER_READY;
	else
		pod.flags &= ~(__u32)RF_POD_CHECKER_READY;
	if (bpf_map_update_elem(dp->maps[RF_MAP_PODS], &cgroup_id, &pod, BPF_EXIST) < 0)
		return rf_dp_fail(dp, errno, "cannot change the pod of cgroup %llu", (unsigned long long)cgroup_id);
	return 0;
}

static bool same_pod(const struct rf_pod *a, const struct rf_pod *b)
{
	return a->identity == b->identity && a->ifindex == b->ifindex && a->netns_cookie == b->netns_cookie &&
	       rf_addr_equal(&a->addr4, &b->addr4) && rf_addr_equal(&a->addr6, &b->addr6) && a->checker_port == b->checker_port;
}

static bool in_maps(struct rf_datapath *dp, const struct rf_pod_hook *hook, struct rf_pod *ret)
{
	struct rf_usage usage;
	uint64_t owner;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id, ret) == 0 && same_pod(ret, &hook->pod) &&
	       (rf_addr_is_none(&hook->pod.addr4) || has_peer(dp, hook, &hook->pod.addr4)) &&
	       (rf_addr_is_none(&hook->pod.addr6) || has_peer(dp, hook, &hook->pod.addr6)) &&
	       bpf_map_lookup_elem(dp->maps[RF_MAP_USAGE], &hook->cgroup_id, &usage) == 0 &&
	       bpf_map_lookup_elem(dp->maps[RF_MAP_LINKS], &hook->pod.ifindex, &owner) == 0 && owner == hook->cgroup_id;
}

int rf_datapath_attest(struct rf_datapath *dp, const struct rf_pod_hook *hook, const char *cgroup_path, struct rf_pod_attest *ret)
{
	struct rf_pod_attest a = {};
	struct rf_pod pod;

	a.cgroup_hooked = rf_dp_cgroup_effective(dp, cgroup_path);
	a.tc_from_pod = rf_dp_tc_effective(dp, hook->pod.ifindex, true);
	a.tc_to_pod = rf_dp_tc_effective(dp, hook->pod.ifindex, false);
	a.in_maps = in_maps(dp, hook, &pod);
	a.checker_ready = a.in_maps && (pod.flags & RF_POD_CHECKER_READY);
	*ret = a;
	return 0;
}
