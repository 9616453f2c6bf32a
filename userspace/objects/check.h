/* SPDX-License-Identifier: Apache-2.0 */
/* Between check.c and check_outside.c; internal to objects/. */
#pragma once

#include "objects/objects.h"

struct rf_finder {
	struct rf_object_ref **sorted; /* all objects, by kind, namespace and name */
	size_t count;
	const struct rf_http_route_group **groups; /* by namespace and name */
	size_t group_count;
	const struct rf_workload **workloads; /* by namespace */
	size_t workload_count;
};

const struct rf_object_ref *rf_finder_find(const struct rf_finder *f, const char *kind, const char *ns, const char *name); /* or NULL */
/* Warns of a ServiceAccount that is most likely misspelt. 0 or -ENOMEM. */
int rf_check_account(struct rf_objects *o, const struct rf_finder *f, const struct rf_account_ref *a);
/* Egress and TrafficSplit. 0 or -ENOMEM. */
int rf_check_outside(struct rf_objects *o, const struct rf_finder *f);
