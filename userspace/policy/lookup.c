/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lookup.h"

#include <string.h>

#include "policy/compile.h"

int rf_allow_compare(const struct rf_allow_key *a, const struct rf_allow_key *b)
{
	int r = rf_compare_u64(a->src, b->src);

	if (!r)
		r = rf_compare_u64(a->dst, b->dst);
	if (!r)
		r = rf_compare_u64(a->port, b->port);
	return r ? r : rf_compare_u64(a->proto, b->proto);
}

int rf_ingress_compare(const struct rf_ingress_key *a, const struct rf_ingress_key *b)
{
	int r = rf_compare_u64(a->dst, b->dst);

	if (!r)
		r = rf_compare_u64(a->port, b->port);
	if (!r)
		r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : rf_compare_u64(a->prefixlen, b->prefixlen);
}

int rf_egress_compare(const struct rf_egress_key *a, const struct rf_egress_key *b)
{
	int r = rf_compare_u64(a->src, b->src);

	if (!r)
		r = rf_compare_u64(a->port, b->port);
	if (!r)
		r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : rf_compare_u64(a->prefixlen, b->prefixlen);
}

int rf_exclusion_compare(const struct rf_exclusion_key *a, const struct rf_exclusion_key *b)
{
	int r = rf_compare_u64(a->kind, b->kind);

	if (!r)
		r = memcmp(&a->pod, &b->pod, sizeof(a->pod));
	if (!r)
		r = rf_compare_u64(a->port, b->port);
	if (!r)
		r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : rf_compare_u64(a->prefixlen, b->prefixlen);
}

static const struct rf_allow_value *find(const struct rf_policy *policy, const struct rf_allow_key *key)
{
	size_t low = 0, high = policy->allow_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = rf_allow_compare(&policy->allow_keys[mid], key);

		if (!r)
			return &policy->allow_values[mid];
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct rf_allow_value *rf_policy_lookup(const struct rf_policy *policy, rf_identity_t src, rf_identity_t dst, uint16_t port,
					      uint8_t proto)
{
	struct rf_allow_key key = {.src = src, .dst = dst, .port = port, .proto = proto};
	const struct rf_allow_value *value = find(policy, &key);

	if (value)
		return value;
	key.port = 0;
	return find(policy, &key);
}
