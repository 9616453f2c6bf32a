/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket broker: makes sockets in the pods' network namespaces and keeps the checker running. Single-threaded. It parses nothing but
 * the fixed-size messages of protocol.h, from root and from its own child.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/instance.h"
#include "core/loop.h"
#include "sockd/protocol.h"

/* ---- pins.c: the datapath's maps. They appear only when the agent has made them, so they are opened when needed. ---- */
struct rf_sockd_pins { /* all -1 or all open */
	int tags, control, routes;
};
int rf_sockd_pins_open(struct rf_sockd_pins *pins, const struct rf_instance *instance); /* 0 at once if they are open */
void rf_sockd_pins_close(struct rf_sockd_pins *pins);
/* Opens what is pinned now and compares. *ret_changed: the maps are others than before (closed and opened anew). */
int rf_sockd_pins_refresh(struct rf_sockd_pins *pins, const struct rf_instance *instance, bool *ret_changed);

/* ---- netns.c: sockets in another network namespace. The caller's thread is back in its own afterwards, or the process aborts. ---- */
int rf_netns_listener(int netns_fd, const struct rf_addr *addr, uint16_t port, int *ret);
int rf_netns_stream(int netns_fd, int family, int *ret); /* AF_INET or AF_INET6 */

/* ---- pods.c ---- */
/* Connections that wait to be accepted, a listener: those that arrive while the checker starts again. The kernel takes the smaller one of
 * this and net.core.somaxconn (4096 since Linux 5.4) of the pod's network namespace. */
#define RF_SOCKD_BACKLOG  4096
#define RF_SOCKD_FAMILIES 2
struct rf_sockd_place {                          /* where the checker listens in a pod */
	struct rf_addr addrs[RF_SOCKD_FAMILIES]; /* IPv4, IPv6; none: not of that family */
	uint16_t port;
};

struct rf_sockd_pod {
	TAILQ_ENTRY(rf_sockd_pod) link;
	uint64_t id; /* cgroup id */
	struct rf_sockd_place place;
	int netns;
	int listeners[RF_SOCKD_FAMILIES]; /* -1: not of that family */
	bool replayed;                    /* named by the connected agent */
};
TAILQ_HEAD(rf_sockd_pods, rf_sockd_pod);

/* ---- checker.c ---- */
struct rf_queued { /* a message that waits for room in the checker's socket */
	TAILQ_ENTRY(rf_queued) link;
	struct rf_sockd_message message;
	int fd;
};
TAILQ_HEAD(rf_queue, rf_queued);

struct rf_sockd_checker {
	int exe;            /* O_PATH */
	unsigned int haste; /* the checker's time limits are divided by it */
	int records;        /* read end, for the agent */
	int records_write;
	pid_t pid; /* 0 = not running */
	int sock;
	struct rf_source *source;
	struct rf_source *restart;  /* timer */
	struct rf_source *watchdog; /* timer */
	uint64_t sign, sign_seen;   /* of life: the last one asked for, and given */
	unsigned int silent;        /* turns of the watchdog since it was asked for */
	struct rf_queue queue;
	size_t queued; /* how many are in it */
	uint32_t restarts;
	uint32_t backoff_ms;
	uint64_t started_ms;
	bool complained; /* that there are no maps yet */
	bool scolded;    /* this checker, for a question that could not be answered */
};

struct rf_sockd {
	struct rf_instance instance;
	struct rf_loop *loop;
	struct rf_sockd_pins pins;
	struct rf_sockd_pods pods;
	struct rf_sockd_checker checker;
	int listener; /* sockd.sock */
	int agent;    /* -1 = none connected */
	struct rf_source *agent_source;
};

/* pods.c. netns becomes the broker's. 0 or -errno, then no listener is open. A pod that is there already, unchanged, keeps its listeners.
 */
int rf_sockd_pod_add(struct rf_sockd *sockd, uint64_t id, const struct rf_sockd_place *place, int netns);
void rf_sockd_pod_tell(struct rf_sockd *sockd, const struct rf_sockd_pod *pod); /* its listeners to the checker */
void rf_sockd_pod_del(struct rf_sockd *sockd, uint64_t id);
const struct rf_sockd_pod *rf_sockd_pod_find(const struct rf_sockd *sockd, uint64_t id);
void rf_sockd_pods_unmark(struct rf_sockd *sockd); /* an agent connected */
void rf_sockd_pods_synced(struct rf_sockd *sockd); /* drops those it did not name */
size_t rf_sockd_listeners_count(const struct rf_sockd *sockd);

/* checker.c. path NULL: ringfence-checker beside the running executable. haste: 1, or more for tests. */
int rf_sockd_checker_init(struct rf_sockd *sockd, const char *path, unsigned int haste);
void rf_sockd_checker_reaped(struct rf_sockd *sockd);  /* SIGCHLD */
void rf_sockd_checker_restart(struct rf_sockd *sockd); /* kills the running one; the supervisor starts the next */
void rf_sockd_checker_stop(struct rf_sockd *sockd);    /* for good; waits for it */
/* Queues a message for the checker if one is running. fd -1 or the caller's (duplicated). */
void rf_sockd_checker_tell(struct rf_sockd *sockd, const struct rf_sockd_message *message, int fd);

/* watchdog.c: replaces a checker that hangs but lives. begin: a checker has started. */
int rf_sockd_watchdog_init(struct rf_sockd *sockd);
void rf_sockd_watchdog_begin(struct rf_sockd *sockd);
void rf_sockd_watchdog_answer(struct rf_sockd *sockd, const struct rf_sockd_message *message);

/* upstream.c: a TCP socket in the pod's network namespace, tagged as the checker's, on its way to where the question says. 0 and *ret, or
 * -ESRCH (no such pod), -EACCES (malformed, or a destination that is none for a checker), -errno. */
int rf_sockd_upstream(struct rf_sockd *sockd, const struct rf_sockd_message *question, int *ret);

/* spawn.c: starts the program behind exe as an unprivileged child with exactly three descriptors. haste: 1, or what the
 * program's time limits are divided by. -errno; *ret_pid. */
int rf_sockd_spawn(int exe, int sock, int control, int records, unsigned int haste, pid_t *ret_pid);

/* sandbox.c: what the child gives up last, before the program starts. 0 or -errno. */
int rf_sockd_sandbox(void);

/* agent.c */
int rf_sockd_agent_listen(struct rf_sockd *sockd);
