/* SPDX-License-Identifier: Apache-2.0 */
/* Many entries into a map with few system calls, where the kernel has that for its type (hash and array since 5.6, LPM tries later). */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

#define FEW 16 /* not worth the trouble */

static int one_by_one(int fd, const struct rf_dp_content *c)
{
	for (size_t i = 0; i < c->count; i++) {
		__u32 index = (__u32)i;
		const void *key = c->keys ? (const char *)c->keys + i * c->key_size : (const void *)&index;

		if (bpf_map_update_elem(fd, key, (const char *)c->values + i * c->value_size, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int rf_dp_fill(int fd, const struct rf_dp_content *c)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	_cleanup_free_ __u32 *indexes = NULL;
	const void *keys = c->keys;
	__u32 count = (__u32)c->count;

	if (c->count > FEW && !keys) {
		keys = indexes = calloc(c->count, sizeof(*indexes));
		for (__u32 i = 0; indexes && i < count; i++)
			indexes[i] = i;
	}
	if (c->count > FEW && keys && bpf_map_update_batch(fd, keys, c->values, &count, &opts) == 0)
		return 0;
	return one_by_one(fd, c); /* updating twice changes nothing; and it tells what is wrong with which entry */
}
