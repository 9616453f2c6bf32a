/* SPDX-License-Identifier: Apache-2.0 */
/* Automata that were built before are those that would be built now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "automaton/cache.h"
#include "core/cleanup.h"

static const char *const get[] = {"GET"}, *const get_put[] = {"GET", "PUT"};

static struct rf_automaton_image *build(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t count, size_t states)
{
	struct rf_automaton_image *image = NULL;

	assert_int_equal(rf_automaton_build_with(cache, atoms, count, states, &image), 0);
	return image;
}

/* Placed into a blob, with and without the cache, the bytes are the same. */
static void assert_as_built(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t count, size_t states)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *mine = build(cache, atoms, count, states);
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *fresh = build(NULL, atoms, count, states);
	size_t size = rf_automaton_place_size(fresh);
	_cleanup_free_ char *a = calloc(1, size), *b = calloc(1, size);

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(rf_automaton_place_size(mine), size);
	(void)rf_automaton_place(mine, a, 0);
	(void)rf_automaton_place(fresh, b, 0);
	assert_memory_equal(a, b, size);
}

static struct rf_automaton_cache *new_cache(void)
{
	struct rf_automaton_cache *cache = NULL;

	assert_int_equal(rf_automaton_cache_new(&cache), 0);
	return cache;
}

static void test_rule_numbers_are_not_remembered(void **state)
{
	struct rf_route_atom atoms[] = {{.methods = get, .method_count = 1, .path_pattern = "/a.*", .rule_id = 3},
					{.path_pattern = "/ab", .rule_id = 4}};
	struct rf_automaton_cache *cache = new_cache();

	(void)state;
	assert_as_built(cache, atoms, 2, RF_DFA_STATES_MAX);
	atoms[0].rule_id = 70;
	atoms[1].rule_id = 9;
	assert_as_built(cache, atoms, 2, RF_DFA_STATES_MAX);
	assert_int_equal(rf_automaton_cache_count(cache), 1);
	rf_automaton_cache_free(cache);
}

/* Each differs from another in one thing only, and some are the same letters cut elsewhere. */
static void test_what_is_told_apart(void **state)
{
	static const char *const g[] = {"G"}, *const empty_tail[] = {"GET", "PU"};
	const struct rf_route_atom atoms[] = {
		{.methods = get, .method_count = 1, .path_pattern = "/a"},
		{.methods = get_put, .method_count = 2, .path_pattern = "/a"},
		{.methods = get_put, .method_count = 2, .path_pattern = "/b"},
		{.methods = g, .method_count = 1, .path_pattern = "ET/a"},
		{.methods = empty_tail, .method_count = 2, .path_pattern = "T/a"},
		{.path_pattern = "/a"},
		{.path_pattern = NULL},
	};
	const struct rf_route_atom two[] = {{.methods = get, .method_count = 1, .path_pattern = "PUT"}, {.path_pattern = "/a"}};
	struct rf_automaton_cache *cache = new_cache();

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < RF_ARRAY_SIZE(atoms); i++)
			assert_as_built(cache, &atoms[i], 1, RF_DFA_STATES_MAX);
	assert_int_equal(rf_automaton_cache_count(cache), RF_ARRAY_SIZE(atoms));
	assert_as_built(cache, &atoms[0], 2, RF_DFA_STATES_MAX);
	assert_as_built(cache, two, 2, RF_DFA_STATES_MAX); /* GET PUT /a, once more */
	assert_int_equal(rf_automaton_cache_count(cache), RF_ARRAY_SIZE(atoms) + 2);
	rf_automaton_cache_free(cache);
}

/* "Past the budget" is an answer, too, and belongs to its budget. */
static void test_past_the_budget(void **state)
{
	const struct rf_route_atom atom = {.path_pattern = "/.*a.{12}", .rule_id = 1};
	struct rf_automaton_cache *cache = new_cache();
	struct rf_automaton_image *image;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_as_built(cache, &atom, 1, 100);
		image = build(cache, &atom, 1, 100);
		assert_int_equal(image->head.kind, RF_AUTOMATON_NFA);
		assert_int_equal(rf_automaton_image_run(image, "GET", 3, "/abbbbbbbbbbbb", 14), 1);
		rf_automaton_image_free(image);
	}
	image = build(cache, &(struct rf_route_atom){.path_pattern = "/x"}, 1, 100);
	assert_int_equal(image->head.kind, RF_AUTOMATON_DFA);
	rf_automaton_image_free(image);
	assert_int_equal(rf_automaton_cache_count(cache), 2);
	rf_automaton_cache_free(cache);
}

static void test_bad_patterns_are_not_remembered(void **state)
{
	const struct rf_route_atom atom = {.path_pattern = "/("};
	struct rf_automaton_cache *cache = new_cache();
	struct rf_automaton_image *image = NULL;

	(void)state;
	for (int round = 0; round < 2; round++)
		assert_true(rf_automaton_build_with(cache, &atom, 1, 100, &image) < 0);
	assert_null(image);
	assert_int_equal(rf_automaton_cache_count(cache), 0);
	rf_automaton_cache_free(cache);
}

static void test_sweep(void **state)
{
	struct rf_automaton_cache *cache = new_cache();
	char pattern[32];
	struct rf_route_atom atom = {.path_pattern = pattern};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(pattern, sizeof(pattern), "/%d", i);
		rf_automaton_image_free(build(cache, &atom, 1, 100));
	}
	assert_int_equal(rf_automaton_cache_count(cache), 1000);
	rf_automaton_cache_sweep(cache); /* all were asked for */
	assert_int_equal(rf_automaton_cache_count(cache), 1000);
	assert_as_built(cache, &atom, 1, 100);
	rf_automaton_cache_sweep(cache);
	assert_int_equal(rf_automaton_cache_count(cache), 1);
	rf_automaton_cache_sweep(cache);
	assert_int_equal(rf_automaton_cache_count(cache), 0);
	rf_automaton_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_numbers_are_not_remembered),
		cmocka_unit_test(test_what_is_told_apart),
		cmocka_unit_test(test_past_the_budget),
		cmocka_unit_test(test_bad_patterns_are_not_remembered),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
