/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/words.h"
#include "objects/decode.h"
#include "objects/scalar.h"

const struct rf_field rf_metadata_fields[] = {
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL),
	RF_FIELD("labels", LABELS),
	RF_FIELD("annotations", ANNOTATIONS),
	/* written by an API server, found in exported objects */
	RF_FIELD("clusterName", ANY),
	RF_FIELD("creationTimestamp", ANY),
	RF_FIELD("deletionGracePeriodSeconds", ANY),
	RF_FIELD("deletionTimestamp", ANY),
	RF_FIELD("finalizers", ANY),
	RF_FIELD("generateName", ANY),
	RF_FIELD("generation", ANY),
	RF_FIELD("managedFields", ANY),
	RF_FIELD("ownerReferences", ANY),
	RF_FIELD("resourceVersion", ANY),
	RF_FIELD("selfLink", ANY),
	RF_FIELD("uid", ANY),
	RF_END,
};

static int check_value(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field);

static int check_enum(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field, const char *text)
{
	const char *near = NULL;
	char list[256] = "";
	size_t used = 0;

	for (const char *const *v = field->values; *v; v++) {
		if (strcmp(*v, text) == 0)
			return 0;
		if (rf_word_distance(*v, text) == 0)
			near = *v;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", *v);
	}
	if (near)
		return rf_decode_error(d, node, "\"%s\" is written %s", text, near);
	if (!field->values[1])
		return rf_decode_error(d, node, "must be %s, not \"%s\"", list, text);
	return rf_decode_error(d, node, "\"%s\" is not one of %s", text, list);
}

int rf_check_pattern(struct rf_decode *d, const struct rf_node *node, const char *text)
{
	struct rf_pattern_error error = {0};
	struct rf_node there = *node;
	int r = rf_pattern_check(text, strlen(text), &error);

	if (r == 0 || r == -ENOMEM)
		return r;
	there.place = rf_node_place_at(node, error.offset);
	return rf_decode_error(d, &there, "\"%s\" is not a valid RE2 pattern: %s", text, error.text);
}

/* Types that are a plain judgement of a string, with the words for a refusal. */
static int check_text(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field, const char *text)
{
	struct rf_addr net;
	unsigned prefix;

	switch (field->type) {
	case RF_TYPE_TEXT:
		return *text ? 0 : rf_decode_error(d, node, "must not be empty");
	case RF_TYPE_ENUM:
		return check_enum(d, node, field, text);
	case RF_TYPE_LABEL:
		return rf_text_is_label(text) ? 0 : rf_decode_error(d, node, "\"%s\" is not a DNS label (a-z, 0-9, '-', at most 63)", text);
	case RF_TYPE_NAME:
		return rf_text_is_name(text) ? 0 : rf_decode_error(d, node, "\"%s\" is not a name (a-z, 0-9, '-', '.', at most 253)", text);
	case RF_TYPE_HOST:
		return rf_text_is_host(text) ? 0 : rf_decode_error(d, node, "\"%s\" is not a host name", text);
	case RF_TYPE_CIDR:
		return rf_text_range(text, &net, &prefix) == 0
			       ? 0
			       : rf_decode_error(d, node, "expected a range in CIDR notation a.b.c.d/x or x:y::/n, got \"%s\"", text);
	case RF_TYPE_DURATION:
		return rf_text_is_duration(text) ? 0 : rf_decode_error(d, node, "\"%s\" is not a duration (like 300ms, 1.5s, 24h)", text);
	case RF_TYPE_PATTERN:
		return rf_check_pattern(d, node, text);
	default:
		return 0;
	}
}

static const char *kind_of(const struct rf_node *node)
{
	return node->kind == RF_NODE_MAPPING ? "map" : node->kind == RF_NODE_SEQUENCE ? "list" : "single value";
}

static int check_string(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field)
{
	const char *text;

	if (rf_scalar_string(node, &text) == 0)
		return check_text(d, node, field, text);
	if (node->kind == RF_NODE_SCALAR)
		return rf_decode_error(d, node, "%s is not a string: put it in quotes", node->text);
	return rf_decode_error(d, node, "a string is required, not a %s", kind_of(node));
}

static int check_bool(struct rf_decode *d, const struct rf_node *node)
{
	bool value;

	if (rf_scalar_bool(node, &value) == 0)
		return 0;
	if (node->kind == RF_NODE_SCALAR)
		return rf_decode_error(d, node, "must be true or false, not \"%s\"", node->text);
	return rf_decode_error(d, node, "must be true or false, not a %s", kind_of(node));
}

static int check_integer(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field)
{
	int64_t value;

	if (rf_scalar_integer(node, field->min, field->max, &value) == 0)
		return 0;
	if (node->kind != RF_NODE_SCALAR)
		return rf_decode_error(d, node, "a whole number from %lld to %lld is required, not a %s", (long long)field->min,
				       (long long)field->max, kind_of(node));
	if (node->style != RF_SCALAR_PLAIN)
		return rf_decode_error(d, node, "\"%s\" is a text: a whole number from %lld to %lld is written without quotes", node->text,
				       (long long)field->min, (long long)field->max);
	return rf_decode_error(d, node, "%s is not a whole number from %lld to %lld", node->text, (long long)field->min,
			       (long long)field->max);
}

static int check_port_or_name(struct rf_decode *d, const struct rf_node *node)
{
	const char *text;
	int64_t port;

	if (rf_scalar_integer(node, 1, 65535, &port) == 0)
		return 0;
	if (rf_scalar_string(node, &text) == 0 && rf_text_is_port_name(text))
		return 0;
	return rf_decode_error(d, node,
			       "\"%s\" is neither a port from 1 to 65535 (without quotes) nor the name of one (a-z, 0-9, '-', at most 15)",
			       node->kind == RF_NODE_SCALAR ? node->text : kind_of(node));
}

