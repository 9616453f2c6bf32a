/* SPDX-License-Identifier: Apache-2.0 */
/* What people get wrong in YAML and JSON, and that they are told what to do. */
#include "objects_world.h"

static void test_yaml(void **state)
{
	static const struct {
		const char *text;
		const char *place;
		const char *advice;
	} cases[] = {
		{"a:\n\tb: 1\n", "2:1:", "a tab: YAML is indented with spaces only"},
		{"a: b: c\n", "1:5:", "put a text with a colon in quotes"},
		{"a: @b\n", "1:4:", "begins with @, ` or % is put in quotes"},
		{"a: 1\nb\nc: 2\n", "3:1:", "a key without a ':'"},
		{"a:\n  b: 1\n c: 2\n", "3:2:", "not indented like the keys above"},
		{"a:\n- b\n c\n- d\n  - e: [\n", "5:6:", "YAML syntax"},
		{"a: [1, 2\nb: 1\n", "2:2:", "',' or ']'"},
		{"a: {b: 1\nc: 2\n", "2:2:", "',' or '}'"},
		{"a: \"x\nb: 1\n", "3:1:", "the closing quote is missing"},
		{"a: \"\\d+\"\n", "1:5:", "a backslash is written"},
		{"a: [*]\n", "1:6:", "a text that begins with * is put in quotes"},
		{"a: &\n", "1:5:", "a text that begins with & is put in quotes"},
		{"a: {{ .Values.b }}\n", "1:5:", "{{ }} is a template"},
		{"a: - b\n", "1:4:", "a list ('- ') cannot begin here"},
		{"a: 1\n- b\n", "2:1:", "not indented like the keys above"},
	};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(cases); i++) {
		RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_add(NULL, "t.yaml", cases[i].text);

		assert_true(o->diags.error_count >= 1);
		if (!strstr(world_diag(o, 0), cases[i].place) || !strstr(world_diag(o, 0), cases[i].advice))
			print_error("%s--- expected %s %s, got %s\n", cases[i].text, cases[i].place, cases[i].advice, world_diag(o, 0));
		assert_non_null(strstr(world_diag(o, 0), cases[i].place));
		assert_non_null(strstr(world_diag(o, 0), cases[i].advice));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_yaml)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
