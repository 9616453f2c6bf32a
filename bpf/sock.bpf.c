/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * cgroup/sock_create on the pods' parent cgroup: a socket's identity is fixed here, at creation, to the pod of the process that makes it.
 * Passing the fd to another pod later does not change it. A socket that cannot be tagged is not created (EPERM): an untagged socket could
 * never send anything anyway, and this way the application learns it at once.
 */
#include "lib/pods.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* A pod's cgroup is looked for among the ancestors of the creator's, from the root down: containers below a pod's cgroup are the pod. */
#define RF_CGROUP_DEPTH 12

SEC("cgroup/sock_create")
int rf_sock_create(struct bpf_sock *ctx)
{
	struct rf_tag tag = {.kind = RF_TAG_POD};

	for (int level = 1; level < RF_CGROUP_DEPTH; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (!id)
			break;
		if (!bpf_map_lookup_elem(&pods, &id))
			continue;
		tag.pod = id;
		return bpf_sk_storage_get(&tags, ctx, &tag, BPF_SK_STORAGE_GET_F_CREATE) ? 1 : 0;
	}
	return 0; /* below the pods' cgroup, but of no pod we know: closed */
}
