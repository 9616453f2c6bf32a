/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/drift.h"
#include "policy/needs.h"

static void whose_allow_list_has_an_l7_pair(void **state)
{
	struct rf_allow_key keys[] = {{.src = 2, .dst = 9}, {.src = 4, .dst = 8}, {.src = 4, .dst = 9}, {.src = 7, .dst = 9}};
	struct rf_allow_value values[] = {
		{.verdict = RF_VERDICT_L7}, {.verdict = RF_VERDICT_ALLOW}, {.verdict = RF_VERDICT_L7}, {.verdict = RF_VERDICT_ALLOW}};
	struct rf_policy policy = {.allow_keys = keys, .allow_values = values, .allow_count = 4};

	(void)state;
	assert_true(rf_policy_needs_checker(&policy, 2));
	assert_true(rf_policy_needs_checker(&policy, 4));
	assert_false(rf_policy_needs_checker(&policy, 7));
	assert_false(rf_policy_needs_checker(&policy, 1));
	assert_false(rf_policy_needs_checker(&policy, 3));
	assert_false(rf_policy_needs_checker(&policy, 9));
	assert_false(rf_policy_needs_checker(NULL, 2));
	policy.config.permissive = 1;
	assert_false(rf_policy_needs_checker(&policy, 2));
}

static void whose_egress_is_checked(void **state)
{
	struct rf_egress_key keys[] = {{.src = 2, .port = 25}, {.src = 4, .port = 80}};
	struct rf_egress_value values[] = {{.verdict = RF_VERDICT_ALLOW}, {.verdict = RF_VERDICT_L7}};
	struct rf_policy policy = {.egress_keys = keys, .egress_values = values, .egress_count = 2};

	(void)state;
	assert_false(rf_policy_needs_checker(&policy, 2));
	assert_true(rf_policy_needs_checker(&policy, 4));
	policy.config.permissive = 1; /* which is about the mesh */
	assert_true(rf_policy_needs_checker(&policy, 4));
	policy.config.egress = 1;
	assert_false(rf_policy_needs_checker(&policy, 4));
}

static void every_drift_has_name_text_and_help(void **state)
{
	uint32_t known = 0;

	(void)state;
#define KNOW(sym, bit, name, text, help) known |= (uint32_t)RF_DRIFT_##sym;
	RF_DRIFTS(KNOW)
#undef KNOW
	for (unsigned i = 0; i < 40; i++) {
		int is_one = i < RF_DRIFT_BITS && (known & 1u << i);

		assert_int_equal(rf_drift_name(i) != NULL, is_one);
		assert_int_equal(rf_drift_text(i) != NULL, is_one);
		assert_int_equal(rf_drift_help(i) != NULL, is_one);
	}
	for (unsigned i = 0; i < RF_DRIFT_BITS; i++)
		for (unsigned k = 0; k < i; k++)
			if (rf_drift_name(i) && rf_drift_name(k))
				assert_string_not_equal(rf_drift_name(i), rf_drift_name(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_allow_list_has_an_l7_pair),
		cmocka_unit_test(whose_egress_is_checked),
		cmocka_unit_test(every_drift_has_name_text_and_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
