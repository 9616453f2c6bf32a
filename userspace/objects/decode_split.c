/* SPDX-License-Identifier: Apache-2.0 */
/* TrafficSplit (split.smi-spec.io/v1alpha2, the version that OSM serves). Weights are relative. */
#include <errno.h>

#include "objects/decode.h"

#define WEIGHT_MAX 1000000000

static const struct rf_field backend_fields[] = {
	RF_FIELD("service", NAME, RF_REQUIRED),
	RF_FIELD("weight", INTEGER, RF_REQUIRED, .max = WEIGHT_MAX),
	RF_END,
};
static const struct rf_field backend_item = RF_FIELD(NULL, MAP, .fields = backend_fields);
static const struct rf_field spec_fields[] = {
	RF_FIELD("service", NAME, RF_REQUIRED),
	RF_FIELD("backends", LIST, RF_REQUIRED, .item = &backend_item),
	RF_END,
};
static const struct rf_field split_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = spec_fields),
	RF_END,
};

static int decode_split(struct rf_decode *d)
{
	const struct rf_node *spec = rf_node_get(d->root, "spec"), *backends = rf_node_get(spec, "backends");
	struct rf_traffic_split s = {.meta = d->meta, .service = rf_get_text(spec, "service", "")}, *slot;

	for (size_t i = 0; i < rf_get_count(backends); i++) {
		const struct rf_node *node = backends->items[i];
		struct rf_split_backend *b = RF_ARENA_PUSH(d->arena, s.backends, s.backend_count);

		if (!b)
			return -ENOMEM;
		*b = (struct rf_split_backend){.service = rf_get_text(node, "service", ""),
					       .weight = (unsigned)rf_get_integer(node, "weight", 0),
					       .place = node->place};
	}
	if (d->problems > 0)
		return 0;
	slot = RF_ARENA_PUSH(d->arena, d->objects->splits, d->objects->splits_count);
	if (!slot)
		return -ENOMEM;
	*slot = s;
	return rf_decode_warning(d, d->root, "TrafficSplit is not enforced yet: it admits nothing and moves no traffic");
}

const struct rf_kind rf_kinds_split[] = {
	{"split.smi-spec.io", "v1alpha2", "TrafficSplit", RF_KIND_STRICT, split_fields, decode_split},
	{0},
};
