/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns made to cost: each is refused by a limit with a name, or becomes an automaton within the limits, and is then run in a number of
 * steps that the text's length and the automaton's size bound. Sizes and steps are counted, not seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/dfa.h"
#include "automaton/frontier.h"
#include "core/arena.h"

static uint64_t steps; /* instructions that the simulation looked at */

static void counted_step(struct rf_frontier *f, const uint32_t *list, uint32_t count, uint8_t byte)
{
	steps += count;
	rf_frontier_step(f, list, count, byte);
}
#define rf_frontier_step counted_step
#include "automaton/run.c"

#define TEXT 512

enum outcome { REFUSED, DFA, NFA };

struct hostile {
	enum outcome outcome;
	const char *word; /* of the refusal */
	const char *head, *body, *tail;
	size_t times; /* of the body; 0: as many as a pattern may hold */
};
static const struct hostile patterns[] = {
	/* nested repeats */
	{REFUSED, "repeats", "", "((a{1,30}){1,30}){1,30}", "", 1},
	{REFUSED, "repeats", "", "((((a{2}){3}){4}){5}){9}", "", 1},
	{REFUSED, "repeats", "(?:(?:){1000})", "{1000}", "", 1},
	{DFA, NULL, "", "((a{1,10}){1,10}){1,10}", "", 1},
	{DFA, NULL, "", "((a*)*)*", "", 0},
	{DFA, NULL, "", "(|a)+?", "", 0},
	{NFA, NULL, "", "a{0,9}", "", 0},
	{REFUSED, "states", "(?s)", ".{9}", "", 0},
	{REFUSED, "states", "", "(.{30}){30}", "", 40},
	/* exponential as a DFA */
	{NFA, NULL, "/(a|b)*a", "(a|b)", "", 60},
	{NFA, NULL, "(?:", ".*a", ")*", 0},
	{NFA, NULL, "", "[^a]?", "", 0},
	{NFA, NULL, ".{0,1000}x.{0,900}", "", "", 1},
	/* many alternatives */
	{DFA, NULL, "", "a|", "b", 0},
	{DFA, NULL, "(", ".*|", "a)*", 0},
	{DFA, NULL, "/(", "[ab]c?|", "d)*", 0},
	/* huge classes, folded and not */
	{REFUSED, "ranges", "(?i)[", "\\pL", "]", 0},
	{REFUSED, "ranges", "(?i)", "\\PL", "", 0},
	{REFUSED, "ranges", "[^", "\\pL\\W", "]", 0},
	{DFA, NULL, "(?i)[", "\\p{Lu}\\p{Ll}", "]", 60},
	{DFA, NULL, "(?i)[", "k-s\xc3\xa0-\xc3\xb6", "]", 0},
	{DFA, NULL, "[", "\xc3\xa9-\xf0\x9f\x98\x80", "]", 0},
	{REFUSED, "states", "(?i)", "[a-z\\p{Lu}]", "{1000}", 1},
	/* Unicode and case, whole pattern */
	{DFA, NULL, "(?i)", "\xcf\x83", "", 0},
	{NFA, NULL, "(?i)", "[^k]", "", 0},
	{DFA, NULL, "(?i)\\Q", "k.*(", "\\E", 0},
	{DFA, NULL, "(?i)", "\\pL", "", 20},
	/* assertions */
	{DFA, NULL, "", "\\b?", "", 0},
	{DFA, NULL, "(?m)", "(^|$)*", "", 0},
	{DFA, NULL, "(?:", "\\b.\\B.?", ")*", 100},
	/* depth */
	{REFUSED, "nested", "", "(?:", "", 0},
	{REFUSED, "nested", "", "(?i:(", "", 0},
};

static void spell(const struct hostile *h, char text[RF_PATTERN_MAX + 1])
{
	size_t n = strlen(h->head), times = h->times ? h->times : SIZE_MAX;
	const size_t one = strlen(h->body), tail = strlen(h->tail);

	memcpy(text, h->head, n);
	for (; times > 0 && n + one + tail <= RF_PATTERN_MAX; times--, n += one)
		memcpy(text + n, h->body, one);
	memcpy(text + n, h->tail, tail + 1);
}

static void nfa_donep(struct rf_nfa *nfa)
{
	rf_nfa_done(nfa);
}

static void dfa_donep(struct rf_dfa *dfa)
{
	rf_dfa_done(dfa);
}

static void arena_freep(struct rf_arena **arena)
{
	rf_arena_free(*arena);
}

/* Subset construction counts its own work; it ends within the budgets, or by them. */
static void check_work(const char *text, enum outcome outcome)
{
	RF_CLEANUP(nfa_donep) struct rf_nfa nfa = {.limit = RF_PATTERN_NODES_MAX};
	RF_CLEANUP(dfa_donep) struct rf_dfa dfa = {0};
	RF_CLEANUP(arena_freep) struct rf_arena *arena = rf_arena_new();
	struct rf_node *tree;
	uint32_t start;
	int r;

	assert_int_equal(rf_pattern_parse(arena, text, strlen(text), NULL, &tree), 0);
	assert_int_equal(rf_nfa_emit(&nfa, (struct rf_nfa_inst){.op = RF_NFA_MATCH}, &start), 0);
	assert_int_equal(rf_nfa_pattern(&nfa, tree, start, &nfa.start), 0);
	assert_true(nfa.count <= RF_PATTERN_NODES_MAX);
	r = rf_dfa_build(&nfa, RF_DFA_STATES_MAX, &dfa);
	assert_int_equal(r, outcome == DFA ? 0 : -E2BIG);
	assert_true(dfa.state_count <= RF_DFA_STATES_MAX + 1);
	assert_true(dfa.work <= RF_DFA_WORK_MAX + 16ull * nfa.count);
}

