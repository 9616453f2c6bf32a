/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a control client -> a checked request (control.md). Pure. Whoever connects is root, but a typing error of root's must not reach
 * a path name or the kernel either: everything is checked here. Sentences in `error` are for the answer's "error" field.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "objects/objects.h"

#define RF_REQUEST_MAX (1024 * 1024) /* bytes of a request line, its newline included */
#define RF_LABELS_MAX  64
#define RF_LABEL_MAX   512 /* bytes of one key or value */

/* Is there a whole line in buf? 0 and its length without the newline; -EAGAIN: not yet; -EMSGSIZE: too long, whether whole or not. */
int rf_request_line(const char *buf, size_t len, size_t *ret_line_len);

/* One JSON object with a string "op" and nothing behind it. -EINVAL with error. */
int rf_request_parse(const char *line, size_t len, cJSON **ret, char *error, size_t size);

/* pod.create. Strings belong to the request object; "" = not given. */
struct rf_pod_request {
	const char *ns;
	const char *name;
	const char *service_account;
	const char *deployment_ns;
	const char *deployment;
	uint32_t addr_be; /* 0 = any */
	struct rf_pair_text labels[RF_LABELS_MAX];
	size_t label_count;
	struct rf_pair_text annotations[RF_LABELS_MAX]; /* what they say was checked */
	size_t annotation_count;
	char deployment_ns_room[64];
};
int rf_request_pod(const cJSON *request, struct rf_pod_request *ret, char *error, size_t size);

/* "ns" and "name" of an existing pod. */
int rf_request_pod_name(const cJSON *request, const char **ret_ns, const char **ret_name, char *error, size_t size);
