/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prober.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "agent/agent.h"
#include "core/log.h"

static int refuse(const char *text, const char *why)
{
	rf_log_error(0, "--prober-cgroup %s: %s", text, why);
	return -EINVAL;
}

/* "/a//b/" -> "a/b" behind the mount. Steps that lead elsewhere are refused: the path is compared with those of the pods as a text. */
static int join(struct rf_prober_watch *prober, const char *mount, const char *text)
{
	size_t used = (size_t)snprintf(prober->path, sizeof(prober->path), "%s", mount);

	prober->level = 0;
	while (*(text += strspn(text, "/"))) {
		size_t n = strcspn(text, "/");

		if ((n == 1 && text[0] == '.') || (n == 2 && text[0] == '.' && text[1] == '.'))
			return -EINVAL;
		if (used + 1 + n >= sizeof(prober->path))
			return -ENAMETOOLONG;
		prober->path[used++] = '/';
		memcpy(prober->path + used, text, n);
		used += n;
		prober->path[used] = '\0';
		prober->level++;
		text += n;
	}
	return 0;
}

/* Is `inner` the directory `outer`, or below it? */
static bool is_within(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return strncmp(inner, outer, n) == 0 && (!inner[n] || inner[n] == '/');
}

static int judge(const struct rf_prober_watch *prober, const struct rf_instance *instance, const char *text)
{
	if (!prober->level)
		return refuse(text, "the root of all cgroups would make every process a prober");
	if (is_within(instance->pods_cgroup, prober->path) || is_within(prober->path, instance->cgroup_dir))
		return refuse(text, "pods live in it, or it is ringfence's own: none of these may be a prober");
	return 0;
}

int rf_prober_set(struct rf_prober_watch *prober, const struct rf_instance *instance)
{
	const char *text = prober->option ? prober->option : getenv("RINGFENCE_PROBER_CGROUP"), *below;
	int r;

	prober->path[0] = '\0';
	if (!text || !*text)
		return 0;
	below = is_within(text, instance->cgroup_mount) ? text + strlen(instance->cgroup_mount) : text;
	r = join(prober, instance->cgroup_mount, below);
	if (r < 0)
		(void)refuse(text, r == -EINVAL ? "\".\" and \"..\" are not accepted in it" : "it is too long");
	else
		r = judge(prober, instance, text);
	if (r < 0)
		prober->path[0] = '\0';
	return r;
}

/* The number of the cgroup, 0 = there is none. */
static uint64_t look_up(const char *path)
{
	struct statfs fs;
	struct stat st;

	if (!*path || stat(path, &st) < 0 || !S_ISDIR(st.st_mode) || statfs(path, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	return st.st_ino;
}

static void tell(struct rf_agent *agent, uint64_t id)
{
	const struct rf_prober_watch *prober = &agent->prober;

	if (id)
		rf_agent_note(agent, "prober", "health probers are the processes of %s", prober->path);
	else if (*prober->path)
		rf_agent_note(agent, "prober", "%s is not there: no health probe is recognised", prober->path);
}

/* A table that cannot be written is worth one line in the log, not one a second. */
static bool set(struct rf_agent *agent, uint64_t id, uint32_t level)
{
	bool failed = rf_datapath_prober(agent->dp, id, level) < 0;

	if (failed && !agent->prober.failed)
		rf_log_error(0, "health probers: %s", rf_datapath_error(agent->dp));
	agent->prober.failed = failed;
	return !failed;
}

void rf_prober_look(struct rf_agent *agent)
{
	struct rf_prober_watch *prober = &agent->prober;
	uint64_t id = look_up(prober->path);
	uint32_t level = id ? prober->level : 0;
	struct rf_prober has;
	bool known = rf_datapath_prober_is(agent->dp, &has) == 0, changed = !prober->looked || prober->found != !!id;

	if (!known || has.cgroup_id != id || has.level != level) {
		changed = set(agent, id, level);
		if (!changed)
			id = 0;
	}
	prober->found = id;
	prober->looked = true;
	if (changed)
		tell(agent, id);
}
