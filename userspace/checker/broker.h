/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker's end of the broker socket. Never blocks: what cannot be sent at once is sent when there is room.
 */
#pragma once

#include <ringfence/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct rf_checker;
struct rf_conn;

TAILQ_HEAD(rf_conn_queue, rf_conn);

struct rf_broker {
	struct rf_checker *checker;
	int fd;
	struct rf_source *source;
	struct rf_conn_queue waiting; /* for an upstream socket, oldest first; the broker answers in order */
	uint64_t last_id;
	rf_epoch_t tables_wanted; /* 0 = none */
	bool tables_asked;
	uint64_t sign_owed; /* of life; 0: none */
};

/* fd becomes the broker's. When the broker goes away the loop stops: a checker without broker has no purpose. */
int rf_broker_init(struct rf_broker *broker, struct rf_checker *checker, int fd);
/* The answer is rf_conn_upstream(). */
void rf_broker_ask_upstream(struct rf_broker *broker, struct rf_conn *conn);
void rf_broker_cancel(struct rf_broker *broker, struct rf_conn *conn);
/* The answer is rf_conn_tables() for every parked connection. */
void rf_broker_ask_tables(struct rf_broker *broker, rf_epoch_t epoch);
