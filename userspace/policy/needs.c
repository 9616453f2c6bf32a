/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/needs.h"

/* The allow list is sorted by source first. */
static size_t first_of(const struct rf_policy *policy, rf_identity_t src)
{
	size_t low = 0, high = policy->allow_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (policy->allow_keys[mid].src < src)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool needs_inside(const struct rf_policy *policy, rf_identity_t src)
{
	if (policy->config.permissive)
		return policy->config.permissive == RF_PERMISSIVE_NAMED && policy->allow_count && !policy->allow_keys[0].src;
	for (size_t i = first_of(policy, src); i < policy->allow_count && policy->allow_keys[i].src == src; i++)
		if (policy->allow_values[i].verdict == RF_VERDICT_L7)
			return true;
	return false;
}

/* Egress objects are few beside pairs of the mesh. */
static bool needs_outside(const struct rf_policy *policy, rf_identity_t src)
{
	for (size_t i = 0; i < policy->egress_count; i++)
		if (policy->egress_keys[i].src == src && policy->egress_values[i].verdict == RF_VERDICT_L7)
			return true;
	return false;
}

bool rf_policy_needs_checker(const struct rf_policy *policy, rf_identity_t src)
{
	if (!policy)
		return false;
	return needs_inside(policy, src) || (!policy->config.egress && needs_outside(policy, src));
}
