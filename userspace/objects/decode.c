/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/decode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/words.h"
#include "objects/scalar.h"

static const struct rf_kind *const families[] = {
	rf_kinds_core,  rf_kinds_workload, rf_kinds_service, rf_kinds_ingress, rf_kinds_access,
	rf_kinds_specs, rf_kinds_split,    rf_kinds_policy,  rf_kinds_config,
};

/* "spec.rules[0]: ", or nothing for the document itself. Returns its length. */
static size_t put_path(const struct rf_node *node, char *text, size_t size)
{
	char path[256];

	rf_node_path(node, path, sizeof(path));
	return *path ? (size_t)snprintf(text, size, "%s: ", path) : 0;
}

int rf_decode_error(struct rf_decode *d, const struct rf_node *node, const char *format, ...)
{
	char text[900];
	va_list ap;
	size_t used;
	int r;

	d->problems++;
	if (*d->file_left == 0)
		return 0;
	used = put_path(node, text, sizeof(text));
	va_start(ap, format);
	vsnprintf(text + used, sizeof(text) - used, format, ap);
	va_end(ap);
	r = rf_diag_error(&d->objects->diags, node->place, "%s", text);
	if (r != -ENOMEM && --*d->file_left == 0)
		r = rf_diag_error(&d->objects->diags, node->place, "too many problems: the others of this file are not listed");
	return r == -ENOMEM ? r : 0;
}

int rf_decode_warning(struct rf_decode *d, const struct rf_node *node, const char *format, ...)
{
	size_t used;
	char text[900];
	va_list ap;

	used = put_path(node, text, sizeof(text));
	va_start(ap, format);
	vsnprintf(text + used, sizeof(text) - used, format, ap);
	va_end(ap);
	return rf_diag_warning(&d->objects->diags, node->place, "%s", text);
}

const char *rf_get_text(const struct rf_node *map, const char *key, const char *fallback)
{
	const struct rf_node *node = rf_node_get(map, key);
	const char *text;

	return node && rf_scalar_string(node, &text) == 0 ? text : fallback;
}

int64_t rf_get_integer(const struct rf_node *map, const char *key, int64_t fallback)
{
	const struct rf_node *node = rf_node_get(map, key);
	int64_t value;

	return node && rf_scalar_integer(node, INT64_MIN, INT64_MAX, &value) == 0 ? value : fallback;
}

bool rf_get_bool(const struct rf_node *map, const char *key, bool fallback)
{
	const struct rf_node *node = rf_node_get(map, key);
	bool value;

	return node && rf_scalar_bool(node, &value) == 0 ? value : fallback;
}

const struct rf_node *rf_get(const struct rf_node *map, const char *path)
{
	char key[64];

	while (map) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		map = rf_node_get(map, key);
		if (!path[n])
			return map;
		path += n + 1;
	}
	return NULL;
}

int rf_get_pairs(struct rf_arena *arena, const struct rf_node *map, struct rf_pair_text **items, size_t *count)
{
	if (!map || map->kind != RF_NODE_MAPPING)
		return 0;
	for (size_t i = 0; i < map->count; i++) {
		const struct rf_node *value = map->items[i];
		struct rf_pair_text *pair;
		const char *text;

		if (rf_scalar_string(value, &text) < 0)
			continue;
		pair = RF_ARENA_PUSH(arena, *items, *count);
		if (!pair)
			return -ENOMEM;
		*pair = (struct rf_pair_text){.key = value->key->text, .value = text, .place = value->key->place};
	}
	return 0;
}

static int read_meta(struct rf_decode *d, const struct rf_kind *kind)
{
	const struct rf_node *metadata = rf_node_get(d->root, "metadata");
	struct rf_meta *m = &d->meta;
	int r;

	m->kind = kind->kind;
	m->place = rf_node_get(d->root, "kind")->key->place;
	m->name = rf_get_text(metadata, "name", "");
	m->ns = kind->flags & RF_KIND_CLUSTER ? "" : rf_get_text(metadata, "namespace", "default");
	m->text_start = d->in_list ? d->root->start : d->document->text_start;
	m->text_end = d->in_list ? d->root->end : d->document->text_end;
	r = rf_get_pairs(d->arena, rf_node_get(metadata, "labels"), &m->labels, &m->label_count);
	if (r == 0)
		r = rf_get_pairs(d->arena, rf_node_get(metadata, "annotations"), &m->annotations, &m->annotation_count);
	return r;
}

