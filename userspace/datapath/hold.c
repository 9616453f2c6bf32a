/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that this process holds open beside their pins: a pin that somebody removes is then not the last reference, the program stays
 * attached and only the pin has to be made again. Kept in a hash by "<sub>/<name>".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

struct rf_held {
	struct rf_held *next;
	int fd;
	char path[]; /* "<sub>/<name>" */
};

static struct rf_held **find(struct rf_datapath *dp, const char *path)
{
	struct rf_held **at = &dp->held[rf_identity_hash(path, (__u32)strlen(path)) % RF_HELD_BUCKETS];

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	return at;
}

static void drop(struct rf_held **at)
{
	struct rf_held *gone = *at;

	if (!gone)
		return;
	*at = gone->next;
	rf_closep(&gone->fd);
	free(gone);
}

void rf_dp_release(struct rf_datapath *dp, const char *sub, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sub, name);
	drop(find(dp, path));
}

/* Without memory or descriptors there is only the pin, as before. */
void rf_dp_hold(struct rf_datapath *dp, const char *sub, const char *name, int fd)
{
	size_t size = strlen(sub) + strlen(name) + 2;
	struct rf_held *held = malloc(sizeof(*held) + size);

	rf_dp_release(dp, sub, name);
	if (!held)
		return;
	snprintf(held->path, size, "%s/%s", sub, name);
	held->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	held->next = NULL;
	if (held->fd < 0)
		free(held);
	else
		*find(dp, held->path) = held;
}

int rf_dp_held(struct rf_datapath *dp, const char *sub, const char *name)
{
	struct rf_held *held;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sub, name);
	held = *find(dp, path);
	return held ? held->fd : -1;
}

void rf_dp_release_all(struct rf_datapath *dp)
{
	for (size_t i = 0; i < RF_HELD_BUCKETS; i++)
		while (dp->held[i])
			drop(&dp->held[i]);
}

static __u32 link_id(int fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

bool rf_dp_link_pinned(struct rf_datapath *dp, const char *sub, const char *name)
{
	_cleanup_close_ int pinned = rf_dp_pinned(dp->dir, sub, name);
	int held = rf_dp_held(dp, sub, name);
	__u32 id = link_id(pinned);

	return id && (held < 0 || link_id(held) == id);
}

int rf_dp_link_repin(struct rf_datapath *dp, const char *sub, const char *name)
{
	int held = rf_dp_held(dp, sub, name);

	return held < 0 || rf_dp_link_pinned(dp, sub, name) ? 0 : rf_dp_pin(held, dp->dir, sub, name);
}
