/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side: one connection at a time, the newest wins. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fdpass.h"
#include "core/log.h"
#include "pods/cgroup.h"
#include "sockd/sockd.h"

#define SEND_MS 2000 /* an agent that does not read our short answers for this long is dropped; it connects again */

static void drop_agent(struct rf_sockd *sockd)
{
	rf_source_remove(sockd->agent_source);
	sockd->agent_source = NULL;
	rf_closep(&sockd->agent);
	sockd->agent = -1;
}

/* Errors end the connection; the agent then connects and replays. */
static void answer(struct rf_sockd *sockd, const struct rf_sockd_message *message, int fd)
{
	int r = rf_fdpass_send(sockd->agent, message, sizeof(*message), fd);

	if (r == 0)
		return;
	rf_log_warning(-r, "cannot answer the agent");
	drop_agent(sockd);
}

static void pod_add(struct rf_sockd *sockd, const struct rf_sockd_message *message, int netns)
{
	struct rf_sockd_message state = {.op = RF_SOCKD_POD_STATE, .pod = message->pod};
	struct rf_sockd_place place = {.addrs = {message->addr4, message->addr6}, .port = message->port};
	int r = netns < 0 ? -EBADF : rf_sockd_pod_add(sockd, message->pod, &place, netns);

	state.error = -r;
	answer(sockd, &state, -1);
}

static void status(struct rf_sockd *sockd)
{
	size_t listeners = rf_sockd_listeners_count(sockd);
	struct rf_sockd_message message = {
		.op = RF_SOCKD_STATUS,
		.pid = (uint32_t)sockd->checker.pid,
		.restarts = sockd->checker.restarts,
		.port = (uint16_t)(listeners < UINT16_MAX ? listeners : UINT16_MAX),
	};

	answer(sockd, &message, -1);
}

/* Takes *fd if it keeps it. */
static void handle(struct rf_sockd *sockd, const struct rf_sockd_message *message, int *fd)
{
	struct rf_sockd_message reply = {.op = message->op, .pod = message->pod};

	switch (message->op) {
	case RF_SOCKD_POD_ADD:
		pod_add(sockd, message, TAKE_FD(*fd));
		break;
	case RF_SOCKD_POD_DEL:
		rf_sockd_pod_del(sockd, message->pod);
		reply.op = RF_SOCKD_POD_STATE;
		reply.error = ESRCH;
		answer(sockd, &reply, -1);
		break;
	case RF_SOCKD_SYNCED:
		rf_sockd_pods_synced(sockd);
		break;
	case RF_SOCKD_RECORDS:
		answer(sockd, &reply, sockd->checker.records);
		break;
	case RF_SOCKD_STATUS:
		status(sockd);
		break;
	default:
		rf_log_warning(0, "unknown message %u from the agent", message->op);
		drop_agent(sockd);
		break;
	}
}

static void on_agent(void *arg, int sock, uint32_t events)
{
	struct rf_sockd *sockd = arg;
	struct rf_sockd_message message;
	_cleanup_close_ int fd = -1;
	int r = rf_fdpass_recv(sock, &message, sizeof(message), &fd);

	(void)events;
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		if (r != -ENOTCONN)
			rf_log_warning(-r, "the agent's connection");
		drop_agent(sockd);
		return;
	}
	handle(sockd, &message, &fd);
}

/* A new agent may have made new maps (uninstalled and installed again): sockets must be tagged in those that are looked at. */
static void refresh_pins(struct rf_sockd *sockd)
{
	bool changed = false;
	int r = rf_sockd_pins_refresh(&sockd->pins, &sockd->instance, &changed);

	if (r == -EPROTO) { /* neither we nor the checker that we hold open can read them: whoever starts us has the new version */
		rf_log_info("the maps are of another version: making room for its broker");
		rf_loop_stop(sockd->loop, 0);
		return;
	}
	if (r < 0)
		rf_log_warning(-r, "cannot open the maps below %s", sockd->instance.bpffs_dir);
	if (changed) {
		rf_log_info("the maps are new: the checker starts again");
		rf_sockd_checker_restart(sockd);
	}
}

/* Root outside every pod; root in a pod is not root of the node. Whatever cannot be told for sure is refused. */
static int check_peer(int sock, const struct rf_instance *instance)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	bool inside = true;
	int r;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	if (cred.uid != 0 || cred.pid <= 0)
		return -EPERM;
	r = rf_cgroup_contains(instance->cgroup_mount, instance->pods_cgroup, cred.pid, &inside);
	return r < 0 ? r : (inside ? -EACCES : 0);
}

static void on_connect(void *arg, int listener, uint32_t events)
{
	struct rf_sockd *sockd = arg;
	const struct timeval patience = {.tv_sec = SEND_MS / 1000};
	_cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int r;

	(void)events;
	if (fd < 0)
		return;
	r = check_peer(fd, &sockd->instance);
	if (r < 0) {
		rf_log_warning(-r, "refused a connection to %s", sockd->instance.sockd_path);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	drop_agent(sockd);
	rf_sockd_pods_unmark(sockd);
	r = rf_loop_add(sockd->loop, fd, EPOLLIN, on_agent, sockd, &sockd->agent_source);
	if (r < 0) {
		rf_log_error(-r, "cannot serve the agent");
		return;
	}
	sockd->agent = TAKE_FD(fd);
	refresh_pins(sockd);
}

int rf_sockd_agent_listen(struct rf_sockd *sockd)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const char *path = sockd->instance.sockd_path;
	_cleanup_close_ int fd = -1;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT) /* of a broker that is gone: the lock is ours */
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return r;
	if (listen(fd, 8) < 0)
		return -errno;
	r = rf_loop_add(sockd->loop, fd, EPOLLIN, on_connect, sockd, NULL);
	if (r == 0)
		sockd->listener = TAKE_FD(fd);
	return r;
}
