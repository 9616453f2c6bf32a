/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "pods/names.h"
#include "pods/pods.h"

/* Keys are "<ns>_<name>", and a namespace has no '_'. */
static void clear_room(struct rf_agent *agent, const char *key)
{
	const char *name = strchr(key, '_');
	char ns[64];
	int r;

	if (!name || (size_t)(name - key) >= sizeof(ns))
		return;
	snprintf(ns, sizeof(ns), "%.*s", (int)(name - key), key);
	name++;
	if (!rf_pod_names_valid(ns, name) || rf_registry_find(&agent->pods, ns, name))
		return;
	r = rf_pod_room_remove(&agent->instance, ns, name, true);
	if (r < 0)
		rf_log_error(-r, "cannot clear away what is left of pod %s/%s, of which there is no record", ns, name);
	else
		rf_agent_note(agent, "pod", "what was left of pod %s/%s, of which there is no record, was cleared away", ns, name);
}

static void clear_rooms(struct rf_agent *agent, const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir); /* not there: then there are no rooms */
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR)
			clear_room(agent, e->d_name);
}

static int prune(struct rf_agent *agent)
{
	_cleanup_free_ const struct rf_pod_hook **keep = calloc(agent->pods.count + 1, sizeof(*keep));
	size_t count = 0, removed = 0;
	int r;

	if (!keep)
		return -ENOMEM;
	for (size_t i = 0; i < agent->pods.count; i++)
		if (agent->pods.items[i]->state != RF_POD_EXITED)
			keep[count++] = &agent->pods.items[i]->hook;
	r = rf_datapath_pods_prune(agent->dp, keep, count, &removed);
	if (r < 0)
		rf_log_error(0, "%s", rf_datapath_error(agent->dp));
	else if (removed)
		rf_agent_note(agent, "pod", "%zu entries and links of pods that are gone were removed from the kernel", removed);
	return r;
}

int rf_pods_clear_orphans(struct rf_agent *agent)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s/pods", agent->instance.run_dir) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	clear_rooms(agent, dir);
	clear_rooms(agent, agent->instance.pods_cgroup);
	return prune(agent);
}
