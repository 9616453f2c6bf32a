/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/decode_families.h"

#include <string.h>

#include "objects/scalar.h"

#define FAMILIES_MAX 2

struct families {
	const struct rf_node *list; /* ipFamilies, or NULL */
	const struct rf_node *ips;  /* clusterIPs, or NULL */
	const struct rf_node *policy;
	bool first_is6; /* what a single-stack Service has */
};

static const char *text_of(const struct rf_node *node)
{
	return node && node->text ? node->text : "";
}

/* Of an address that was given: where it stands in the list must be where its family stands in ipFamilies. */
static int take_address(struct rf_decode *d, struct rf_service *s, struct families *f, const struct rf_node *node, size_t at)
{
	const struct rf_node *family = rf_get_count(f->list) > at ? f->list->items[at] : NULL;
	struct rf_addr a, *slot;
	bool is6;

	if (rf_text_address(text_of(node), &a) < 0 || rf_addr_is_any(&a) || rf_addr_is_loopback(&a) || rf_addr_is_multicast(&a))
		return rf_decode_error(d, node, "\"%s\" is neither an address that a Service can have nor None", text_of(node));
	is6 = !rf_addr_is4(&a);
	if (family && is6 != (strcmp(text_of(family), "IPv6") == 0))
		return rf_decode_error(d, node, "\"%s\" is not of family %s, as ipFamilies says", text_of(node), text_of(family));
	slot = is6 ? &s->cluster_ip6 : &s->cluster_ip4;
	if (at > 0 && !rf_addr_is_none(slot))
		return rf_decode_error(d, node, "clusterIPs may have one address of each family");
	*slot = a;
	if (at == 0)
		f->first_is6 = is6;
	return 0;
}

static int read_cluster_ips(struct rf_decode *d, struct rf_service *s, struct families *f, const struct rf_node *first)
{
	size_t n = rf_get_count(f->ips);
	int r = 0;

	if (n > FAMILIES_MAX)
		return rf_decode_error(d, f->ips, "more than %d addresses", FAMILIES_MAX);
	if (n && *text_of(first) && strcmp(text_of(first), text_of(f->ips->items[0])) != 0)
		return rf_decode_error(d, f->ips, "the first address must be clusterIP (%s)", text_of(first));
	s->headless = strcmp(n ? text_of(f->ips->items[0]) : text_of(first), "None") == 0;
	if (s->headless)
		return n > 1 ? rf_decode_error(d, f->ips, "None stands alone") : 0;
	if (n == 0 && *text_of(first))
		r = take_address(d, s, f, first, 0);
	for (size_t i = 0; i < n && r == 0; i++)
		r = take_address(d, s, f, f->ips->items[i], i);
	return r;
}

static int read_list(struct rf_decode *d, struct families *f)
{
	size_t n = rf_get_count(f->list);

	if (n > FAMILIES_MAX || (n == FAMILIES_MAX && strcmp(text_of(f->list->items[0]), text_of(f->list->items[1])) == 0))
		return rf_decode_error(d, f->list, "each of IPv4 and IPv6 at most once");
	if (n) {
		f->first_is6 = strcmp(text_of(f->list->items[0]), "IPv6") == 0;
	}
	return 0;
}

/* Two families or addresses without a policy ask for both, as the API server infers it. */
static int read_policy(struct rf_decode *d, struct rf_service *s, const struct families *f)
{
	bool two = rf_get_count(f->list) > 1 || rf_get_count(f->ips) > 1;
	const char *text = text_of(f->policy);

	s->family_policy = two ? RF_FAMILY_REQUIRE_DUAL : RF_FAMILY_SINGLE;
	if (strcmp(text, "PreferDualStack") == 0)
		s->family_policy = RF_FAMILY_PREFER_DUAL;
	else if (strcmp(text, "RequireDualStack") == 0)
		s->family_policy = RF_FAMILY_REQUIRE_DUAL;
	else if (*text && two)
		return rf_decode_error(d, f->policy,
				       "must be PreferDualStack or RequireDualStack where there are two families or addresses");
	return 0;
}

static void settle(struct rf_service *s, const struct families *f, const struct rf_node *spec)
{
	bool dual = s->family_policy != RF_FAMILY_SINGLE;
	const struct rf_node *place = f->policy ? f->policy : f->list ? f->list : f->ips ? f->ips : spec;

	s->family4 = dual || !f->first_is6;
	s->family6 = dual || f->first_is6;
	s->family_place = place ? place->place : s->meta.place;
}

int rf_decode_families(struct rf_decode *d, struct rf_service *s, const struct rf_node *spec)
{
	struct families f = {
		.list = rf_node_get(spec, "ipFamilies"),
		.ips = rf_node_get(spec, "clusterIPs"),
		.policy = rf_node_get(spec, "ipFamilyPolicy"),
	};
	int r = read_list(d, &f);

	if (r == 0)
		r = read_cluster_ips(d, s, &f, rf_node_get(spec, "clusterIP"));
	if (r == 0)
		r = read_policy(d, s, &f);
	settle(s, &f, spec);
	return r;
}