static uint64_t count_steps(const struct rf_automaton_image *image, char filler, size_t len)
{
	static char text[2 * TEXT];

	memset(text, filler, sizeof(text));
	text[0] = '/';
	steps = 0;
	rf_automaton_image_run(image, "GET", 3, text, len);
	return steps;
}

/* Whatever the text, twice the text is at most about twice the steps, and no byte costs more than the whole automaton. */
static void check_linear(const struct rf_automaton_image *image)
{
	for (const char *filler = "a/xk\xc3"; *filler; filler++) {
		const uint64_t once = count_steps(image, *filler, TEXT), twice = count_steps(image, *filler, 2 * TEXT);

		assert_true(once <= (TEXT + 4ull) * image->head.state_count);
		assert_true(twice <= (2 * TEXT + 4ull) * image->head.state_count);
		/* The first bytes may be cheaper than the others, not the other way round for ever. */
		assert_true(twice <= 2 * once + (uint64_t)TEXT * image->head.state_count);
	}
}

static void check_accepted(const char *text, enum outcome outcome)
{
	const struct rf_route_atom atom = {.path_pattern = text, .rule_id = 1};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL, *nfa = NULL;

	check_work(text, outcome);
	assert_int_equal(rf_automaton_build(&atom, 1, RF_DFA_STATES_MAX, &image), 0);
	assert_int_equal(image->head.kind, outcome == DFA ? RF_AUTOMATON_DFA : RF_AUTOMATON_NFA);
	assert_true(image->head.state_count <= (outcome == DFA ? RF_DFA_STATES_MAX : RF_PATTERN_NODES_MAX + 200));
	assert_true(outcome == DFA || image->body_size <= (RF_PATTERN_NODES_MAX + 200) * sizeof(struct rf_nfa_inst));
	assert_true(count_steps(image, 'a', TEXT) > 0 || outcome == DFA); /* the counting itself */
	assert_int_equal(rf_automaton_build(&atom, 1, 1, &nfa), 0);
	assert_int_equal(nfa->head.kind, RF_AUTOMATON_NFA);
	check_linear(nfa);
}

static void test_hostile(void **state)
{
	static char text[RF_PATTERN_MAX + 1];
	struct rf_pattern_error error;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(patterns); i++) {
		const struct hostile *h = &patterns[i];
		int r;

		spell(h, text);
		r = rf_pattern_check(text, strlen(text), &error);
		print_message("%.40s (%zu bytes): %s\n", text, strlen(text), r < 0 ? error.text : h->outcome == DFA ? "DFA" : "NFA");
		assert_int_equal(r, h->outcome == REFUSED ? -E2BIG : 0);
		if (h->outcome == REFUSED)
			assert_non_null(strstr(error.text, h->word));
		else
			check_accepted(text, h->outcome);
	}
}

/* The budget is met exactly: some number of states is enough, one less is not, and what matches is the same on both sides. */
static void test_budget(void **state)
{
	const struct rf_route_atom atom = {.path_pattern = "/(a|b)*a(a|b){5}", .rule_id = 1};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *dfa = NULL, *nfa = NULL;
	size_t low = 1, high = RF_DFA_STATES_MAX;
	char text[9] = "/";

	(void)state;
	while (low < high) {
		RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;
		const size_t middle = low + (high - low) / 2;

		assert_int_equal(rf_automaton_build(&atom, 1, middle, &image), 0);
		if (image->head.kind == RF_AUTOMATON_DFA)
			high = middle;
		else
			low = middle + 1;
	}
	assert_in_range(low, 64, 200); /* 2^6 and the method */
	assert_int_equal(rf_automaton_build(&atom, 1, low, &dfa), 0);
	assert_int_equal(rf_automaton_build(&atom, 1, low - 1, &nfa), 0);
	assert_int_equal(dfa->head.kind, RF_AUTOMATON_DFA);
	assert_int_equal(nfa->head.kind, RF_AUTOMATON_NFA);
	for (unsigned bits = 0; bits < 256; bits++) {
		for (unsigned i = 0; i < 7; i++)
			text[1 + i] = bits >> i & 1 ? 'a' : 'b';
		assert_int_equal(rf_automaton_image_run(dfa, "GET", 3, text, 8), text[2] == 'a');
		assert_int_equal(rf_automaton_image_run(nfa, "GET", 3, text, 8), text[2] == 'a');
	}
}

/* As many routes as a destination may have, together past the state budget. */
static void test_many_routes(void **state)
{
	static struct rf_route_atom atoms[RF_ROUTE_ATOMS_MAX];
	static char text[RF_ROUTE_ATOMS_MAX][32];
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(atoms); i++) {
		snprintf(text[i], sizeof(text[i]), "/.*%zx", i);
		atoms[i] = (struct rf_route_atom){.path_pattern = text[i], .rule_id = (uint32_t)i};
	}
	assert_int_equal(rf_automaton_build(atoms, RF_ARRAY_SIZE(atoms), RF_DFA_STATES_MAX, &image), 0);
	assert_int_equal(image->head.kind, RF_AUTOMATON_NFA);
	assert_true(image->head.state_count <= RF_AUTOMATON_NODES_MAX);
	assert_int_equal(rf_automaton_image_run(image, "GET", 3, "/3fff", 5), 0xf + 1); /* "/.*f" is the first of four */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_many_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
