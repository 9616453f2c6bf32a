/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath/private.h"

/* Tables first, then the programs that need them; a pod without its entries is denied everything, never let through. */
int rf_datapath_pod_add(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	const struct rf_pod *pod = &hook->pod;
	struct rf_peer peer = {.identity = pod->identity, .pod = hook->cgroup_id, .flags = RF_PEER_LOCAL};

	if (bpf_map_update_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id, pod, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'pods'", hook->key);
	if (bpf_map_update_elem(dp->maps[RF_MAP_LINKS], &pod->ifindex, &hook->cgroup_id, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'links'", hook->key);
	if (bpf_map_update_elem(dp->maps[RF_MAP_PEERS], &pod->addr_be, &peer, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot enter pod %s into the map 'peers'", hook->key);
	return rf_dp_tc_attach(dp, hook->key, pod->ifindex);
}

/* An address or interface number may be another pod's by now. */
static void forget_if_ours(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	struct rf_peer peer;
	uint64_t owner;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], &hook->pod.addr_be, &peer) == 0 && peer.pod == hook->cgroup_id)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_PEERS], &hook->pod.addr_be);
	if (bpf_map_lookup_elem(dp->maps[RF_MAP_LINKS], &hook->pod.ifindex, &owner) == 0 && owner == hook->cgroup_id)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_LINKS], &hook->pod.ifindex);
}

int rf_datapath_pod_remove(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	forget_if_ours(dp, hook);
	if (bpf_map_delete_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id) < 0 && errno != ENOENT)
		return rf_dp_fail(dp, errno, "cannot remove pod %s from the map 'pods'", hook->key);
	rf_dp_tc_detach(dp, hook->key, hook->pod.ifindex);
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
	return a->identity == b->identity && a->addr_be == b->addr_be && a->ifindex == b->ifindex && a->netns_cookie == b->netns_cookie &&
	       a->checker_port == b->checker_port;
}

static bool has_peer(struct rf_datapath *dp, const struct rf_pod_hook *hook)
{
	struct rf_peer peer;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], &hook->pod.addr_be, &peer) == 0 && peer.pod == hook->cgroup_id &&
	       peer.identity == hook->pod.identity && peer.flags == RF_PEER_LOCAL;
}

static bool in_maps(struct rf_datapath *dp, const struct rf_pod_hook *hook, struct rf_pod *ret)
{
	uint64_t owner;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_PODS], &hook->cgroup_id, ret) == 0 && same_pod(ret, &hook->pod) && has_peer(dp, hook) &&
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
