/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "NS/NAME" on the command line, and what the agent knows about that pod. What run, exec, logs and stop have in common.
 */
#pragma once

#include "core/instance.h"
#include "core/json.h"
#include "pods/names.h"

struct rf_pod_ref {
	char ns[64];
	char name[RF_POD_NAME_MAX + 1];
};

/* "NS/NAME"; a name alone is in the namespace "default", as with kubectl. Complains on stderr and returns -EINVAL. */
int rf_pod_ref_parse(const char *text, struct rf_pod_ref *ret);
/* RINGFENCE_INSTANCE's instance, and root; complains and returns -errno. */
int rf_pod_ref_instance(struct rf_instance *ret);
/* The agent's `pods` array (owned by *ret_answer). Complains as rf_client_call. */
int rf_pod_ref_list(const struct rf_instance *instance, cJSON **ret_answer, const cJSON **ret_pods);
/* The element of that array, NULL if there is none. */
const cJSON *rf_pod_ref_find(const cJSON *pods, const struct rf_pod_ref *ref);
/* Asks the agent to forget the pod and remove its room. */
int rf_pod_ref_remove(const struct rf_instance *instance, const struct rf_pod_ref *ref, bool purge);
/* The exit code for a failed call: nobody to ask, or "no". */
int rf_pod_ref_exit(int r);
