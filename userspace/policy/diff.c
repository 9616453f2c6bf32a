/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lookup.h"
#include "policy/policy.h"

/* One table of one policy. */
struct view {
	const struct rf_policy *policy;
	const char *keys;
	size_t count;
};

struct table {
	size_t key_size;
	int (*compare)(const void *a, const void *b);
	bool (*differs)(const struct rf_policy *old, size_t i, const struct rf_policy *now, size_t j); /* NULL: being there is all */
};

static uint64_t grant_digest(const struct rf_policy *policy, uint32_t routes_id)
{
	return routes_id < policy->grant_count ? policy->grant_digests[routes_id] : 0;
}

/* rule_id and routes_id are numbers of one revision; between revisions only what they stand for can be compared. */
static bool allow_differs(const struct rf_policy *old, size_t i, const struct rf_policy *now, size_t j)
{
	const struct rf_allow_value *a = &old->allow_values[i], *b = &now->allow_values[j];

	return a->verdict != b->verdict || grant_digest(old, a->routes_id) != grant_digest(now, b->routes_id);
}

static bool egress_differs(const struct rf_policy *old, size_t i, const struct rf_policy *now, size_t j)
{
	const struct rf_egress_value *a = &old->egress_values[i], *b = &now->egress_values[j];

	return a->verdict != b->verdict || grant_digest(old, a->routes_id) != grant_digest(now, b->routes_id);
}

static int compare_allow(const void *a, const void *b)
{
	return rf_allow_compare(a, b);
}

static int compare_egress(const void *a, const void *b)
{
	return rf_egress_compare(a, b);
}

static int compare_ingress(const void *a, const void *b)
{
	return rf_ingress_compare(a, b);
}

static int compare_exclusions(const void *a, const void *b)
{
	return rf_exclusion_compare(a, b);
}

static void diff_table(const struct table *t, struct view old, struct view now, struct rf_policy_diff *ret)
{
	size_t i = 0, j = 0;

	while (i < old.count && j < now.count) {
		int r = t->compare(old.keys + i * t->key_size, now.keys + j * t->key_size);

		if (r < 0) {
			ret->removed++;
			i++;
		} else if (r > 0) {
			ret->added++;
			j++;
		} else {
			ret->changed += t->differs && t->differs(old.policy, i, now.policy, j);
			i++;
			j++;
		}
	}
	ret->removed += old.count - i;
	ret->added += now.count - j;
}

void rf_policy_diff(const struct rf_policy *old, const struct rf_policy *now, struct rf_policy_diff *ret)
{
	static const struct table allow = {sizeof(struct rf_allow_key), compare_allow, allow_differs};
	static const struct table ingress = {sizeof(struct rf_ingress_key), compare_ingress, NULL};
	static const struct table egress = {sizeof(struct rf_egress_key), compare_egress, egress_differs};
	static const struct table exclusions = {sizeof(struct rf_exclusion_key), compare_exclusions, NULL};
	static const struct rf_policy nothing;

	*ret = (struct rf_policy_diff){0};
	old = old ? old : &nothing;
#define DIFF(name)                                                                                                                         \
	diff_table(&name, (struct view){old, (const char *)old->name##_keys, old->name##_count},                                           \
		   (struct view){now, (const char *)now->name##_keys, now->name##_count}, ret)
	DIFF(allow);
	DIFF(ingress);
	DIFF(egress);
	DIFF(exclusions);
#undef DIFF
}
