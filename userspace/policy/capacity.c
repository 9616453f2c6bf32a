/* SPDX-License-Identifier: Apache-2.0 */
/* A revision that would not fit is refused before the kernel hears of it: a full map must never be discovered half-way through. */
#include <errno.h>

#include "policy/compile.h"

int rf_capacity(struct rf_compile *c, const char *what, size_t count, size_t max)
{
	int r;

	if (count <= max)
		return 0;
	r = rf_diag_error(c->diags, (struct rf_place){.file = "-"}, "the policy needs %zu %s, the limit is %zu", count, what, max);
	return r == -ENOMEM ? r : -E2BIG;
}

int rf_compile_capacity(struct rf_compile *c)
{
	const struct rf_policy *p = c->policy;
	const struct {
		const char *what;
		size_t count;
		size_t max;
	} limits[] = {
		{"ServiceAccounts in the mesh", p->idents_count, RF_IDENTS_MAX},
		{"ServiceAccounts", p->names_count, RF_IDENTS_MAX},
		{"allow list entries", p->allow_count, RF_ALLOW_MAX},
		{"Service addresses and ports", p->services_count, RF_SERVICES_MAX},
		{"Service backends", p->backend_count, RF_BACKENDS_MAX},
		{"ingress entries", p->ingress_count, RF_INGRESS_MAX},
		{"Egress entries", p->egress_count, RF_EGRESS_MAX},
		{"exclusions", p->exclusions_count, RF_EXCLUSIONS_MAX},
		{"parts of TrafficSplits", p->split_count, RF_SPLITS_MAX},
		{"addresses of Services", p->service_names_count, RF_SERVICES_MAX},
		{"rule texts", p->rule_count, RF_RULES_MAX},
		{"bytes of routes", p->routes_size, RF_ROUTES_MAX},
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(limits) / sizeof(limits[0]); i++)
		r = rf_capacity(c, limits[i].what, limits[i].count, limits[i].max);
	return r;
}
