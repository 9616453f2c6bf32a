/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy file as a tree of nodes that know their place and byte range: what the decoders read and what the editor cuts. YAML 1.1
 * (https://yaml.org/spec/1.1/) through libyaml's event parser, with everything refused that makes one document mean two things to two
 * readers: tags, directives, duplicate keys, keys that are not scalars. Anchors, aliases and merge keys are resolved (anchors.h). JSON
 * (RFC 8259) must please a JSON parser first and then goes the same way. Limits: RF_FILE_MAX bytes, RF_DEPTH_MAX levels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/diag.h"
#include "objects/source.h"

#define RF_PROBLEMS_MAX 50 /* listed of one file */

enum rf_node_kind { RF_NODE_SCALAR, RF_NODE_SEQUENCE, RF_NODE_MAPPING };
enum rf_scalar_style { RF_SCALAR_PLAIN, RF_SCALAR_SINGLE, RF_SCALAR_DOUBLE, RF_SCALAR_BLOCK };

struct rf_node {
	enum rf_node_kind kind;
	struct rf_place place;
	const struct rf_source *source;
	size_t start; /* byte range in the source; a block collection ends where its last child ends */
	size_t end;
	struct rf_node *parent;
	const struct rf_node *key; /* of a mapping's value, else NULL */
	size_t index;              /* in the parent */
	/* An alias: the node that it stands for, whose text, style and values it has; or NULL. Its place and range are the alias's own. */
	const struct rf_node *anchor;
	bool shared; /* an anchor, an alias, a map with a merge key: to be edited by hand only */
	/* scalar */
	const char *text; /* NUL-terminated; contains no other NUL */
	size_t text_len;
	enum rf_scalar_style style;
	/* collection */
	bool flow;
	struct rf_node **items; /* sequence: items; mapping: values (their ->key is never NULL) */
	size_t count;
};

struct rf_document {
	struct rf_node *root; /* NULL: nothing but comments, or refused */
	size_t marker;        /* offset of its "---", or text_start without one */
	size_t text_start;    /* after the "---" line */
	size_t text_end;      /* at the next "---", "..." or the end of the file */
};

struct rf_tree {
	struct rf_source source;
	struct rf_document *documents;
	size_t count;
};

/* Parses one file. Problems go to diags; a document with one has no root. 0, or -ENOMEM. The tree lives in diags->arena. */
int rf_tree_parse(struct rf_diags *diags, const char *name, const char *text, size_t len, struct rf_tree **ret);

/* Value of a key, or NULL (also when node is NULL or no mapping). */
struct rf_node *rf_node_get(const struct rf_node *node, const char *key);
bool rf_node_is_null(const struct rf_node *node); /* plain null, Null, NULL, ~ or nothing */
/* "spec.rules[0].name", cut to size. Returns buffer. */
const char *rf_node_path(const struct rf_node *node, char *buffer, size_t size);
/* Place of byte `offset` of a scalar's text, where the scalar is on one line; else the scalar's own place. */
struct rf_place rf_node_place_at(const struct rf_node *node, size_t offset);
