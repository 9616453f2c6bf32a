/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel holds, read back from the maps. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/drift.h"
#include "datapath/private.h"
#include "datapath/walk.h"
#include "policy/policy.h"

static int live_inner(struct rf_datapath *dp, enum rf_table_id table)
{
	__u32 slot, id;
	rf_epoch_t epoch;
	int fd, r;

	r = rf_datapath_epoch(dp, &epoch);
	if (r < 0)
		return r;
	if (!epoch)
		return -ENOENT;
	slot = epoch % RF_SLOTS;
	if (bpf_map_lookup_elem(dp->tables[table], &slot, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int map_size(int fd, uint64_t *ret_max, __u32 *ret_type, __u32 *ret_key_size)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*ret_max = info.max_entries;
	*ret_type = info.type;
	*ret_key_size = info.key_size;
	return 0;
}

/* Counted by walking: the kernel offers no counter. */
static int count_hash(int fd, uint64_t *ret_used)
{
	RF_CLEANUP(rf_walk_done) struct rf_walk walk = {};
	uint64_t used = 0;
	int r = rf_walk_open(&walk, fd);

	while (r == 0 && (r = rf_walk_next(&walk)) > 0) {
		used += (uint64_t)r;
		r = 0;
	}
	if (r == 0)
		*ret_used = used;
	return r;
}

/* Keys may come and go meanwhile, so the walk is bounded by the map's size. */
static int count_keys(int fd, uint64_t max, __u32 key_size, uint64_t *ret_used)
{
	char key[64], next[64];
	uint64_t used = 0;
	void *previous = NULL;

	if (key_size > sizeof(key))
		return -E2BIG;
	while (used < max && bpf_map_get_next_key(fd, previous, next) == 0) {
		memcpy(key, next, key_size);
		previous = key;
		used++;
	}
	*ret_used = used;
	return 0;
}

static int count_entries(int fd, uint64_t *ret_used, uint64_t *ret_max)
{
	uint64_t max = 0;
	__u32 type = 0, key_size = 0;
	int r = map_size(fd, &max, &type, &key_size);

	if (r == 0)
		r = type == BPF_MAP_TYPE_HASH ? count_hash(fd, ret_used) : count_keys(fd, max, key_size, ret_used);
	if (r == 0)
		*ret_max = max;
	return r;
}

int rf_datapath_fill(struct rf_datapath *dp, struct rf_map_fill *ret, size_t *count)
{
	static const enum rf_map_id ids[] = {RF_MAP_PODS,    RF_MAP_LINKS, RF_MAP_PEERS, RF_MAP_FLOWS,
					     RF_MAP_ORIGDST, RF_MAP_USAGE, RF_MAP_NAMES};
	static const enum rf_table_id tables[] = {RF_TABLE_ALLOW, RF_TABLE_IDENTS, RF_TABLE_SERVICES, RF_TABLE_INGRESS};
	static const uint64_t limits[] = {RF_ALLOW_MAX, RF_IDENTS_MAX, RF_SERVICES_MAX,
					  RF_INGRESS_MAX}; /* a live table is just as big as needed */
	size_t n = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(ids) && n < *count; i++) {
		struct rf_map_fill f = {.name = rf_map_names[ids[i]]};

		if (count_entries(dp->maps[ids[i]], &f.used, &f.max) == 0)
			ret[n++] = f;
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(tables) && n < *count; i++) {
		_cleanup_close_ int fd = live_inner(dp, tables[i]);
		struct rf_map_fill f = {.name = rf_table_names[tables[i]]};

		if (fd < 0 || count_entries(fd, &f.used, &f.max) < 0)
			continue;
		f.max = limits[i];
		ret[n++] = f;
	}
	*count = n;
	return 0;
}

static int sum_per_cpu(int fd, __u32 index, uint64_t *ret)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	uint64_t sum = 0;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &index, values) < 0)
		return -errno;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	*ret = sum;
	return 0;
}

int rf_datapath_lost(struct rf_datapath *dp, uint64_t *ret)
{
	int r = sum_per_cpu(dp->maps[RF_MAP_LOST], 0, ret);

	return r < 0 ? rf_dp_fail(dp, -r, "cannot read the map 'lost'") : 0;
}

