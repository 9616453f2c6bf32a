/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lookup.h"
#include "policy/policy.h"

static uint64_t grant_digest(const struct rf_policy *policy, const struct rf_allow_value *value)
{
	return value->routes_id < policy->grant_count ? policy->grant_digests[value->routes_id] : 0;
}

/* rule_id and routes_id are numbers of one revision; between revisions only what they stand for can be compared. */
static bool differs(const struct rf_policy *old, size_t i, const struct rf_policy *now, size_t j)
{
	const struct rf_allow_value *a = &old->allow_values[i], *b = &now->allow_values[j];

	return a->verdict != b->verdict || grant_digest(old, a) != grant_digest(now, b);
}

void rf_policy_diff(const struct rf_policy *old, const struct rf_policy *now, struct rf_policy_diff *ret)
{
	size_t i = 0, j = 0, old_count = old ? old->allow_count : 0;

	*ret = (struct rf_policy_diff){0};
	while (i < old_count && j < now->allow_count) {
		int r = rf_allow_compare(&old->allow_keys[i], &now->allow_keys[j]);

		if (r < 0) {
			ret->removed++;
			i++;
		} else if (r > 0) {
			ret->added++;
			j++;
		} else {
			ret->changed += differs(old, i++, now, j++);
		}
	}
	ret->removed += old_count - i;
	ret->added += now->allow_count - j;
}
