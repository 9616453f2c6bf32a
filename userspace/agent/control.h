/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket (control.md): accepts, checks who it is, reads one request, answers, closes. Clients that are slow or silent cost a
 * bounded buffer and never the agent's time. Answers may come later: a client has a number, and answering a number that is gone does
 * nothing.
 */
#pragma once

#include <stdint.h>

#include "core/json.h"

#define RF_CONTROL_CLIENTS_MAX 64
#define RF_CONTROL_AHEAD       (64 * 1024) /* bytes of a stream that are made ready for one client; the rest is read from the ring later */
#define RF_CONTROL_STUCK_MS    10000 /* a stream whose reader has taken nothing for so long may have to make room for another client */
#define RF_CONTROL_REQUEST_MS  10000 /* a request must be whole by then */
#define RF_CONTROL_LATER_MS    3000  /* an answer that has to wait for others, such as the broker */

struct rf_agent;
struct rf_control_server;
struct rf_local_pod;
struct rf_event_filter;

int rf_control_new(struct rf_agent *agent, struct rf_control_server **ret);
void rf_control_free(struct rf_control_server *control); /* NULL-safe; removes the socket */

/* {"ok":true, ...answer}; takes answer (NULL = nothing to add). The client is closed once it has read it. */
void rf_control_answer(struct rf_control_server *control, uint64_t id, cJSON *answer);
/* {"ok":false,"error":...,"hint":...}; hint may be NULL or "". extra: further fields, taken, or NULL. */
void rf_control_answer_error(struct rf_control_server *control, uint64_t id, const char *error, const char *hint);
void rf_control_refuse(struct rf_control_server *control, uint64_t id, const char *error, const char *hint, cJSON *extra);

/* The answer to pod.create, which waited for the broker. Clears pod->waiting_client. */
void rf_control_pod_created(struct rf_control_server *control, struct rf_local_pod *pod);
/* A read of the policies is done: answers everybody who waits in `sync`. */
void rf_control_synced(struct rf_control_server *control);

/* For ops.c: the client goes on living. later: rf_control_later_fn is called if no answer was given in RF_CONTROL_LATER_MS. */
void rf_control_wait(struct rf_control_server *control, uint64_t id, void (*give_up)(struct rf_agent *agent, uint64_t client));
void rf_control_wait_sync(struct rf_control_server *control, uint64_t id);
/* Sends the last lines that match, then, if follow, every new one. Takes filter. */
void rf_control_stream(struct rf_control_server *control, uint64_t id, struct rf_event_filter *filter, size_t last, bool follow);
