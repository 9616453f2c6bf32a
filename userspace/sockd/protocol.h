/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the socket broker. Both sockets are AF_UNIX SOCK_SEQPACKET; one packet is one struct rf_sockd_message, at most one fd
 * (SCM_RIGHTS) beside it. Integers in host order.
 *
 * agent -> broker on <run_dir>/sockd.sock (peer must be uid 0 and not in the pods cgroup; one agent at a time, the newest wins):
 *	POD_ADD   pod, addr4, addr6, port, fd = the pod's network namespace. The broker listens on each address that is not none.
 *	          Answer POD_STATE: error 0, or positive errno of the first listener that failed (EADDRINUSE: port taken); then none is open
 *	POD_DEL   pod. Answer POD_STATE with error ESRCH
 *	RECORDS   answer RECORDS with fd: the read end of the checker's access records (SOCK_DGRAM, one struct rf_access_record each)
 *	STATUS    answer STATUS: pid of the checker (0 = down), restarts, and how many listeners are open in `port`
 * The agent replays every pod after it (re)connects, then SYNCED: pods not replayed are dropped.
 *
 * broker -> checker on an inherited socketpair (fd 3; fd 4 = read-only `control` map; fd 5 = write end of the records):
 *	LISTENER  pod, addr4 or addr6 (the other one none), port, fd = listening socket (non-blocking): one message a listener
 *	POD_DEL   pod
 *	UPSTREAM  id, error or fd: answer to UPSTREAM
 *	TABLES    epoch, error or fd: answer to TABLES
 *	ALIVE     id: wants ALIVE with the same id, or takes the checker for one that hangs (sockd/watchdog.c)
 * checker -> broker:
 *	UPSTREAM  id, pod, addr4 or addr6 (the other one none), port: wants a TCP connection from that pod's network namespace to there,
 *	          tagged RF_TAG_CHECKER, non-blocking. The answer's socket is still connecting; EACCES: that is no destination for a checker
 *	TABLES    epoch: wants the routes map of that epoch
 *	ALIVE     id: answer to ALIVE
 */
#pragma once

#include <stdint.h>

#include <ringfence/address.h>

enum rf_sockd_op {
	RF_SOCKD_POD_ADD = 1,
	RF_SOCKD_POD_DEL,
	RF_SOCKD_POD_STATE,
	RF_SOCKD_SYNCED,
	RF_SOCKD_RECORDS,
	RF_SOCKD_STATUS,
	RF_SOCKD_LISTENER,
	RF_SOCKD_UPSTREAM,
	RF_SOCKD_TABLES,
	RF_SOCKD_ALIVE,
};

struct rf_sockd_message {
	uint32_t op;
	int32_t error; /* 0 or positive errno */
	uint64_t pod;  /* cgroup id */
	uint64_t id;   /* UPSTREAM: the asker's number, echoed */
	struct rf_addr addr4;
	struct rf_addr addr6;
	rf_epoch_t epoch;
	uint32_t pid;
	uint32_t restarts;
	uint16_t port;
	uint16_t pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_sockd_message) == 72, "broker protocol");

#define RF_SO_ORIGINAL_DST 80 /* linux/netfilter_ipv4.h; asked on SOL_IP for sockets of both families */

#define RF_CHECKER_BROKER_FD  3
#define RF_CHECKER_CONTROL_FD 4
#define RF_CHECKER_RECORDS_FD 5

#define RF_RECORD_METHOD_MAX 16
#define RF_RECORD_PATH_MAX   256
struct rf_access_record {
	uint64_t time_ns; /* CLOCK_MONOTONIC at the decision */
	rf_identity_t src;
	rf_identity_t dst;
	uint64_t pod;
	struct rf_addr dst_addr;
	uint16_t dst_port;
	uint16_t status;   /* as sent to the client; 0 = connection closed */
	uint16_t reason;   /* enum rf_reason */
	uint16_t path_len; /* as received; may exceed the room below */
	uint32_t rule_id;
	rf_epoch_t epoch;
	uint32_t lost;  /* records this checker had to drop before this one */
	uint16_t would; /* reason ALLOW_AUDIT: the enum rf_reason that would have denied, else 0 */
	uint16_t pad;
	uint64_t request_bytes;
	uint64_t response_bytes;
	uint64_t duration_ns;
	char method[RF_RECORD_METHOD_MAX]; /* NUL-terminated; a TLS connection: "TLS" */
	char path[RF_RECORD_PATH_MAX];     /* NUL-terminated, cut, without query; a TLS connection: its server name, and its status is 0 */
};
