/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a killed agent left of pods that are gone: entries of the live tables and pinned tc links that belong to no pod of today. Keys are
 * only carried around, never looked into.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

#define KEY_MAX   64
#define VALUE_MAX 256

struct pruning {
	const struct rf_pod_hook *const *keep;
	size_t count;
	size_t removed;
};

static bool is_kept(const struct pruning *p, uint64_t cgroup_id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->keep[i]->cgroup_id == cgroup_id)
			return true;
	return false;
}

/* To which pod does an entry belong? 0: to none of this machine. */
static uint64_t owner_of(enum rf_map_id id, const void *key, const void *value)
{
	uint64_t owner = 0;

	if (id == RF_MAP_PODS)
		memcpy(&owner, key, sizeof(owner));
	else if (id == RF_MAP_LINKS)
		memcpy(&owner, value, sizeof(owner));
	else if (((const struct rf_peer *)value)->flags & RF_PEER_LOCAL)
		owner = ((const struct rf_peer *)value)->pod;
	return owner;
}

/* The next key is asked for before this one goes: without it the kernel would begin anew. */
static void prune_map(struct rf_datapath *dp, enum rf_map_id id, struct pruning *p)
{
	_Alignas(8) char key[KEY_MAX], next[KEY_MAX], value[VALUE_MAX];
	bool more = bpf_map_get_next_key(dp->maps[id], NULL, key) == 0;

	while (more) {
		uint64_t owner = bpf_map_lookup_elem(dp->maps[id], key, value) == 0 ? owner_of(id, key, value) : 0;

		more = bpf_map_get_next_key(dp->maps[id], key, next) == 0;
		if (owner && !is_kept(p, owner) && bpf_map_delete_elem(dp->maps[id], key) == 0)
			p->removed++;
		memcpy(key, next, sizeof(key));
	}
}

/* "<key>_from", "<key>_to"; "..._new" is a pin that was never renamed. */
static bool is_kept_pin(const struct pruning *p, const char *name)
{
	const char *end = strrchr(name, '_');

	for (size_t i = 0; end && i < p->count; i++)
		if (strlen(p->keep[i]->key) == (size_t)(end - name) && strncmp(p->keep[i]->key, name, (size_t)(end - name)) == 0)
			return strcmp(end, "_from") == 0 || strcmp(end, "_to") == 0;
	return false;
}

static int prune_pins(struct rf_datapath *dp, struct pruning *p)
{
	_cleanup_closedir_ DIR *d = NULL;
	char path[sizeof(dp->dir) + 512];
	struct dirent *e;

	snprintf(path, sizeof(path), "%s/links/pods", dp->dir);
	d = opendir(path);
	if (!d)
		return rf_dp_fail(dp, errno, "cannot read '%s'", path);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || is_kept_pin(p, e->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/links/pods/%s", dp->dir, e->d_name);
		if (unlink(path) < 0)
			return rf_dp_fail(dp, errno, "cannot remove '%s'", path);
		p->removed++;
	}
	return 0;
}

int rf_datapath_pods_prune(struct rf_datapath *dp, const struct rf_pod_hook *const *keep, size_t count, size_t *ret_removed)
{
	struct pruning p = {.keep = keep, .count = count};
	int r = prune_pins(dp, &p);

	prune_map(dp, RF_MAP_PEERS, &p);
	prune_map(dp, RF_MAP_LINKS, &p);
	prune_map(dp, RF_MAP_PODS, &p);
	if (r == 0)
		*ret_removed = p.removed;
	return r;
}
