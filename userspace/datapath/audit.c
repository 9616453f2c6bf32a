/* SPDX-License-Identifier: Apache-2.0 */
/* The table of would-be denials, and the cgroup of the node's probers. */
#include <errno.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "datapath/walk.h"

int rf_datapath_audit_each(struct rf_datapath *dp, void (*fn)(void *arg, const struct rf_audit_key *key, const struct rf_audit *row),
			   void *arg)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int count, r = rf_walk_open(&walk, dp->maps[RF_MAP_AUDIT]);

	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot read the map 'audit'");
	while ((count = rf_walk_next(&walk)) > 0)
		for (int i = 0; i < count; i++)
			fn(arg, rf_walk_key(&walk, i), rf_walk_value(&walk, i));
	return count < 0 ? rf_dp_fail(dp, -count, "cannot read the map 'audit'") : 0;
}

/* What is counted while it is cleared may stay or go. */
int rf_datapath_audit_clear(struct rf_datapath *dp, size_t *ret_removed)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	int count, r = rf_walk_open(&walk, dp->maps[RF_MAP_AUDIT]);
	size_t removed = 0;

	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot read the map 'audit'");
	while ((count = rf_walk_next(&walk)) > 0)
		for (int i = 0; i < count; i++)
			removed += bpf_map_delete_elem(dp->maps[RF_MAP_AUDIT], rf_walk_key(&walk, i)) == 0;
	if (count < 0)
		return rf_dp_fail(dp, -count, "cannot clear the map 'audit'");
	*ret_removed = removed;
	return 0;
}

int rf_datapath_prober(struct rf_datapath *dp, uint64_t cgroup_id, uint32_t level)
{
	struct rf_prober row = {.cgroup_id = cgroup_id, .level = cgroup_id ? level : 0};
	__u32 zero = 0;

	if (bpf_map_update_elem(dp->maps[RF_MAP_PROBER], &zero, &row, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the map 'prober'");
	return 0;
}

int rf_datapath_prober_is(struct rf_datapath *dp, struct rf_prober *ret)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(dp->maps[RF_MAP_PROBER], &zero, ret) < 0 ? rf_dp_fail(dp, errno, "cannot read the map 'prober'") : 0;
}
