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

bool rf_policy_needs_checker(const struct rf_policy *policy, rf_identity_t src)
{
	if (!policy || policy->config.permissive)
		return false;
	for (size_t i = first_of(policy, src); i < policy->allow_count && policy->allow_keys[i].src == src; i++)
		if (policy->allow_values[i].verdict == RF_VERDICT_L7)
			return true;
	return false;
}
