/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new pod is: its ServiceAccount, labels and environment, from the request and the objects. Pure.
 */
#pragma once

#include <stddef.h>

#include "agent/registry.h"
#include "agent/request.h"

/* Rules:
 * - its namespace must be an object, "default" always is one; so must its ServiceAccount, the account "default" always is one;
 * - deployment given: the Deployment must exist; its template gives account, labels, environment. An account in the request must be the
 * same;
 * - otherwise a Pod object of this name gives them (and its status.podIP the address, in (*ret)->addr_be);
 * - otherwise account and labels are the request's, "default" and none if absent;
 * - labels of the request are added and win;
 * - no name: the Deployment's or the account's, with "-2", "-3"... while a pod of the name lives.
 * -ENOENT and others with error and the hint that mends it. */
int rf_template_apply(const struct rf_objects *objects, const struct rf_registry *pods, const struct rf_pod_request *request,
		      struct rf_local_pod **ret, char *error, char *hint, size_t size);