/* A misspelt switch that looks as if it were on would be found out too late. */
static int check_audit(struct rf_decode *d, const struct rf_kind *kind)
{
	const struct rf_node *node = rf_node_get(rf_get(d->root, "metadata.annotations"), RF_AUDIT_ANNOTATION);
	const char *text = node && node->text ? node->text : "";

	if (!node)
		return 0;
	if (!(kind->flags & RF_KIND_AUDIT))
		return rf_decode_warning(d, node, "has no meaning on a %s: put it on a Namespace or TrafficTarget", kind->kind);
	if (strcmp(text, RF_AUDIT_ENABLED) == 0 || strcmp(text, "disabled") == 0)
		return 0;
	return rf_decode_error(d, node, "\"%s\" is not one of enabled, disabled", text);
}

static int decode_kind(struct rf_decode *d, const struct rf_kind *kind)
{
	struct rf_object_ref *ref;
	int r;

	d->strict = kind->flags & RF_KIND_STRICT;
	r = rf_schema_check(d, d->root, kind->fields);
	if (r == 0)
		r = read_meta(d, kind);
	if (r == 0)
		r = check_audit(d, kind);
	if (r == 0)
		r = kind->decode(d);
	if (r < 0 || d->problems > 0)
		return r;
	ref = RF_ARENA_PUSH(d->arena, d->objects->all, d->objects->all_count);
	if (!ref)
		return -ENOMEM;
	*ref = (struct rf_object_ref){.meta = d->meta, .node = d->root, .document = d->document, .in_list = d->in_list};
	return 0;
}

static bool group_is_ours(const char *group)
{
	return rf_name_ends(group, "smi-spec.io") || rf_name_ends(group, "openservicemesh.io");
}

/* Groups in which nobody but Kubernetes defines kinds: a Service of apps/v1 is a slip. */
static bool group_is_kubernetes(const char *group)
{
	return !strchr(group, '.') || rf_name_ends(group, ".k8s.io");
}

/* Exact rows win; else the row of the same name, so that the message can say what would have been right. */
static const struct rf_kind *find_kind(const char *group, const char *version, const char *name, bool *ret_exact)
{
	const struct rf_kind *near = NULL;

	*ret_exact = false;
	if (strcmp(group, "gateway.networking.k8s.io") == 0) /* has a TCPRoute and an UDPRoute of its own */
		return NULL;
	for (size_t i = 0; i < RF_ARRAY_SIZE(families); i++) {
		for (const struct rf_kind *k = families[i]; k->kind; k++) {
			if (strcmp(k->kind, name) != 0)
				continue;
			if (strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0) {
				*ret_exact = true;
				return k;
			}
			/* a Service of knative's group is another thing; a TrafficTarget is one of ours in any group */
			if (!near && (k->flags & RF_KIND_STRICT || strcmp(k->group, group) == 0 || group_is_kubernetes(group)))
				near = k;
		}
	}
	return near;
}

static int decode_list(struct rf_decode *d)
{
	const struct rf_node *items = rf_node_get(d->root, "items");
	int r = 0;

	if (d->in_list)
		return rf_decode_error(d, d->root, "a List inside a List is not accepted: put its items into the outer one");
	if (!items || items->kind != RF_NODE_SEQUENCE)
		return rf_decode_error(d, items ? items : d->root, "a List needs a list of items (none: items: [])");
	for (size_t i = 0; i < items->count && r == 0; i++) {
		struct rf_decode item = {.objects = d->objects,
					 .arena = d->arena,
					 .document = d->document,
					 .root = items->items[i],
					 .in_list = true,
					 .file_left = d->file_left};

		r = rf_decode_object(&item);
	}
	return r;
}

/* Kinds that some version of OSM has and kubectl would apply. They are about certificates, telemetry and other clusters. */
static bool osm_knows(const char *group, const char *kind)
{
	static const char *const config[] = {"ExtensionService", "MeshRootCertificate", "MultiClusterService"};

	if (strcmp(group, "policy.openservicemesh.io") == 0)
		return strcmp(kind, "Telemetry") == 0;
	for (size_t i = 0; i < RF_ARRAY_SIZE(config); i++) {
		if (strcmp(group, "config.openservicemesh.io") == 0 && strcmp(kind, config[i]) == 0)
			return true;
	}
	return false;
}

