/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a local pod as the agent sees it. Order when it begins: room, hooks (the checker not ready), policy with the pod in it,
 * broker, answer: nothing can run in it before it is enforced. Order when it ends: processes and room first, hooks last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/request.h"

struct rf_agent;
struct rf_local_pod;

/* Makes a pod. 0: *ret is hooked and in the policy; its checker_error is ENOTCONN until the broker has answered. error: a sentence, hint:
 * a command, both for failures. */
int rf_pods_create(struct rf_agent *agent, const struct rf_pod_request *request, struct rf_local_pod **ret, char *error, char *hint,
		   size_t size);
/* Retires and forgets it. */
int rf_pods_remove(struct rf_agent *agent, struct rf_local_pod *pod, bool purge);
/* Ends what lives of it and unhooks it; the record stays, its state is "exited". purge: without the log and the record's file. */
int rf_pods_retire(struct rf_agent *agent, struct rf_local_pod *pod, bool purge);
/* A command runs in it. Takes command. */
int rf_pods_started(struct rf_agent *agent, struct rf_local_pod *pod, pid_t pid, cJSON *command, bool net_raw);

/* Agent start: reads the records below run_dir, hooks what lives, clears away what does not. */
int rf_pods_adopt(struct rf_agent *agent);
/* Watches for pods that end, and looks at each every RF_LOOK_MS. */
int rf_pods_watch(struct rf_agent *agent);
bool rf_pods_hooked(const struct rf_local_pod *pod); /* nothing of it has drifted, by the last look */

/* From the broker: error as in POD_STATE; or the connection is gone. */
void rf_pods_checker_told(struct rf_agent *agent, struct rf_local_pod *pod, int error);
void rf_pods_checker_lost(struct rf_agent *agent);
