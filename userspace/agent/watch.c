/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/broker.h"
#include "agent/notice.h"
#include "agent/pods.h"
#include "agent/repair.h"
#include "core/log.h"
#include "datapath/drift.h"

static int inotify_fd = -1; /* one agent a process */
static struct rf_source *look_timer;
static bool at_a_loss; /* the last look left something that could not be put back */
static bool soon;      /* the timer runs for a change, not for the clock */

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void rf_watch_add(struct rf_agent *agent, struct rf_local_pod *pod)
{
	char path[PATH_MAX];

	(void)agent;
	if (!pod->watched_ns) /* the wall clock may be set while it waits */
		pod->watched_ns = monotonic_ns();
	if (snprintf(path, sizeof(path), "%s/cgroup.events", pod->room.cgroup) >= (int)sizeof(path))
		return;
	pod->watch = inotify_add_watch(inotify_fd, path, IN_MODIFY);
	if (pod->watch < 0) /* the timer sees it too, only later */
		rf_log_warning(errno, "cannot watch %s", path);
}

void rf_watch_remove(struct rf_agent *agent, struct rf_local_pod *pod)
{
	(void)agent;
	if (pod->watch >= 0)
		inotify_rm_watch(inotify_fd, pod->watch);
	pod->watch = -1;
}

void rf_watch_ended(struct rf_agent *agent, struct rf_local_pod *pod)
{
	int r;

	if (pod->state == RF_POD_EXITED)
		return;
	r = rf_pods_retire(agent, pod, false);
	if (r < 0)
		return;
	r = rf_local_pod_save(pod);
	if (r < 0)
		rf_log_warning(-r, "cannot write the record of pod %s/%s", pod->ns, pod->name);
	rf_agent_note(agent, "pod", "pod %s/%s ended", pod->ns, pod->name);
	if (rf_revision_renew(agent) < 0)
		rf_log_error(0, "the policy still lists an ended pod: %s", agent->revision.error);
}

/* Populated once and empty now, or never populated for too long. */
static void look_for_end(struct rf_agent *agent, struct rf_local_pod *pod)
{
	bool populated = false;
	int r;

	if (pod->state == RF_POD_EXITED)
		return;
	r = rf_pod_room_populated(&pod->room, &populated);
	if (r == 0 && populated) {
		if (pod->state == RF_POD_CREATED) {
			pod->state = RF_POD_RUNNING;
			(void)rf_local_pod_save(pod); /* written again by pod.started */
		}
		return;
	}
	if (r < 0 && r != -ENOENT)
		return; /* cannot tell: the next look will */
	if (pod->state == RF_POD_RUNNING || r == -ENOENT || monotonic_ns() - pod->watched_ns > (uint64_t)RF_CREATED_MAX_S * 1000000000)
		rf_watch_ended(agent, pod);
}

static void on_cgroup(void *arg, int fd, uint32_t events)
{
	_Alignas(struct inotify_event) char buffer[4096];
	struct rf_agent *agent = arg;

	(void)events;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	for (size_t i = 0; i < agent->pods.count; i++)
		look_for_end(agent, agent->pods.items[i]);
	rf_watch_soon(agent);
}

bool rf_pods_hooked(const struct rf_local_pod *pod)
{
	return !(pod->drift & ~RF_DRIFT_NOTICES);
}

/* What cannot be put back makes changes of its own at every attempt: no race with ourselves. */
static int soon_ms(void)
{
	return at_a_loss ? RF_LOOK_MS : RF_SOON_MS;
}

void rf_watch_soon(struct rf_agent *agent)
{
	(void)agent;
	if (look_timer && !soon)
		rf_timer_arm(look_timer, soon_ms());
	soon = true;
}

/* Whoever took the checker's port in a pod may have given it back. */
static void ask_again(struct rf_agent *agent, const struct rf_local_pod *pod)
{
	if (pod->state != RF_POD_EXITED && pod->checker_error && pod->checker_error != ENOTCONN)
		(void)rf_broker_pod_add(agent->broker, pod); /* not connected: replayed as soon as it is */
}

static void on_look(void *arg)
{
	struct rf_agent *agent = arg;

	for (size_t i = 0; i < agent->pods.count; i++) {
		look_for_end(agent, agent->pods.items[i]);
		ask_again(agent, agent->pods.items[i]);
	}
	soon = false;
	at_a_loss = !rf_repair_round(agent);
	rf_prober_look(agent);
	rf_broker_ask_status(agent->broker);
	rf_timer_arm(look_timer, soon ? soon_ms() : RF_LOOK_MS);
}

int rf_pods_watch(struct rf_agent *agent)
{
	int r;

	inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_fd < 0)
		return -errno;
	r = rf_loop_add(agent->loop, inotify_fd, EPOLLIN, on_cgroup, agent, NULL);
	if (r == 0)
		r = rf_loop_timer(agent->loop, RF_LOOK_MS, on_look, agent, &look_timer);
	if (r == 0)
		rf_notice_start(agent, inotify_fd);
	return r;
}