/* An Ingress of the versions that clusters of OSM's time still took: of another shape, and nothing is lost that decides anything. */
static bool is_old_ingress(const char *group, const char *version, const char *kind)
{
	return strcmp(kind, "Ingress") == 0 && strcmp(version, "v1beta1") == 0 &&
	       (strcmp(group, "networking.k8s.io") == 0 || strcmp(group, "extensions") == 0);
}

/* "List", or what an API server answers: "ServiceList", with whole objects as items. */
static bool is_list(const struct rf_decode *d, const char *api, const char *kind)
{
	const struct rf_node *items = rf_node_get(d->root, "items");

	if (strcmp(api, "v1") == 0 && strcmp(kind, "List") == 0)
		return true;
	return rf_name_ends(kind, "List") && items && items->kind == RF_NODE_SEQUENCE && !rf_node_get(d->root, "spec");
}

/* With the kinds of that group, or where there are such kinds. */
static int unknown_kind(struct rf_decode *d, const char *group, const char *name)
{
	const char *near = NULL;
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(families); i++) {
		for (const struct rf_kind *k = families[i]; k->kind; k++) {
			if (strcmp(k->group, group) == 0 && rf_word_distance(k->kind, name) <= RF_WORD_SLIPS)
				near = k->kind;
			if (strcmp(k->group, group) == 0 && !strstr(list, k->kind) && used < sizeof(list))
				used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", k->kind);
		}
	}
	if (!*list)
		return rf_decode_error(d, rf_node_get(d->root, "apiVersion"), "\"%s\" is not a known group of OSM or SMI", group);
	return rf_decode_error(d, rf_node_get(d->root, "kind"), "\"%s\" is not a known kind of %s: %s %s", name, group,
			       near ? "did you mean" : "it has", near ? near : list);
}

static int decode_unknown(struct rf_decode *d, const struct rf_kind *near, const char *group, const char *version, const char *api,
			  const char *name)
{
	if (is_old_ingress(group, version, name))
		return rf_decode_warning(d, rf_node_get(d->root, "apiVersion"),
					 "Ingress of %s is skipped: only networking.k8s.io/v1 is read", api);
	if (near)
		return rf_decode_error(d, rf_node_get(d->root, "apiVersion"), "\"%s\" is not accepted for %s: use %s%s%s", api, name,
				       near->group, *near->group ? "/" : "", near->version);
	if (group_is_ours(group) && !osm_knows(group, name))
		return unknown_kind(d, group, name);
	return rf_decode_warning(d, rf_node_get(d->root, "kind"), "%s of %s is skipped: ringfence does not use this kind", name, api);
}

static int split_api_version(const char *api, char *group, size_t size, const char **ret_version)
{
	const char *slash = strchr(api, '/');
	size_t n = slash ? (size_t)(slash - api) : 0;

	if (n >= size)
		return -EINVAL;
	memcpy(group, api, n);
	group[n] = '\0';
	*ret_version = slash ? slash + 1 : api;
	return **ret_version ? 0 : -EINVAL;
}

static int required(struct rf_decode *d, const char *key)
{
	const struct rf_node *node = rf_node_get(d->root, key);

	return node && !rf_node_is_null(node) ? rf_decode_error(d, node, "a text is required, as in apiVersion: v1, kind: Service")
					      : rf_decode_error(d, d->root, "%s is required", key);
}

int rf_decode_object(struct rf_decode *d)
{
	const char *api = rf_get_text(d->root, "apiVersion", ""), *name = rf_get_text(d->root, "kind", ""), *version;
	const struct rf_kind *kind;
	char group[256];
	bool exact;

	if (d->root->kind != RF_NODE_MAPPING)
		return rf_decode_error(d, d->root, "an object is a map with apiVersion, kind and metadata, not a %s",
				       d->root->kind == RF_NODE_SEQUENCE ? "list" : "single value");
	if (!*api)
		return required(d, "apiVersion");
	if (!*name)
		return required(d, "kind");
	if (split_api_version(api, group, sizeof(group), &version) < 0)
		return rf_decode_error(d, rf_node_get(d->root, "apiVersion"), "\"%s\" is not an API version", api);
	if (is_list(d, api, name))
		return decode_list(d);
	kind = find_kind(group, version, name, &exact);
	return exact ? decode_kind(d, kind) : decode_unknown(d, kind, group, version, api, name);
}
