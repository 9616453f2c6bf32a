/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From trees to objects; internal to objects/. A kind is a row of a table (decode.c): apiVersion, kind, the shape of its fields and a
 * function that copies them out. The shape is checked first (schema.h); the functions then read with forgiving getters, add what a shape
 * cannot say, and push their object only if its document had no problem at all.
 */
#pragma once

#include <stdint.h>

#include "core/arena.h"
#include "objects/objects.h"
#include "objects/schema.h"
#include "objects/tree.h"

struct rf_decode {
	struct rf_objects *objects;
	struct rf_arena *arena;
	const struct rf_document *document;
	const struct rf_node *root; /* of the object */
	struct rf_meta meta;
	bool in_list;
	bool strict;         /* SMI and OSM kinds: an unknown field or an empty value is an error */
	unsigned problems;   /* errors of this object */
	unsigned *file_left; /* errors that may still be listed of this file */
};

typedef int (*rf_decode_fn)(struct rf_decode *d);

#define RF_KIND_STRICT  1u
#define RF_KIND_CLUSTER 2u /* has no namespace */
#define RF_KIND_AUDIT   4u /* RF_AUDIT_ANNOTATION means something on it */

struct rf_kind {
	const char *group; /* "" for core */
	const char *version;
	const char *kind;
	unsigned flags;
	const struct rf_field *fields; /* of the whole document */
	rf_decode_fn decode;
};

/* The kinds of each family, ending with an empty row. */
extern const struct rf_kind rf_kinds_core[];
extern const struct rf_kind rf_kinds_workload[];
extern const struct rf_kind rf_kinds_service[];
extern const struct rf_kind rf_kinds_ingress[];
extern const struct rf_kind rf_kinds_access[];
extern const struct rf_kind rf_kinds_specs[];
extern const struct rf_kind rf_kinds_split[];
extern const struct rf_kind rf_kinds_policy[];
extern const struct rf_kind rf_kinds_config[];

/* One object (or a List of them). 0 or -ENOMEM. */
int rf_decode_object(struct rf_decode *d);

/* "path.of.node: message" at the node's place; counted. 0 or -ENOMEM: decoding goes on. */
int rf_decode_error(struct rf_decode *d, const struct rf_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));
int rf_decode_warning(struct rf_decode *d, const struct rf_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Forgiving getters: fallback where the key is missing or of another type (which the shape has reported). */
const char *rf_get_text(const struct rf_node *map, const char *key, const char *fallback);
int64_t rf_get_integer(const struct rf_node *map, const char *key, int64_t fallback);
bool rf_get_bool(const struct rf_node *map, const char *key, bool fallback);
/* The node behind "a.b.c", or NULL. */
const struct rf_node *rf_get(const struct rf_node *map, const char *path);
/* Items of a sequence, 0 for anything else and for NULL. */
static inline size_t rf_get_count(const struct rf_node *list)
{
	return list && list->kind == RF_NODE_SEQUENCE ? list->count : 0;
}
/* Copies a map of texts. 0 or -ENOMEM. */
int rf_get_pairs(struct rf_arena *arena, const struct rf_node *map, struct rf_pair_text **items, size_t *count);
