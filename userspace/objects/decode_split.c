/* SPDX-License-Identifier: Apache-2.0 */
/* TrafficSplit (split.smi-spec.io/v1alpha2, the version that OSM serves). Weights are relative. Services may be written as name, name.ns
 * or in full (name.ns.svc.cluster.local), but are of the TrafficSplit's own namespace. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"

#define WEIGHT_MAX 1000000000

static const struct rf_field backend_fields[] = {
	RF_FIELD("service", NAME, RF_REQUIRED),
	RF_FIELD("weight", INTEGER, RF_REQUIRED, .max = WEIGHT_MAX),
	RF_END,
};
static const struct rf_field backend_item = RF_FIELD(NULL, MAP, .fields = backend_fields);
static const struct rf_field match_fields[] = {
	RF_FIELD("apiGroup", STRING),
	RF_FIELD("kind", STRING, RF_REQUIRED),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_END,
};
static const struct rf_field match_item = RF_FIELD(NULL, MAP, .fields = match_fields);
static const struct rf_field spec_fields[] = {
	RF_FIELD("service", NAME, RF_REQUIRED),
	RF_FIELD("backends", LIST, RF_REQUIRED, .item = &backend_item),
	RF_FIELD("matches", LIST, .item = &match_item),
	RF_END,
};
static const struct rf_field split_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

/* ".svc", or that and the cluster's domain, may follow the namespace. */
static bool is_domain(const char *text)
{
	return !*text || strcmp(text, ".svc") == 0 || strcmp(text, ".svc.cluster") == 0 || strcmp(text, ".svc.cluster.local") == 0;
}

static int read_service(struct rf_decode *d, const struct rf_node *node, const char **ret)
{
	const char *whole = node && node->text ? node->text : "", *text = whole;
	size_t name = strcspn(text, "."), ns;
	char *copy = rf_arena_strndup(d->arena, text, name);

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	if (!text[name])
		return 0;
	text += name + 1;
	ns = strcspn(text, ".");
	if (!is_domain(text + ns))
		return rf_decode_error(d, node, "\"%s\" is not the name of a Service: write %s or %s.%s", whole, copy, copy, d->meta.ns);
	if (strlen(d->meta.ns) == ns && memcmp(text, d->meta.ns, ns) == 0)
		return 0;
	return rf_decode_error(d, node, "\"%s\" is of another namespace: a TrafficSplit splits Services of its own (%s)", whole,
			       d->meta.ns);
}

static int read_backend(struct rf_decode *d, struct rf_traffic_split *s, const struct rf_node *node, uint64_t *sum)
{
	struct rf_split_backend *b = RF_ARENA_PUSH(d->arena, s->backends, s->backend_count);

	if (!b)
		return -ENOMEM;
	*b = (struct rf_split_backend){.service = "", .weight = (unsigned)rf_get_integer(node, "weight", 0), .place = node->place};
	*sum += b->weight;
	return read_service(d, rf_node_get(node, "service"), &b->service);
}

static int read_backends(struct rf_decode *d, struct rf_traffic_split *s, const struct rf_node *list)
{
	uint64_t sum = 0;
	int r = 0;

	for (size_t i = 0; i < rf_get_count(list) && r == 0; i++)
		r = read_backend(d, s, list->items[i], &sum);
	if (r == 0 && s->backend_count > RF_SPLIT_BACKENDS_MAX)
		r = rf_decode_error(d, list, "more than %d backends", RF_SPLIT_BACKENDS_MAX);
	if (r == 0 && sum > RF_SPLIT_WEIGHT_MAX)
		r = rf_decode_error(d, list, "the weights add up to more than %u", RF_SPLIT_WEIGHT_MAX);
	return r;
}

static int decode_split(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *matches = rf_node_get(spec, "matches");
	struct rf_traffic_split s = {.meta = d->meta, .service = "", .has_matches = rf_get_count(matches) > 0}, *slot;
	int r = read_service(d, rf_node_get(spec, "service"), &s.service);

	if (r == 0)
		r = read_backends(d, &s, rf_node_get(spec, "backends"));
	if (r == 0 && s.has_matches)
		r = rf_decode_warning(d, matches, "is not enforced: this TrafficSplit moves no traffic, for all of it would be moved");
	if (r < 0 || d->problems > 0)
		return r;
	slot = RF_ARENA_PUSH(d->arena, d->objects->splits, d->objects->splits_count);
	if (!slot)
		return -ENOMEM;
	*slot = s;
	return 0;
}

const struct rf_kind rf_kinds_split[] = {
	{"split.smi-spec.io", "v1alpha2", "TrafficSplit", RF_KIND_STRICT, split_fields, decode_split},
	{0},
};
