/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a client and the one upstream connection that belongs to it, as a state machine.
 *
 *	HEAD      a request head is being received (or none has begun: idle)
 *	HELLO     the port is one of TLS: a ClientHello is being received; once it is allowed, a TUNNEL after CONNECT
 *	TABLES    a head is complete, the table of the live epoch is on its way
 *	UPSTREAM  allowed, the broker begins the upstream connection
 *	CONNECT   it is connecting
 *	EXCHANGE  the request goes up, its response comes down; then HEAD again
 *	DRAIN     denied and answered, the body of the denied request is thrown away; then HEAD again
 *	TUNNEL    after 101, or TLS: bytes both ways, decided anew at every revision
 *	FLUSH     the last bytes for the client are being written
 *	LINGER    all written and shut down; what the client still sends is thrown away so that it can read our last words
 *	DEAD      closed, freed when the current step returns
 *
 * conn.c: life, events, reading and writing. request.c: HEAD, TABLES, DRAIN. hello.c: HELLO. upstream.c: UPSTREAM, CONNECT. exchange.c:
 * EXCHANGE, TUNNEL.
 */
#pragma once

#include <ringfence/tables.h>

#include "automaton/automaton.h"
#include "checker/buffer.h"
#include "checker/checker.h"
#include "checker/framing.h"

enum rf_conn_state {
	RF_CONN_HEAD,
	RF_CONN_HELLO,
	RF_CONN_TABLES,
	RF_CONN_UPSTREAM,
	RF_CONN_CONNECT,
	RF_CONN_EXCHANGE,
	RF_CONN_DRAIN,
	RF_CONN_TUNNEL,
	RF_CONN_FLUSH,
	RF_CONN_LINGER,
	RF_CONN_DEAD,
};

struct rf_side { /* one of the two sockets */
	int fd;
	struct rf_source *source;
	bool readable; /* epoll said so and no read has come up short since */
	bool blocked;  /* the last write did not fit */
	bool eof;      /* it has finished sending */
	bool shut;     /* we have finished sending */
	bool broken;   /* writing failed; what it sent before may still be read */
};

struct rf_tunnel {
	void *memory; /* what the question points to; NULL: asks for no upgrade */
	struct rf_request_question question;
	rf_epoch_t epoch; /* by which it was decided */
	bool parked;      /* waits for the tables of the live one */
};

struct rf_conn {
	TAILQ_ENTRY(rf_conn) link;
	TAILQ_ENTRY(rf_conn) waiting; /* in the broker's queue */
	TAILQ_ENTRY(rf_conn) turns;   /* in its pod's queue */
	bool waits_turn;
	bool queued, asked;
	uint64_t id;
	struct rf_checker *checker;
	struct rf_listener *listener;
	struct rf_origdst dst;
	enum rf_conn_state state;
	uint64_t deadline_ns; /* 0 = none */
	struct rf_side client, upstream;
	struct rf_buffer up, down;
	bool served;       /* a response was relayed before: upstream is an old connection */
	bool kind_known;   /* its first bytes have come, and which protocol the port is of has been looked up */
	bool tls;          /* it is TLS: never gets an HTTP answer */
	bool head_begun;   /* bytes of a head are there */
	bool line_skipped; /* the one empty line that may precede a request */
	size_t scanned;    /* rf_head_scan() on `up` */
	size_t head_size;  /* != 0: complete head at the front of the fresh bytes of `up` */
	size_t discarded;  /* bytes thrown away in DRAIN and LINGER */
	/* the current request */
	struct rf_framing req, resp;
	bool is_head, upgrade, keep_alive, http10;
	bool resp_begun; /* its final response head has passed */
	bool resp_keep_alive;
	bool relayed; /* something of a response has passed, 1xx included */
	size_t resp_scanned;
	struct rf_tunnel tunnel;
	bool recording;
	struct rf_access_record record;
};

/* conn.c */
/* fd (non-blocking) becomes the connection's; it is closed if it has no original destination. */
void rf_conn_accept(struct rf_listener *listener, int fd);
void rf_conn_advance(struct rf_conn *conn); /* as far as it goes in one turn (turns.h); may free conn */
void rf_conn_expire(struct rf_conn *conn, uint64_t now_ns);
uint64_t rf_conn_deadline(const struct rf_conn *conn, uint32_t ms); /* from now, CLOCK_MONOTONIC */
void rf_conn_state(struct rf_conn *conn, enum rf_conn_state state);
void rf_conn_end(struct rf_conn *conn, bool reset); /* both sides */
void rf_conn_drop_upstream(struct rf_conn *conn, bool reset);
int rf_conn_watch_upstream(struct rf_conn *conn);
int rf_conn_watch(struct rf_conn *conn); /* for what its state waits for; 0 or -errno */
/* Our own answer; then FLUSH and LINGER unless keep. */
void rf_conn_answer(struct rf_conn *conn, unsigned int status, bool keep);
void rf_conn_record(struct rf_conn *conn, unsigned int status, unsigned int reason); /* finishes the open record */
void rf_conn_record_begin(struct rf_conn *conn);
/* true = something moved. Reading ends the connection on errors; writing marks the side broken. */
bool rf_conn_read(struct rf_conn *conn, struct rf_side *side, struct rf_buffer *buffer);
bool rf_conn_write(struct rf_conn *conn, struct rf_side *side, struct rf_buffer *buffer);

/* request.c */
/* The question about this connection; what the request itself says is the caller's to fill in. */
struct rf_request_question rf_conn_question(const struct rf_conn *conn);
/* Asks by the table of the live revision and writes the answer into the open record. */
enum rf_reason rf_conn_decide(struct rf_conn *conn, const void *blob, const struct rf_request_question *question);
/* May what this answers go on? Every other reason denies, one that the checker does not know included. */
bool rf_decision_admits(enum rf_reason reason);
/* The table of the live epoch; NULL with *ret_epoch != 0: asked for, the connection waits in TABLES; with 0: there is no policy. */
const void *rf_conn_blob(struct rf_conn *conn, rf_epoch_t *ret_epoch);
bool rf_request_head(struct rf_conn *conn);
bool rf_request_drain(struct rf_conn *conn);
void rf_conn_tables(struct rf_conn *conn, rf_epoch_t epoch, int error);

/* hello.c */
bool rf_hello_step(struct rf_conn *conn);
void rf_hello_refuse(struct rf_conn *conn, enum rf_reason reason); /* records and ends it */

/* upstream.c */
void rf_conn_upstream(struct rf_conn *conn, int fd, int error); /* fd becomes the connection's; may free conn */
bool rf_upstream_connected(struct rf_conn *conn);
void rf_upstream_failed(struct rf_conn *conn);

/* exchange.c */
void rf_exchange_begin(struct rf_conn *conn);
bool rf_exchange_step(struct rf_conn *conn);
bool rf_tunnel_step(struct rf_conn *conn);

/* tunnel.c. init: before the checker gives up making timers (confine.h). */
int rf_tunnel_init(struct rf_checker *checker);
/* Keeps a copy of what must be asked again: at most a head (RF_HEAD_MAX) and its index. 0 or -ENOMEM. */
int rf_tunnel_remember(struct rf_conn *conn, const struct rf_request_question *question, rf_epoch_t epoch);
void rf_tunnel_forget(struct rf_conn *conn);
int rf_tunnel_begin(struct rf_conn *conn); /* state TUNNEL */
/* By the live revision? false: parked until its tables are there, or ended. */
bool rf_tunnel_may_go_on(struct rf_conn *conn);
