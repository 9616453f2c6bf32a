/* SPDX-License-Identifier: Apache-2.0 */
/* Namespace and ServiceAccount (Kubernetes v1). */
#include <errno.h>

#include "objects/decode.h"

static int decode_namespace(struct rf_decode *d)
{
	struct rf_namespace *n;

	if (d->problems > 0)
		return 0;
	n = RF_ARENA_PUSH(d->arena, d->objects->namespaces, d->objects->namespaces_count);
	if (!n)
		return -ENOMEM;
	n->meta = d->meta;
	return 0;
}

static int decode_service_account(struct rf_decode *d)
{
	struct rf_service_account *s;

	if (d->problems > 0)
		return 0;
	s = RF_ARENA_PUSH(d->arena, d->objects->service_accounts, d->objects->service_accounts_count);
	if (!s)
		return -ENOMEM;
	s->meta = d->meta;
	return 0;
}

static const struct rf_field namespace_metadata[] = {
	RF_FIELD("name", LABEL, RF_REQUIRED),
	RF_FIELD("labels", LABELS),
	RF_FIELD("annotations", ANNOTATIONS),
	RF_END,
};

static const struct rf_field namespace_fields[] = {
	RF_FIELD("metadata", MAP, RF_REQUIRED, .fields = namespace_metadata),
	RF_END,
};

static const struct rf_field service_account_fields[] = {
	RF_COMMON_FIELDS,
	RF_END,
};

const struct rf_kind rf_kinds_core[] = {
	{"", "v1", "Namespace", RF_KIND_CLUSTER | RF_KIND_AUDIT, namespace_fields, decode_namespace},
	{"", "v1", "ServiceAccount", 0, service_account_fields, decode_service_account},
	{0},
};
