/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/walk.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

static int make_room(struct rf_walk *w, __u32 room)
{
	char *keys = calloc(room, w->key_size), *values = calloc(room, w->value_size);

	if (!keys || !values) {
		free(keys);
		free(values);
		return -ENOMEM;
	}
	free(w->keys);
	free(w->values);
	w->keys = keys;
	w->values = values;
	w->room = room;
	return 0;
}

int rf_walk_open(struct rf_walk *walk, int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	struct rf_walk w = {.fd = fd};
	int r;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_HASH && info.type != BPF_MAP_TYPE_LRU_HASH)
		return -EINVAL;
	w.key_size = info.key_size;
	w.value_size = info.value_size;
	r = make_room(&w, RF_WALK_CHUNK);
	if (r == 0)
		*walk = w;
	return r;
}

void rf_walk_done(struct rf_walk *walk)
{
	free(walk->keys);
	free(walk->values);
	walk->keys = walk->values = NULL;
}

int rf_walk_next(struct rf_walk *w)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	while (!w->ended) {
		__u32 count = w->room, next = 0;
		int r = bpf_map_lookup_batch(w->fd, w->under_way ? &w->at : NULL, &next, w->keys, w->values, &count, &opts);

		if (r < 0 && errno == ENOSPC) { /* one bucket with more than there is room for */
			r = make_room(w, w->room * 2);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0 && errno != ENOENT)
			return -errno;
		w->ended = r < 0;
		w->at = next;
		w->under_way = true;
		if (count)
			return (int)count;
	}
	return 0;
}
