/* SPDX-License-Identifier: Apache-2.0 */
/* Ingress (networking.k8s.io/v1): hosts and paths for the ingress proxy's configuration. Hosts and paths end up in that configuration,
 * so nothing is let through that could end a word or a line there. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/scalar.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"

static const char *const path_types[] = {"Exact", "Prefix", "ImplementationSpecific", NULL};

static const struct rf_field port_fields[] = {
	RF_FIELD("number", INTEGER, RF_PORT),
	RF_FIELD("name", STRING),
	RF_END,
};
static const struct rf_field service_fields[] = {
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("port", MAP, RF_REQUIRED, .fields = port_fields),
	RF_END,
};
static const struct rf_field backend_fields[] = {
	RF_FIELD("service", MAP, .fields = service_fields),
	RF_END,
};
static const struct rf_field path_fields[] = {
	RF_FIELD("path", STRING),
	RF_FIELD("pathType", ENUM, RF_REQUIRED, .values = path_types),
	RF_FIELD("backend", MAP, RF_REQUIRED, .fields = backend_fields),
	RF_END,
};
static const struct rf_field path_item = RF_FIELD(NULL, MAP, .fields = path_fields);
static const struct rf_field http_fields[] = {
	RF_FIELD("paths", LIST, RF_REQUIRED, .item = &path_item, .min = 1),
	RF_END,
};
static const struct rf_field rule_fields[] = {
	RF_FIELD("host", HOST),
	RF_FIELD("http", MAP, .fields = http_fields),
	RF_END,
};
static const struct rf_field rule_item = RF_FIELD(NULL, MAP, .fields = rule_fields);
static const struct rf_field spec_fields[] = {
	RF_FIELD("ingressClassName", NAME),
	RF_FIELD("defaultBackend", MAP, .fields = backend_fields),
	RF_FIELD("rules", LIST, .item = &rule_item),
	RF_END,
};
static const struct rf_field ingress_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

static bool path_is_safe(const char *path)
{
	for (; *path; path++) {
		if (*path <= ' ' || *path > '~' || strchr("\"'`\\{};#$<>", *path))
			return false;
	}
	return true;
}

static int push_path(struct rf_decode *d, struct rf_ingress *in, const struct rf_ingress_path *path, const struct rf_node *backend)
{
	const struct rf_node *service = rf_node_get(backend, "service"), *port = rf_node_get(service, "port");
	struct rf_ingress_path *slot;

	if (!service)
		return rf_node_get(backend, "resource")
			       ? rf_decode_warning(d, backend,
						   "a backend that is no Service is skipped: the ingress does not serve this path")
		       : backend ? rf_decode_error(d, backend, "service is required")
				 : 0;
	slot = RF_ARENA_PUSH(d->arena, in->paths, in->path_count);
	if (!slot)
		return -ENOMEM;
	*slot = *path;
	slot->service = rf_get_text(service, "name", "");
	slot->service_port = (uint16_t)rf_get_integer(port, "number", 0);
	slot->service_port_name = rf_get_text(port, "name", NULL);
	if (port && !slot->service_port == !slot->service_port_name)
		return rf_decode_error(d, port, "one of number and name is required");
	return 0;
}

static int read_path(struct rf_decode *d, struct rf_ingress *in, const char *host, const struct rf_node *node)
{
	struct rf_ingress_path path = {
		.host = host, .path = rf_get_text(node, "path", "/"), .path_type = rf_get_text(node, "pathType", ""), .place = node->place};

	if (!*path.path)
		path.path = "/";
	if (*path.path != '/')
		return rf_decode_error(d, rf_node_get(node, "path"), "\"%s\" is not an absolute path: it must begin with /", path.path);
	if (!path_is_safe(path.path))
		return rf_decode_warning(d, rf_node_get(node, "path"),
					 "\"%s\" is skipped: the ingress serves paths of plain characters only, no patterns", path.path);
	return push_path(d, in, &path, rf_node_get(node, "backend"));
}

static int read_rules(struct rf_decode *d, struct rf_ingress *in, const struct rf_node *rules)
{
	int r = 0;

	for (size_t i = 0; i < rf_get_count(rules) && r == 0; i++) {
		const struct rf_node *paths = rf_get(rules->items[i], "http.paths");

		for (size_t k = 0; k < rf_get_count(paths) && r == 0; k++)
			r = read_path(d, in, rf_get_text(rules->items[i], "host", ""), paths->items[k]);
	}
	return r;
}

/* The newer way to name the class; readers look at one place only. */
static int read_class(struct rf_decode *d, struct rf_ingress *in, const struct rf_node *spec)
{
	const char *class = rf_get_text(spec, "ingressClassName", "");
	struct rf_pair_text *pair;

	if (!*class)
		return 0;
	pair = RF_ARENA_PUSH(d->arena, in->meta.annotations, in->meta.annotation_count);
	if (!pair)
		return -ENOMEM;
	*pair = (struct rf_pair_text){.key = CLASS_ANNOTATION, .value = class, .place = rf_node_get(spec, "ingressClassName")->place};
	return 0;
}

static int decode_ingress(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *fallback = rf_node_get(spec, "defaultBackend");
	struct rf_ingress in = {.meta = d->meta}, *slot;
	int r = read_class(d, &in, spec);

	if (r == 0)
		r = read_rules(d, &in, rf_node_get(spec, "rules"));
	if (r == 0 && fallback) {
		struct rf_ingress_path path = {.host = "", .path = "/", .path_type = "Prefix", .place = fallback->place};

		r = push_path(d, &in, &path, fallback);
	}
	if (r == 0 && rf_get_count(rf_node_get(spec, "tls")) > 0)
		r = rf_decode_warning(d, rf_node_get(spec, "tls"), "is not enforced yet: the ingress is reached over plain HTTP");
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->ingresses, d->objects->ingresses_count);
	if (!slot)
		return -ENOMEM;
	*slot = in;
	return 0;
}

const struct rf_kind rf_kinds_ingress[] = {
	{"networking.k8s.io", "v1", "Ingress", 0, ingress_fields, decode_ingress},
	{0},
};