int rf_datapath_reasons(struct rf_datapath *dp, uint64_t counters[_RF_REASON_MAX], uint64_t *ret_lost)
{
	int r;

	for (__u32 i = 0; i < _RF_REASON_MAX; i++) {
		uint64_t requests;

		r = sum_per_cpu(dp->maps[RF_MAP_REASONS], i, &counters[i]);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot read the map 'reasons'");
		if (bpf_map_lookup_elem(dp->maps[RF_MAP_REQUESTS], &i, &requests) < 0)
			return rf_dp_fail(dp, errno, "cannot read the map 'requests'");
		counters[i] += requests;
	}
	return rf_datapath_lost(dp, ret_lost);
}

int rf_datapath_usage(struct rf_datapath *dp, uint64_t cgroup_id, struct rf_usage *ret)
{
	struct rf_usage u;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_USAGE], &cgroup_id, &u) < 0)
		return -errno;
	if ((__s64)u.flows < 0) /* see quota.bpf.h */
		u.flows = 0;
	if ((__s64)u.origins < 0)
		u.origins = 0;
	*ret = u;
	return 0;
}

int rf_datapath_count_request(struct rf_datapath *dp, uint32_t reason)
{
	uint32_t index = reason < _RF_REASON_MAX ? reason : RF_REASON_UNSPEC;
	uint64_t count;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_REQUESTS], &index, &count) < 0)
		return rf_dp_fail(dp, errno, "cannot read the map 'requests'");
	count++;
	if (bpf_map_update_elem(dp->maps[RF_MAP_REQUESTS], &index, &count, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the map 'requests'");
	return 0;
}

static int live_value(struct rf_datapath *dp, enum rf_table_id table, const void *key, void *ret)
{
	_cleanup_close_ int fd = live_inner(dp, table);

	if (fd < 0)
		return fd;
	return bpf_map_lookup_elem(fd, key, ret) < 0 ? -errno : 0;
}

int rf_datapath_config(struct rf_datapath *dp, struct rf_config *ret)
{
	__u32 zero = 0;

	return live_value(dp, RF_TABLE_CONFIG, &zero, ret);
}

int rf_datapath_name(struct rf_datapath *dp, rf_identity_t identity, char *ret, size_t size)
{
	struct rf_name name;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_NAMES], &identity, &name) < 0)
		return -errno;
	snprintf(ret, size, "%.*s", (int)sizeof(name.text), name.text);
	return 0;
}

int rf_datapath_rule(struct rf_datapath *dp, uint32_t rule_id, char *ret, size_t size)
{
	struct rf_rule rule;
	int r = live_value(dp, RF_TABLE_RULES, &rule_id, &rule);

	if (r < 0)
		return r;
	snprintf(ret, size, "%.*s", (int)sizeof(rule.text), rule.text);
	return 0;
}

int rf_datapath_pod_look_up(struct rf_datapath *dp, uint64_t cgroup_id, struct rf_pod *ret)
{
	return bpf_map_lookup_elem(dp->maps[RF_MAP_PODS], &cgroup_id, ret) < 0 ? -errno : 0;
}

bool rf_datapath_is_meshed(struct rf_datapath *dp, rf_identity_t identity)
{
	struct rf_ident ident;

	return live_value(dp, RF_TABLE_IDENTS, &identity, &ident) == 0 && ident.meshed;
}

bool rf_datapath_needs_checker(struct rf_datapath *dp, rf_identity_t src)
{
	_cleanup_close_ int fd = live_inner(dp, RF_TABLE_ALLOW);
	struct rf_allow_key key, next, *previous = NULL;
	struct rf_allow_value value;
	struct rf_config config;

	if (fd < 0 || rf_datapath_config(dp, &config) < 0 || config.permissive)
		return false;
	for (size_t seen = 0; seen < RF_ALLOW_MAX && bpf_map_get_next_key(fd, previous, &next) == 0; seen++) {
		key = next;
		previous = &key;
		if (key.src == src && bpf_map_lookup_elem(fd, &key, &value) == 0 && value.verdict == RF_VERDICT_L7)
			return true;
	}
	return false;
}
