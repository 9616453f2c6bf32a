/* SPDX-License-Identifier: Apache-2.0 */
/* Single entries of the live tables, for who explains a decision. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "policy/policy.h"

int rf_dp_table_live(struct rf_datapath *dp, enum rf_table_id table)
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

int rf_dp_table_value(struct rf_datapath *dp, enum rf_table_id table, const void *key, void *ret)
{
	_cleanup_close_ int fd = rf_dp_table_live(dp, table);

	if (fd < 0)
		return fd;
	return bpf_map_lookup_elem(fd, key, ret) < 0 ? -errno : 0;
}

static bool same_bits(const void *a, const void *b, unsigned bits)
{
	const uint8_t *x = a, *y = b;
	unsigned rest = bits % 8;

	if (memcmp(x, y, bits / 8) != 0)
		return false;
	return !rest || ((x[bits / 8] ^ y[bits / 8]) >> (8 - rest)) == 0;
}

#define TRIE_KEY_MAX 64

/* The entry that answers a question, which the kernel does not tell: the longest prefix of all that match. max: how many there can be. */
static int find_prefix(int fd, void *key, size_t key_size, size_t max)
{
	_Alignas(8) char at[TRIE_KEY_MAX], next[TRIE_KEY_MAX], best[TRIE_KEY_MAX];
	const size_t head = sizeof(__u32);
	void *previous = NULL;
	bool found = false;
	__u32 bits, longest = 0;

	for (size_t seen = 0; seen < max && bpf_map_get_next_key(fd, previous, next) == 0; seen++) {
		memcpy(at, next, key_size);
		previous = at;
		memcpy(&bits, at, head);
		if (bits > 8 * (key_size - head) || (found && bits <= longest) || !same_bits(at + head, (char *)key + head, bits))
			continue;
		memcpy(best, at, key_size);
		longest = bits;
		found = true;
	}
	if (!found)
		return -ENOENT;
	memcpy(key, best, key_size);
	return 0;
}

static int trie_entry(struct rf_datapath *dp, enum rf_table_id table, void *key, void *ret, size_t max)
{
	_cleanup_close_ int fd = rf_dp_table_live(dp, table);

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, key, ret) < 0)
		return -errno;
	return find_prefix(fd, key, rf_table_specs[table].key_size, max);
}

int rf_datapath_ident(struct rf_datapath *dp, rf_identity_t identity, struct rf_ident *ret)
{
	return rf_dp_table_value(dp, RF_TABLE_IDENTS, &identity, ret);
}

int rf_datapath_peer(struct rf_datapath *dp, const struct rf_addr *addr, struct rf_peer *ret)
{
	return bpf_map_lookup_elem(dp->maps[RF_MAP_PEERS], addr, ret) < 0 ? -errno : 0;
}

int rf_datapath_allow_entry(struct rf_datapath *dp, const struct rf_allow_key *key, struct rf_allow_value *ret)
{
	return rf_dp_table_value(dp, RF_TABLE_ALLOW, key, ret);
}

int rf_datapath_ingress_entry(struct rf_datapath *dp, struct rf_ingress_key *key, struct rf_ingress_value *ret)
{
	return trie_entry(dp, RF_TABLE_INGRESS, key, ret, RF_INGRESS_MAX);
}

int rf_datapath_egress_entry(struct rf_datapath *dp, struct rf_egress_key *key, struct rf_egress_value *ret)
{
	return trie_entry(dp, RF_TABLE_EGRESS, key, ret, RF_EGRESS_MAX);
}

int rf_datapath_exclusion_entry(struct rf_datapath *dp, struct rf_exclusion_key *key, struct rf_exclusion_value *ret)
{
	return trie_entry(dp, RF_TABLE_EXCLUSIONS, key, ret, RF_EXCLUSIONS_MAX);
}

int rf_datapath_service(struct rf_datapath *dp, const struct rf_service_key *key, struct rf_service_value *ret)
{
	return rf_dp_table_value(dp, RF_TABLE_SERVICES, key, ret);
}

int rf_datapath_service_name(struct rf_datapath *dp, const struct rf_addr *addr, char *ret, size_t size)
{
	struct rf_name name;
	int r = rf_dp_table_value(dp, RF_TABLE_SERVICE_NAMES, addr, &name);

	if (r < 0)
		return r;
	snprintf(ret, size, "%.*s", (int)sizeof(name.text), name.text);
	return 0;
}

int rf_datapath_split_part(struct rf_datapath *dp, uint32_t index, struct rf_split_part *ret)
{
	return rf_dp_table_value(dp, RF_TABLE_SPLITS, &index, ret);
}

int rf_datapath_backend(struct rf_datapath *dp, uint32_t index, struct rf_backend *ret)
{
	return rf_dp_table_value(dp, RF_TABLE_BACKENDS, &index, ret);
}

int rf_datapath_routes(struct rf_datapath *dp, void **ret_blob, size_t *ret_size)
{
	_cleanup_close_ int fd = rf_dp_table_live(dp, RF_TABLE_ROUTES);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	void *mapped, *copy;
	size_t size;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	size = (size_t)info.max_entries * sizeof(__u64);
	mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	copy = malloc(size);
	if (copy)
		memcpy(copy, mapped, size);
	munmap(mapped, size);
	if (!copy)
		return -ENOMEM;
	*ret_blob = copy;
	*ret_size = size;
	return 0;
}
