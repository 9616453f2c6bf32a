/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of checks, each with what was looked at, how it is, why, and what to do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/json.h"

#define RF_VERIFY_MAX 64

enum rf_verify_status {
	RF_VERIFY_OK,
	RF_VERIFY_NOTE, /* as it is, but people should know */
	RF_VERIFY_FAILED,
};

struct rf_verify_check {
	unsigned depth;
	enum rf_verify_status status;
	char context[256];
	char reason[1024];
	char suggestion[4096];
};

struct rf_verify {
	struct rf_verify_check checks[RF_VERIFY_MAX];
	size_t count;
};

/* One more; NULL where there is no room. reason and suggestion may be "". */
struct rf_verify_check *rf_verify_add(struct rf_verify *v, unsigned depth, enum rf_verify_status status, const char *context,
				      const char *reason, const char *suggestion);
bool rf_verify_failed(const struct rf_verify *v);
void rf_verify_print(const struct rf_verify *v);
cJSON *rf_verify_json(const struct rf_verify *v); /* the tree: "checks", each with "checks" of its own; NULL without memory */
