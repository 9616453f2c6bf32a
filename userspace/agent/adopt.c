/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier agent left: pods that go on running, records of those that do not. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/pods.h"
#include "agent/watch.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "datapath/drift.h"
#include "pods/cgroup.h"
#include "pods/look.h"
#include "pods/names.h"

/* Says nothing about the pod: it may well live, so it is neither buried nor taken for one without a record. */
static bool is_shortage(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -ENOBUFS;
}

/* Its processes are gone (a reboot, or they ended while no agent ran), but its record and log stay. */
static void bury(struct rf_agent *agent, struct rf_local_pod *pod)
{
	int r = rf_pod_room_remove(&agent->instance, pod->ns, pod->name, false);

	if (r < 0)
		rf_log_warning(-r, "cannot clear away what is left of pod %s/%s", pod->ns, pod->name);
	if (pod->hook.cgroup_id && rf_datapath_pod_remove(agent->dp, &pod->hook) < 0)
		rf_log_warning(0, "pod %s/%s: %s", pod->ns, pod->name, rf_datapath_error(agent->dp));
	rf_agent_note(agent, "pod", "pod %s/%s ended while no agent ran; what was left of it was cleared away", pod->ns, pod->name);
	pod->state = RF_POD_EXITED;
	if (!pod->exited_ns)
		pod->exited_ns = rf_now_realtime_ns();
	r = rf_local_pod_save(pod);
	if (r < 0)
		rf_log_warning(-r, "cannot write the record of pod %s/%s", pod->ns, pod->name);
}

/* The broker outlives agents: where the kernel still says that the checker listens it does, and connections go on while this agent
 * introduces itself to the broker. If there is no broker any more, the first attempt to reach it takes this back. */
static void keep_checker(struct rf_agent *agent, struct rf_local_pod *pod)
{
	struct rf_pod_attest attest;

	if (rf_datapath_attest(agent->dp, &pod->hook, pod->room.cgroup, &attest) < 0 || !attest.checker_ready)
		return;
	pod->checker_error = 0;
	pod->hook.pod.flags = RF_POD_CHECKER_READY;
}

/* The pod keeps the IPv6 address it has; without IPv6 in this agent it is not hooked, and none of its packets passes. A room that an agent
 * without IPv6 made gets its address now; where that fails it goes on with IPv4 alone. */
static void settle_ipv6(struct rf_agent *agent, struct rf_local_pod *pod)
{
	_cleanup_free_ struct rf_pod_room *room = NULL;
	char error[512] = "no memory";

	pod->addr6 = (struct rf_addr){};
	if (rf_addr_is_none(&agent->instance.pod_net6))
		return;
	if (rf_addr_is_none(&pod->room.addr6)) {
		room = malloc(sizeof(*room));
		if (!room || rf_pod_room_make(&agent->instance, pod->ns, pod->name, pod->addr_be, room, error, sizeof(error)) < 0) {
			rf_log_warning(0, "pod %s/%s goes on without IPv6: %s", pod->ns, pod->name, error);
			return;
		}
		pod->room = *room;
	}
	pod->addr6 = pod->room.addr6;
}

/* Something of the room was taken away while no agent ran. Its processes may live all the same; the kernel's tables say what they had. */
static int mend_room(struct rf_agent *agent, struct rf_local_pod *pod)
{
	struct rf_pod_room room;
	struct rf_pod known = {};
	char error[512] = "";
	int r = rf_pod_room_names(&agent->instance, pod->ns, pod->name, &room);

	if (r == 0)
		r = rf_cgroup_id(room.cgroup, &room.cgroup_id);
	if (r == 0)
		r = rf_datapath_pod_look_up(agent->dp, room.cgroup_id, &known);
	if (r < 0)
		return is_shortage(r) ? r : -EUCLEAN;
	room.addr_be = pod->addr_be;
	room.addr6 = known.addr6;
	room.ifindex = known.ifindex;
	room.netns_cookie = known.netns_cookie;
	r = rf_pod_room_mend(&agent->instance, pod->ns, pod->name, &room, rf_pod_room_look(&room), error, sizeof(error));
	if (r < 0) {
		rf_log_warning(0, "pod %s/%s: %s", pod->ns, pod->name, error);
		return is_shortage(r) ? r : -EUCLEAN;
	}
	rf_log_info("pod %s/%s: its room was put right again", pod->ns, pod->name);
	pod->room = room;
	return 0;
}

