/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the agent (userspace/agent/control.md). One connection a request. Every function takes ownership of `request`, also on failure;
 * NULL (no memory while it was built) is -ENOMEM. An answer belongs to the caller (_cleanup_json_ of core/json.h).
 */
#pragma once

#include "core/instance.h"
#include "core/json.h"

/* {"op": op}; NULL without memory. */
cJSON *rf_client_request(const char *op);

/* One request, one answer, whatever it says ("ok" true or false); prints nothing. -ENOENT: no agent runs. -EPROTO: not an answer. */
int rf_client_exchange(const struct rf_instance *instance, cJSON *request, cJSON **ret_answer);
/* The same, -EAGAIN if the agent does not answer within so many seconds (0: no limit). */
int rf_client_exchange_within(const struct rf_instance *instance, cJSON *request, int seconds, cJSON **ret_answer);

/* The same for commands that only want success: 0 if the answer says ok. Otherwise the reason (and what to do) is on stderr already:
 * -ENOENT: no agent runs; -EREMOTEIO: the agent refused; else a transport error. */
int rf_client_call(const struct rf_instance *instance, cJSON *request, cJSON **ret_answer);

/* Many lines: fn gets each object (owned by the caller of fn, gone afterwards) until it returns non-zero or the agent ends the stream.
 * The first answer {"ok":...} is consumed here. Returns fn's value, 0 at the end, or as rf_client_call (printed too). */
int rf_client_stream(const struct rf_instance *instance, cJSON *request, int (*fn)(void *arg, const cJSON *line), void *arg);

/* For commands that work without the agent too: the sentence about a missing agent, with the command that starts it. Returns r. */
int rf_client_explain(const struct rf_instance *instance, int r);
