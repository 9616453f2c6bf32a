/* SPDX-License-Identifier: Apache-2.0 */
/* The table that `get KIND` prints: NAMESPACE, NAME, then what tells objects of this kind apart. */
#pragma once

#include "cli/kinds.h"
#include "core/json.h"
#include "objects/objects.h"

struct rf_get_query {
	const struct rf_objects *objects;
	const struct rf_kind_name *kind;
	const char *ns;        /* NULL: all */
	const char *name;      /* NULL: all */
	const cJSON *services; /* the agent's answer to "services", or NULL */
};

bool rf_get_matches(const struct rf_get_query *query, const struct rf_meta *meta);
/* Prints; *ret_count objects. -ENOMEM. */
int rf_get_table(const struct rf_get_query *query, size_t *ret_count);