/* Finds the room and hooks it. -ENOENT: there is nothing that lives. */
static int revive(struct rf_agent *agent, struct rf_local_pod *pod)
{
	bool populated = false;
	int r;

	r = rf_pod_room_find(&agent->instance, pod->ns, pod->name, &pod->room);
	if (r == -EUCLEAN)
		r = mend_room(agent, pod);
	if (r < 0)
		return r == -EUCLEAN ? -ENOENT : r;
	rf_local_pod_set_hook(pod, &agent->instance); /* for the one who buries it */
	r = rf_pod_room_populated(&pod->room, &populated);
	if (r < 0 || !populated)
		return r < 0 ? r : -ENOENT;
	pod->state = RF_POD_RUNNING;
	if (pod->room.addr_be && pod->room.addr_be != pod->addr_be) {
		rf_log_warning(0, "pod %s/%s has another address than its record says", pod->ns, pod->name);
		pod->addr_be = pod->room.addr_be;
	}
	settle_ipv6(agent, pod);
	rf_local_pod_set_hook(pod, &agent->instance);
	r = rf_addresses_take(agent->addresses, pod->addr_be);
	if (r < 0)
		rf_log_warning(-r, "the address of pod %s/%s", pod->ns, pod->name);
	keep_checker(agent, pod);
	if (rf_datapath_pod_add(agent->dp, &pod->hook) < 0) /* tried again, and shown in status, at every attestation */
		rf_log_error(0, "cannot hook pod %s/%s: %s", pod->ns, pod->name, rf_datapath_error(agent->dp));
	rf_watch_add(agent, pod);
	return 0;
}

static void set_paths(struct rf_local_pod *pod, const char *dir, const char *key)
{
	snprintf(pod->room.key, sizeof(pod->room.key), "%s", key);
	snprintf(pod->room.dir, sizeof(pod->room.dir), "%s/%s", dir, key);
	snprintf(pod->room.log, sizeof(pod->room.log), "%s/%s/log", dir, key);
}

static int adopt_one(struct rf_agent *agent, const char *dir, const char *key)
{
	RF_CLEANUP(rf_local_pod_freep) struct rf_local_pod *pod = NULL;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s/pod.json", dir, key) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = rf_local_pod_load(path, &pod);
	if (r < 0)
		return r == -ENOENT ? 0 : rf_log_warning(-r, "no record of a pod in %s", path); /* orphans.c */
	set_paths(pod, dir, key);
	if (pod->state != RF_POD_EXITED) {
		r = revive(agent, pod);
		if (is_shortage(r))
			return rf_log_error(-r, "cannot look at pod %s/%s, which is left as it is", pod->ns, pod->name);
		if (r < 0)
			bury(agent, pod);
		else
			rf_log_info("pod %s/%s goes on", pod->ns, pod->name);
	}
	r = rf_registry_add(&agent->pods, pod);
	if (r == 0)
		TAKE_PTR(pod);
	return r;
}

int rf_pods_adopt(struct rf_agent *agent)
{
	_cleanup_closedir_ DIR *d = NULL;
	char dir[PATH_MAX];
	struct dirent *e;
	int r = 0;

	if (snprintf(dir, sizeof(dir), "%s/pods", agent->instance.run_dir) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (errno = 0, (e = readdir(d)))
		if (e->d_name[0] != '.') {
			r = adopt_one(agent, dir, e->d_name);
			if (is_shortage(r)) /* those that were not looked at would be cleared away as orphans */
				return r;
		}
	return -errno; /* one bad record must not keep the others from being hooked */
}
