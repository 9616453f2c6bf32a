/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people use for kinds on a command line. */
#pragma once

#include <stdbool.h>

struct rf_kind_name {
	const char *kind;    /* "TrafficTarget" */
	const char *plural;  /* "traffictargets" */
	const char *shorter; /* "tt", or NULL */
	bool cluster_scoped;
};

/* Singular, plural or short name, in any case. NULL: unknown. */
const struct rf_kind_name *rf_kind_find(const char *word);
const struct rf_kind_name *rf_kind_at(unsigned index); /* NULL behind the last */
