/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a local pod, from its record in the run directory: what a Service would select it by. */
#pragma once

#include "cli/why_policy.h"
#include "core/instance.h"

#define RF_WHY_LABELS_MAX 16
struct rf_why_labels {
	struct rf_why_label items[RF_WHY_LABELS_MAX];
	size_t count;
	char texts[4096];
};

/* pod: "ns/name". 0 or -errno. */
int rf_why_labels_read(const struct rf_instance *instance, const char *pod, struct rf_why_labels *ret);
