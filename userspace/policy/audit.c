/* SPDX-License-Identifier: Apache-2.0 */
/* Whose denials pass and are counted: the annotation of a TrafficTarget is about its destination, that of a Namespace about all its
 * ServiceAccounts, and also about what they do outside the mesh. */
#include <string.h>

#include "policy/compile.h"

static bool enabled(const struct rf_meta *meta)
{
	const char *text = rf_meta_annotation(meta, RF_AUDIT_ANNOTATION);

	return text && !strcmp(text, RF_AUDIT_ENABLED);
}

static const struct rf_meta *find_namespace(const struct rf_compile *c, const char *ns)
{
	for (size_t i = 0; i < c->objects->namespaces_count; i++)
		if (!strcmp(c->objects->namespaces[i].meta.name, ns))
			return &c->objects->namespaces[i].meta;
	return NULL;
}

static void mark_namespaces(struct rf_compile *c)
{
	const struct rf_meta *meta = NULL;

	for (size_t i = 0; i < c->account_count; i++) {
		struct rf_account *a = &c->accounts[i];

		if (!i || strcmp(c->accounts[i - 1].ns, a->ns))
			meta = find_namespace(c, a->ns);
		if (meta && enabled(meta))
			a->audit |= RF_AUDIT_TO | RF_AUDIT_FROM;
	}
}

void rf_audit_accounts(struct rf_compile *c)
{
	mark_namespaces(c);
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct rf_traffic_target *t = (const struct rf_traffic_target *)c->targets.items[i];
		const struct rf_account *a = enabled(&t->meta) ? rf_account_find(c, t->destination.ns, t->destination.name) : NULL;

		if (a)
			c->accounts[a - c->accounts].audit |= RF_AUDIT_TO;
	}
}
