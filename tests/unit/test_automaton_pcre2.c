/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differential test: generated patterns and subjects, our DFA and our NFA against PCRE2 (a test-only dependency), full match. The seed is
 * printed; RINGFENCE_TEST_SEED repeats a run. Generated is what RE2 and PCRE2 mean alike (not (?i)\p{Lu}, which only RE2 folds); PCRE2 runs
 * out of its match limit now and then (it backtracks), and those comparisons are skipped and counted.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

#define PATTERNS       2300
#define SUBJECTS       9
#define PATTERN_LENGTH 400

static const char *const atoms[] = {
	"a",          "a",          "b",           "b",
	"c",          "/",          "/",           "-",
	"1",          "K",          "\xc3\xa9",    "\xce\xb1",
	".",          ".",          "\\.",         "[ab]",
	"[^a]",       "[a-c/]",     "[^/]",        "[^/\xc3\xa9]",
	"\\d",        "\\w",        "\\W",         "\\S",
	"\\D",        "\\pL",       "\\PL",        "[\\d_-]",
	"[]a]",       "[^]a]",      "[[:alpha:]]", "[[:^alpha:]b]",
	"\\x61",      "\\x{3b1}",   "\\Qa.\\E",    "\\n",
	"^",          "$",          "\\b",         "\\B",
	"\\A",        "\\z",        "(?i)",        "(?s)",
	"(?m)",       "(?-i)",      "()",          "[\xce\xb1-\xcf\x89]",
	"\\p{Greek}", "\\x{1F600}", "[k-s]",
};
static const char *const pieces[] = {"a", "a", "a", "b", "b", "c",  "/",        "/",        "-",        "1",        "k",
				     "K", "A", "B", "_", ".", "\n", "\xc3\xa9", "\xc3\x89", "\xce\xb1", "\xce\x91", "\xf0\x9f\x98\x80",
				     "]", " "};
static const char *const repeats[] = {"*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}?", "{2,}", "{0}"};
static const char *const groups[] = {"(", "(?:", "(?i:", "(?s:", "(?m:", "(?P<g>"};

static size_t pick(size_t n)
{
	return (size_t)random() % n;
}

static void put(char *pattern, const char *text)
{
	if (strlen(pattern) + strlen(text) < PATTERN_LENGTH)
		strcat(pattern, text);
}

/* Names a group only once: PCRE2 and RE2 both refuse a second one. */
static const char *group_head(const char *pattern)
{
	const char *head = groups[pick(RF_ARRAY_SIZE(groups))];

	return strstr(head, "P<") && strstr(pattern, "P<") ? "(" : head;
}

static void generate(char *pattern, int depth)
{
	for (size_t n = 1 + pick(4); n > 0; n--) {
		const char *atom = atoms[pick(RF_ARRAY_SIZE(atoms))];
		const bool nested = depth > 0 && pick(3) == 0;

		if (nested) {
			put(pattern, group_head(pattern));
			generate(pattern, depth - 1);
			put(pattern, ")");
		} else {
			put(pattern, atom);
		}
		/* What is not repeatable everywhere stays as it is. */
		if (pick(3) == 0 && (nested || !strchr("^$", atom[0])) &&
		    (nested || (strncmp(atom, "(?", 2) != 0 && !(atom[0] == '\\' && strchr("bBAz", atom[1])))))
			put(pattern, repeats[pick(RF_ARRAY_SIZE(repeats))]);
		if (pick(5) == 0)
			put(pattern, "|");
	}
}

/* Text that has a chance: made of the pattern's own plain characters as often as of any. */
static void make_subject(const char *pattern, char *subject, size_t room)
{
	subject[0] = '\0';
	for (size_t n = pick(9); n > 0; n--) {
		const char *piece = pieces[pick(RF_ARRAY_SIZE(pieces))];
		const char own[2] = {pattern[pick(strlen(pattern))], '\0'};

		if (pick(2) && strchr("abcK/-1.", own[0]))
			piece = own;
		if (strlen(subject) + strlen(piece) + 1 < room)
			strcat(subject, piece);
	}
}

