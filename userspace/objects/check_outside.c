/* SPDX-License-Identifier: Apache-2.0 */
/* What Egress and TrafficSplit objects name and no other object is: warnings, as OSM accepts these objects. */
#include <string.h>

#include "objects/check.h"

static int check_egress(struct rf_objects *o, const struct rf_finder *f, const struct rf_egress *e)
{
	int r = 0;

	for (size_t i = 0; i < e->source_count && r == 0; i++)
		r = rf_check_account(o, f, &e->sources[i]);
	for (size_t i = 0; i < e->match_count && r == 0; i++) {
		if (!rf_finder_find(f, "HTTPRouteGroup", e->meta.ns, e->matches[i].name))
			r = rf_diag_warning(&o->diags, e->matches[i].place,
					    "HTTPRouteGroup %s/%s does not exist: this match admits nothing", e->meta.ns,
					    e->matches[i].name);
	}
	if (r == 0 && e->source_count == 0)
		r = rf_diag_warning(&o->diags, e->meta.place, "spec.sources is empty: this Egress admits nobody");
	if (r == 0 && e->port_count == 0)
		r = rf_diag_warning(&o->diags, e->meta.place, "spec.ports is empty: this Egress admits nothing");
	return r;
}

static int check_split(struct rf_objects *o, const struct rf_finder *f, const struct rf_traffic_split *s)
{
	int r = 0;

	if (!rf_finder_find(f, "Service", s->meta.ns, s->service))
		r = rf_diag_warning(&o->diags, s->meta.place, "Service %s/%s does not exist: this TrafficSplit moves no traffic",
				    s->meta.ns, s->service);
	for (size_t i = 0; i < s->backend_count && r == 0; i++) {
		if (!rf_finder_find(f, "Service", s->meta.ns, s->backends[i].service))
			r = rf_diag_warning(&o->diags, s->backends[i].place,
					    "Service %s/%s does not exist: connections that are shifted to it are refused", s->meta.ns,
					    s->backends[i].service);
	}
	return r;
}

int rf_check_outside(struct rf_objects *o, const struct rf_finder *f)
{
	int r = 0;

	for (size_t i = 0; i < o->egresses_count && r == 0; i++)
		r = check_egress(o, f, &o->egresses[i]);
	for (size_t i = 0; i < o->splits_count && r == 0; i++)
		r = check_split(o, f, &o->splits[i]);
	return r;
}
