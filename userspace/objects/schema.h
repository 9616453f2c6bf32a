/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of objects as tables: which fields there are, of which type, and which are required. What the API server does with a CRD's
 * schema, with the place of every problem.
 */
#pragma once

#include <stdint.h>

#include "objects/tree.h"

struct rf_decode;

enum rf_type {
	RF_TYPE_ANY,
	RF_TYPE_STRING,
	RF_TYPE_TEXT, /* a string that is not empty */
	RF_TYPE_BOOL,
	RF_TYPE_INTEGER, /* min..max */
	RF_TYPE_PORT_OR_NAME,
	RF_TYPE_ENUM, /* one of values */
	RF_TYPE_LABEL,
	RF_TYPE_NAME,
	RF_TYPE_HOST,
	RF_TYPE_CIDR,
	RF_TYPE_DURATION,
	RF_TYPE_PATTERN, /* RE2, may be empty */
	RF_TYPE_MAP,     /* fields */
	RF_TYPE_LIST,    /* of item, at least min */
	RF_TYPE_LABELS,
	RF_TYPE_ANNOTATIONS,
};

struct rf_field {
	const char *name; /* NULL ends a table */
	enum rf_type type;
	bool required;
	int64_t min, max;
	const char *const *values;     /* NULL-terminated */
	const struct rf_field *fields; /* of a MAP */
	const struct rf_field *item;   /* of a LIST; its name is not used */
};

#define RF_END                                                                                                                             \
	{                                                                                                                                  \
		.name = NULL                                                                                                               \
	}
#define RF_FIELD(field_name, field_type, ...)                                                                                              \
	{                                                                                                                                  \
		.name = (field_name), .type = RF_TYPE_##field_type, __VA_ARGS__                                                            \
	}
#define RF_REQUIRED .required = true
#define RF_PORT     .min = 1, .max = 65535

extern const struct rf_field rf_metadata_fields[];
/* What every object has. metadata is required by hand (decode.c): its name is. */
#define RF_COMMON_FIELDS                                                                                                                   \
	RF_FIELD("apiVersion", STRING, RF_REQUIRED), RF_FIELD("kind", STRING, RF_REQUIRED),                                                \
		RF_FIELD("metadata", MAP, RF_REQUIRED, .fields = rf_metadata_fields), RF_FIELD("status", ANY)

/* Checks a map against a table; problems are counted in d. 0 or -ENOMEM. */
int rf_schema_check(struct rf_decode *d, const struct rf_node *map, const struct rf_field *fields);
/* Is this text of a scalar an RE2 pattern? The problem's place is the byte inside the pattern. 0 or -ENOMEM. */
int rf_check_pattern(struct rf_decode *d, const struct rf_node *node, const char *text);