struct counts {
	unsigned compared, matched, skipped, refused, nfa;
};

static void compare(const char *pattern, pcre2_code *code, pcre2_match_data *data, pcre2_match_context *context,
		    const struct rf_automaton_image *dfa, const struct rf_automaton_image *nfa, const struct rf_automaton_image *text,
		    struct counts *counts)
{
	char subject[128];

	for (int i = 0; i < SUBJECTS; i++) {
		make_subject(pattern, subject, sizeof(subject));
		const size_t len = strlen(subject);
		const int theirs = pcre2_match(code, (PCRE2_SPTR)subject, len, 0, 0, data, context);
		const bool by_dfa = rf_automaton_image_run(dfa, "GET", 3, subject, len) != 0;
		const bool by_nfa = rf_automaton_image_run(nfa, "GET", 3, subject, len) != 0;
		const bool by_text = *pattern ? rf_text_automaton_image_run(text, subject, len) : by_dfa; /* no pattern is any path */

		if (theirs < PCRE2_ERROR_NOMATCH) {
			counts->skipped++;
			continue;
		}
		if (by_dfa != (theirs >= 0) || by_nfa != by_dfa || by_text != by_dfa)
			fail_msg("pattern <%s> subject <%s>: pcre2 %d, dfa %d, nfa %d, text %d", pattern, subject, theirs >= 0, by_dfa,
				 by_nfa, by_text);
		counts->compared++;
		counts->matched += by_dfa;
	}
}

static void one_pattern(pcre2_match_context *context, struct counts *counts)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *dfa = NULL, *nfa = NULL, *text = NULL;
	char pattern[PATTERN_LENGTH + 1] = "";
	struct rf_route_atom atom = {.path_pattern = pattern, .rule_id = 1};
	const char *const patterns[] = {pattern};
	pcre2_match_data *data;
	pcre2_code *code;
	PCRE2_SIZE where;
	int error;

	generate(pattern, 3);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
			     PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX, &error, &where,
			     NULL);
	if (rf_automaton_build(&atom, 1, RF_DFA_STATES_MAX, &dfa) < 0 || rf_automaton_build(&atom, 1, 1, &nfa) < 0 ||
	    rf_text_automaton_build(patterns, 1, false, &text) < 0 || !code) {
		struct rf_pattern_error e = {0, "accepted"};

		/* Truncated by the length limit, or repeats that multiply: both may refuse, alone only for those. */
		if (code && rf_pattern_check(pattern, strlen(pattern), &e) == -EINVAL)
			fail_msg("pattern <%s>: pcre2 accepts, we say %s at %zu", pattern, e.text, e.offset);
		counts->refused++;
		pcre2_code_free(code);
		return;
	}
	counts->nfa += dfa->head.kind == RF_AUTOMATON_NFA;
	data = pcre2_match_data_create_from_pattern(code, NULL);
	compare(pattern, code, data, context, dfa, nfa, text, counts);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
}

static void test_against_pcre2(void **state)
{
	const char *given = getenv("RINGFENCE_TEST_SEED");
	const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	struct counts counts = {0};

	(void)state;
	print_message("RINGFENCE_TEST_SEED=%u\n", seed);
	srandom(seed);
	pcre2_set_match_limit(context, 20000);
	for (int i = 0; i < PATTERNS; i++)
		one_pattern(context, &counts);
	pcre2_match_context_free(context);
	print_message("%u compared, %u matched, %u skipped, %u patterns refused, %u past the budget\n", counts.compared, counts.matched,
		      counts.skipped, counts.refused, counts.nfa);
	assert_true(counts.compared > PATTERNS * SUBJECTS * 8 / 10);
	assert_true(counts.matched > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_pcre2)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