static int check_pairs(struct rf_decode *d, const struct rf_node *node, bool labels)
{
	static const struct rf_field value = {.type = RF_TYPE_STRING};
	int r = 0;

	if (node->kind != RF_NODE_MAPPING)
		return rf_decode_error(d, node, "must be a map of texts (key: text), not a %s", kind_of(node));
	for (size_t i = 0; i < node->count && r == 0; i++) {
		const struct rf_node *item = node->items[i];
		const char *text;

		if (!rf_text_is_label_key(item->key->text))
			r = rf_decode_error(d, item->key, "\"%s\" is not a valid key", item->key->text);
		if (r == 0)
			r = check_string(d, item, &value);
		if (r == 0 && labels && rf_scalar_string(item, &text) == 0 && !rf_text_is_label_value(text))
			r = rf_decode_error(d, item, "\"%s\" is not a valid label value", text);
	}
	return r;
}

static int check_list(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field)
{
	int r = 0;

	if (node->kind != RF_NODE_SEQUENCE)
		return node->kind == RF_NODE_SCALAR ? rf_decode_error(d, node, "must be a list: [%s]", node->text)
						    : rf_decode_error(d, node, "must be a list, not a map: each item begins with \"- \"");
	if ((int64_t)node->count < field->min)
		return rf_decode_error(d, node, "must not be empty");
	for (size_t i = 0; i < node->count && r == 0; i++)
		r = check_value(d, node->items[i], field->item);
	return r;
}

static int check_null(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field)
{
	bool metadata = field->type == RF_TYPE_LABELS || field->type == RF_TYPE_ANNOTATIONS; /* in all strict kinds nothing else is */

	if ((!d->strict || metadata) && !field->required)
		return 0; /* as the API server: the same as absent */
	return rf_decode_error(d, node, "has no value: give it one%s, or remove the key",
			       field->type == RF_TYPE_LIST  ? ", write [] for an empty list"
			       : field->type == RF_TYPE_MAP ? ", write {} for an empty map"
							    : "");
}

static int check_value(struct rf_decode *d, const struct rf_node *node, const struct rf_field *field)
{
	if (field->type == RF_TYPE_ANY)
		return 0;
	if (rf_node_is_null(node))
		return check_null(d, node, field);
	switch (field->type) {
	case RF_TYPE_BOOL:
		return check_bool(d, node);
	case RF_TYPE_INTEGER:
		return check_integer(d, node, field);
	case RF_TYPE_PORT_OR_NAME:
		return check_port_or_name(d, node);
	case RF_TYPE_MAP:
		if (node->kind != RF_NODE_MAPPING)
			return rf_decode_error(d, node, "must be a map (key: value), not a %s", kind_of(node));
		return rf_schema_check(d, node, field->fields);
	case RF_TYPE_LIST:
		return check_list(d, node, field);
	case RF_TYPE_LABELS:
	case RF_TYPE_ANNOTATIONS:
		return check_pairs(d, node, field->type == RF_TYPE_LABELS);
	default:
		return check_string(d, node, field);
	}
}

static const struct rf_field *find_field(const struct rf_field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static const char *nearest(const struct rf_field *fields, const char *name)
{
	size_t best = strlen(name) < 2 * RF_WORD_SLIPS + 3 ? RF_WORD_SLIPS : RF_WORD_SLIPS + 1; /* global is no slip for local */
	const char *near = NULL;

	for (; fields->name; fields++) {
		size_t distance = rf_word_distance(fields->name, name);

		if (distance < best) {
			best = distance;
			near = fields->name;
		}
	}
	return near;
}

/* The field whose own fields, or those of its items, have that name. */
static const char *owner(const struct rf_field *fields, const char *name)
{
	for (; fields->name; fields++) {
		const struct rf_field *map = fields->type == RF_TYPE_LIST ? fields->item : fields;

		if (map && map->type == RF_TYPE_MAP && map->fields && find_field(map->fields, name))
			return fields->name;
	}
	return NULL;
}

/* A slip, a field at the wrong level, or something that is no field at all: then what there is. */
static int unknown_field(struct rf_decode *d, const struct rf_node *value, const struct rf_field *fields)
{
	const char *name = value->key->text, *near = nearest(fields, name), *below = owner(fields, name);
	struct rf_node there = *value;
	char list[256] = "";
	size_t used = 0;

	there.place = value->key->place;
	if (near)
		return rf_decode_error(d, &there, "unknown field; did you mean \"%s\"?", near);
	if (below)
		return rf_decode_error(d, &there, "unknown field here; it belongs into \"%s\"", below);
	for (; fields->name && used < sizeof(list); fields++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", fields->name);
	return rf_decode_error(d, &there, "unknown field; there are: %s%s", list, used < sizeof(list) ? "" : "...");
}

static int check_required(struct rf_decode *d, const struct rf_node *map, const struct rf_field *fields)
{
	int r = 0;

	for (; fields->name && r == 0; fields++) {
		if (fields->required && !rf_node_get(map, fields->name))
			r = rf_decode_error(d, map, "%s is required", fields->name);
	}
	return r;
}

int rf_schema_check(struct rf_decode *d, const struct rf_node *map, const struct rf_field *fields)
{
	int r = 0;

	for (size_t i = 0; i < map->count && r == 0; i++) {
		const struct rf_node *value = map->items[i];
		const struct rf_field *field = find_field(fields, value->key->text);

		if (field)
			r = check_value(d, value, field);
		else if (d->strict)
			r = unknown_field(d, value, fields);
	}
	return r < 0 ? r : check_required(d, map, fields);
}
