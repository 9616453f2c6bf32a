/* SPDX-License-Identifier: Apache-2.0 */
/* What routes match, that DFA and NFA agree, that the DFA is minimal, and that hostile input stays within the budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

static struct rf_automaton_image *build(const struct rf_route_atom *atoms, size_t count, size_t states)
{
	struct rf_automaton_image *image = NULL;

	assert_int_equal(rf_automaton_build(atoms, count, states, &image), 0);
	return image;
}

/* Bitmap of the atoms of a set; fewer than 64 of them. */
static uint64_t atoms_of(const struct rf_automaton_image *image, uint32_t set)
{
	const uint32_t *first = (const uint32_t *)((const char *)image->body + image->head.sets_off);
	const uint32_t *atoms = first + image->head.accept_sets + 2;
	uint64_t bits = 0;

	for (uint32_t i = first[set]; i < first[set + 1]; i++)
		bits |= 1ull << atoms[i];
	return bits;
}

static uint32_t run(const struct rf_automaton_image *image, const char *method, const char *path)
{
	return rf_automaton_image_run(image, method, strlen(method), path, strlen(path));
}

/* Does the pattern match? DFA and NFA must say the same. */
static bool matches(const char *pattern, const char *path, size_t len)
{
	const struct rf_route_atom atom = {.path_pattern = pattern, .rule_id = 1};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *dfa = build(&atom, 1, RF_DFA_STATES_MAX);
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *nfa = build(&atom, 1, 1);
	const uint32_t by_dfa = rf_automaton_image_run(dfa, "GET", 3, path, len);

	assert_int_equal(dfa->head.kind, RF_AUTOMATON_DFA);
	assert_int_equal(nfa->head.kind, RF_AUTOMATON_NFA);
	assert_int_equal(rf_automaton_image_run(nfa, "GET", 3, path, len), by_dfa);
	return by_dfa != 0;
}

static const struct match_case {
	const char *pattern, *yes[6], *no[8];
} match_cases[] = {
	{"/buy", {"/buy"}, {"/buy/", "/bu", "/buyx", "/BUY", "x/buy", ""}},
	{".*", {"/", "/a//b", "/caf\xc3\xa9", ""}, {"/a\nb", "/\xff", "/\xc0\xaf", "/\xed\xa0\x80", "/\xf4\x90\x80\x80"}},
	{"(?s).*", {"/a\nb"}, {"/\xff"}},
	{"/api/.*/new", {"/api//new", "/api/x/y/new"}, {"/api/new", "/api/x/new/"}},
	{"/a|/b", {"/a", "/b"}, {"/a|/b", "/ab", "/c"}},
	{"/[0-9]{2,3}", {"/12", "/123"}, {"/1", "/1234", "/1a"}},
	{"/a{2,}b?", {"/aa", "/aaaab"}, {"/a", "/aabb"}},
	{"/(a|b)*c+?", {"/c", "/abbacc"}, {"/ab", "/cab"}},
	{"/[^/]+", {"/x", "/\xc3\xa9", "/\n"}, {"/", "/a/b", "/\x80"}},
	{"/a.c",
	 {"/abc", "/a\xe2\x82\xac"
		  "c"},
	 {"/ac", "/a\nc", "/abbc"}},
	{"^/a$", {"/a"}, {"/a\n", "\n/a"}},
	{"(?m)^/a$\\n^/b$", {"/a\n/b"}, {"/a/b"}},
	{"/a^b", {NULL}, {"/ab", "/a^b"}},
	{"\\A/a\\z", {"/a"}, {"/a\n"}},
	{"/foo\\b.*", {"/foo", "/foo/x", "/foo-x", "/foo\xc3\xa9"}, {"/foox", "/foo_"}},
	{"/foo\\B.+", {"/foox"}, {"/foo/", "/foo"}},
	{"\\b.*", {NULL}, {"/a", "/"}},
	{"\\B/.*\\b", {"/a", "/-a"}, {"/", "/a/"}},
	{"(?:^|/)a(?:$|/.*)", {"/a", "a", "/a/", "/a/b"}, {"/ab", "//a"}},
	{"(^/*)*a", {"/a", "a"}, {"b"}},
	{"(?i)/k\xc3\x89", {"/k\xc3\xa9", "/K\xc3\x89", "/\xe2\x84\xaa\xc3\xa9"}, {"/k", "/ke"}},
	{"/(?i:s)s", {"/Ss", "/ss", "/\xc5\xbfs"}, {"/sS"}},
	{"(?i)/[^k]", {"/a"}, {"/k", "/K", "/\xe2\x84\xaa"}},
	{"(?i)/\\W", {"/-"}, {"/a", "/\xc5\xbf", "/\xe2\x84\xaa"}},
	{"/\\w", {"/a", "/_"}, {"/\xc5\xbf", "/\xc3\xa9", "/-"}},
	{"/\\s\\S\\d\\D", {"/ a1b", "/\t-0-"}, {"/\va1b"}},
	{"/[[:upper:]][[:^upper:]]", {"/Aa", "/A\xc3\xa9"}, {"/aA", "/AA"}},
	{"/(?i)\\p{Lu}", {"/a", "/A", "/\xc3\xa9"}, {"/1"}},
	{"/\\p{Greek}+", {"/\xce\xb1\xcf\x89"}, {"/a", "/\xd0\xb0"}},
	{"/\\pL\\PL", {"/a1", "/\xd0\xb0-"}, {"/1a", "/aa"}},
	{"/[\\p{Lu}\\d]", {"/A", "/1", "/\xce\x91"}, {"/a", "/\xce\xb1"}},
	{"/\\Qa.*\\E+", {"/a.*", "/a.***"}, {"/axx", "/a."}},
	{"/\\x41\\x{e9}\\103",
	 {"/A\xc3\xa9"
	  "C"},
	 {"/A\xe9"
	  "C"}},
	{"/[\\x{7f}-\\x{800}\\x{ffff}-\\x{10000}]",
	 {"/\x7f", "/\xc2\x80", "/\xdf\xbf", "/\xe0\xa0\x80", "/\xef\xbf\xbf", "/\xf0\x90\x80\x80"},
	 {"/~", "/\xe0\xa0\x81", "/\xef\xbf\xbe", "/\xf0\x90\x80\x81"}},
	{"/[^\\x00-\\x{10FFFF}]", {NULL}, {"/", "/a"}},
	{"/a{,3}", {"/a{,3}"}, {"/aa"}},
	{"/[a-]]", {"/a]", "/-]"}, {"/a", "/b]"}},
	{"/(|a)*b", {"/b", "/aaab"}, {"/a"}},
	{"/ab(?s)*c", {"/ac", "/abc", "/abbbc"}, {"/ababc", "/c"}}, /* flags are nothing that could be repeated */
	{"/(a|bc(?i)(?m){2}D)e", {"/ae", "/bccde", "/bccDe"}, {"/bcbcde", "/bcde", "/bcCde"}},
	{"/((a*)*)*", {"/", "/aaa"}, {"/b"}},
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(match_cases); i++) {
		const struct match_case *c = &match_cases[i];

		for (size_t k = 0; k < RF_ARRAY_SIZE(c->yes) && c->yes[k]; k++)
			if (!matches(c->pattern, c->yes[k], strlen(c->yes[k])))
				fail_msg("%s should match %s", c->pattern, c->yes[k]);
		for (size_t k = 0; k < RF_ARRAY_SIZE(c->no) && c->no[k]; k++)
			if (matches(c->pattern, c->no[k], strlen(c->no[k])))
				fail_msg("%s should not match %s", c->pattern, c->no[k]);
	}
	assert_true(matches(NULL, "/x", 2));
	assert_true(matches("", "/x", 2));
	assert_true(matches("/a\\x00", "/a\0", 3));
	assert_false(matches("/a", "/a\0", 3));
}

static void test_methods(void **state)
{
	static const char *const get[] = {"GET"}, *const get_put[] = {"GET", "PUT"};
	const struct rf_route_atom atoms[] = {
		{.methods = get, .method_count = 1, .path_pattern = "/a", .rule_id = 11},
		{.methods = get_put, .method_count = 2, .path_pattern = "/b", .rule_id = 12},
		{.path_pattern = "/c", .rule_id = 13},
		{.path_pattern = "/a", .rule_id = 14},
	};

	(void)state;
	for (size_t states = 1; states <= RF_DFA_STATES_MAX; states += RF_DFA_STATES_MAX - 1) {
		RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(atoms, 4, states);

		assert_int_not_equal(run(image, "GET", "/a"), 0);
		assert_int_not_equal(run(image, "GET", "/b"), 0);
		assert_int_not_equal(run(image, "PUT", "/b"), 0);
		assert_int_not_equal(run(image, "M-SEARCH", "/c"), 0);
		assert_int_not_equal(run(image, "x", "/a"), 0);
		assert_int_equal(run(image, "HEAD", "/b"), 0);
		assert_int_equal(run(image, "get", "/b"), 0);
		assert_int_equal(run(image, "GE", "/b"), 0);
		assert_int_equal(run(image, "GETX", "/b"), 0);
		assert_int_equal(run(image, "", "/c"), 0);
		assert_int_equal(run(image, "A/B", "/c"), 0);
		assert_int_equal(run(image, "A B", "/c"), 0);
		assert_int_equal(run(image, "GET /b", "x"), 0);
		assert_int_equal(run(image, "G\xc3\xa9T", "/c"), 0);
	}
}

/* The set that a request ends in holds exactly the atoms that match it. */
static void test_accept_sets(void **state)
{
	static const char *const get[] = {"GET"};
	const struct rf_route_atom atoms[] = {{.methods = get, .method_count = 1, .path_pattern = "/a.*", .rule_id = 7},
					      {.path_pattern = "/ab", .rule_id = 8},
					      {.path_pattern = "/.b", .rule_id = 9}};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(atoms, 3, RF_DFA_STATES_MAX);
	const struct rf_atom_info *infos = (const struct rf_atom_info *)((const char *)image->body + image->head.atoms_off);

	(void)state;
	assert_int_equal(image->head.atom_count, 3);
	assert_int_equal(atoms_of(image, run(image, "GET", "/ab")), 7);
	assert_int_equal(atoms_of(image, run(image, "PUT", "/ab")), 6);
	assert_int_equal(atoms_of(image, run(image, "GET", "/ax")), 1);
	assert_int_equal(atoms_of(image, run(image, "GET", "/xb")), 4);
	assert_int_equal(run(image, "GET", "/x"), 0);
	assert_int_equal(atoms_of(image, 0), 0);
	assert_int_equal(image->head.accept_sets, 4);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(infos[i].rule_id, 7 + i);
}

static void test_nfa_sets(void **state)
{
	const struct rf_route_atom atoms[] = {
		{.path_pattern = "/x", .rule_id = 7}, {.path_pattern = "/a.*", .rule_id = 8}, {.path_pattern = "/.b", .rule_id = 9}};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(atoms, 3, 2);

	(void)state;
	assert_int_equal(image->head.kind, RF_AUTOMATON_NFA);
	assert_int_equal(image->head.accept_sets, 3);
	assert_int_equal(run(image, "GET", "/ab"), 2);
	assert_int_equal(run(image, "GET", "/cb"), 3);
	assert_int_equal(atoms_of(image, 3), 4);
}

static uint32_t states_of(const char *pattern)
{
	static const char *const get[] = {"G"};
	const struct rf_route_atom atom = {.methods = get, .method_count = 1, .path_pattern = pattern, .rule_id = 1};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(&atom, 1, RF_DFA_STATES_MAX);

	assert_int_equal(image->head.kind, RF_AUTOMATON_DFA);
	return image->head.state_count;
}

/* Known least counts; "G " and the dead state are 3 of them. */
static void test_minimal(void **state)
{
	(void)state;
	assert_int_equal(states_of("/a"), 3 + 3);
	assert_int_equal(states_of("/a|/b|/c"), 3 + 3);
	assert_int_equal(states_of("a*"), 3 + 1);
	assert_int_equal(states_of("(a|a*|aa*|a{0,50}a*)"), 3 + 1);
	assert_int_equal(states_of("[ab]*a[ab]{3}"), 3 + 16);
	assert_int_equal(states_of("(?:a[^\\x00-\\x{10ffff}]|b)"), 3 + 2);
	/* One state between characters, one for each way to be inside one: 1, 2 or 3 bytes to go, and after E0, ED, F0 and F4. */
	assert_int_equal(states_of("(?s).*"), 3 + 1 + 7);
}

/* Equal languages: the very same tables, whatever the pattern. */
static void test_canonical_tables(void **state)
{
	static const char *const pairs[][2] = {
		{"/(a|b)*", "/(a*b*)*"},
		{"/a+", "/aa*"},
		{"/(?i)ab", "/[aA][bB]"},
		{"/\\d", "/[0-9]"},
	};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(pairs); i++) {
		const struct rf_route_atom a = {.path_pattern = pairs[i][0], .rule_id = 1}, b = {.path_pattern = pairs[i][1], .rule_id = 1};
		RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *x = build(&a, 1, RF_DFA_STATES_MAX);
		RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *y = build(&b, 1, RF_DFA_STATES_MAX);

		assert_memory_equal(&x->head, &y->head, sizeof(x->head));
		assert_int_equal(x->body_size, y->body_size);
		assert_memory_equal(x->body, y->body, x->body_size);
	}
}

static void test_place(void **state)
{
	static const char *const get[] = {"GET"};
	const struct rf_route_atom atoms[] = {{.methods = get, .method_count = 1, .path_pattern = "/a(b|c)*\\b", .rule_id = 5},
					      {.path_pattern = "/ab", .rule_id = 6}};

	(void)state;
	for (size_t states = 1; states <= RF_DFA_STATES_MAX; states += RF_DFA_STATES_MAX - 1) {
		RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(atoms, 2, states);
		const size_t size = rf_automaton_place_size(image);
		_cleanup_free_ char *blob = calloc(1, size + 128);

		for (size_t off = 8; off <= 128; off += 24) {
			const struct rf_automaton *head = (const struct rf_automaton *)(blob + off);

			assert_int_equal(rf_automaton_place(image, blob, off), size);
			assert_int_equal(head->table_off, off + sizeof(*head));
			assert_int_equal(rf_automaton_run(blob, off, "GET", 3, "/abcb", 5), run(image, "GET", "/abcb"));
			assert_int_equal(rf_automaton_run(blob, off, "PUT", 3, "/ab", 3), run(image, "PUT", "/ab"));
			assert_int_equal(rf_automaton_run(blob, off, "PUT", 3, "/a", 2), 0);
		}
	}
}

static void test_refused(void **state)
{
	static const char *const star[] = {"*"}, *const space[] = {"GET X"}, *const empty[] = {""};
	struct rf_automaton_image *image = NULL;
	struct rf_route_atom atom = {.path_pattern = "(", .rule_id = 1};

	(void)state;
	assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -EINVAL);
	atom = (struct rf_route_atom){.methods = star, .method_count = 1, .path_pattern = "/", .rule_id = 1};
	assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -EINVAL);
	atom.methods = space;
	assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -EINVAL);
	atom.methods = empty;
	assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -EINVAL);
	atom = (struct rf_route_atom){.path_pattern = "\\pL{1000}", .rule_id = 1};
	assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -E2BIG);
	assert_null(image);
	assert_int_equal(rf_automaton_build(&atom, RF_ROUTE_ATOMS_MAX + 1, 100, &image), -E2BIG);
	assert_int_equal(rf_automaton_build(NULL, 0, 100, &image), 0);
	assert_int_equal(image->head.kind, RF_AUTOMATON_DFA);
	assert_int_equal(run(image, "GET", "/"), 0);
	rf_automaton_image_free(image);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Patterns that explode somewhere: they compile in bounded time, to an NFA if need be, and match in linear time. */
static void test_hostile(void **state)
{
	static const char *const patterns[] = {
		"/(a|b)*a(a|b){60}",   "/(.*a){25}.*",        "/(x+x+)+y",         "/((a{0,30}){0,30})",
		"/(?i)[\\pL\\pN]{20}", "/.{0,1000}x.{0,900}", "/(\\b.\\B.?){300}", "/([a-z]*/){100}[\\p{Greek}-]{10}z",
	};
	static char path[8192];
	double build_time, run_time;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	for (size_t i = 0; i < RF_ARRAY_SIZE(patterns); i++) {
		const struct rf_route_atom atom = {.path_pattern = patterns[i], .rule_id = 1};
		struct rf_automaton_image *image;

		build_time = seconds();
		image = build(&atom, 1, RF_DFA_STATES_MAX);
		build_time = seconds() - build_time;
		run_time = seconds();
		rf_automaton_image_run(image, "GET", 3, path, sizeof(path));
		run_time = seconds() - run_time;
		print_message("%s: %s, %u states, built in %.3f s, 8 KiB in %.3f s\n", patterns[i],
			      image->head.kind == RF_AUTOMATON_DFA ? "DFA" : "NFA", image->head.state_count, build_time, run_time);
		assert_true(build_time < 20 && run_time < 20); /* also under a sanitizer on a slow machine */
		rf_automaton_image_free(image);
	}
}

/* Many routes of one destination, as a large policy has them. */
static void test_many_routes(void **state)
{
	static char text[2000][40];
	static struct rf_route_atom atoms[2000];
	static const char *const get[] = {"GET"};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;
	char path[40];

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(atoms); i++) {
		snprintf(text[i], sizeof(text[i]), "/api/v%zu/item%zu(/.*)?", i % 7, i);
		atoms[i] = (struct rf_route_atom){
			.methods = i % 2 ? get : NULL, .method_count = i % 2, .path_pattern = text[i], .rule_id = (uint32_t)i + 1};
	}
	image = build(atoms, RF_ARRAY_SIZE(atoms), 100000);
	print_message("%u states, %u classes\n", image->head.state_count, image->head.class_count);
	assert_int_equal(image->head.kind, RF_AUTOMATON_DFA);
	for (size_t i = 0; i < RF_ARRAY_SIZE(atoms); i++) {
		const uint32_t *first;
		uint32_t set;

		snprintf(path, sizeof(path), "/api/v%zu/item%zu/x", i % 7, i);
		set = run(image, "GET", path);
		assert_int_not_equal(set, 0);
		first = (const uint32_t *)((const char *)image->body + image->head.sets_off);
		assert_int_equal(first[set + 1] - first[set], 1);
		assert_int_equal(first[image->head.accept_sets + 2 + first[set]], i);
		assert_int_equal(run(image, "PUT", path) == 0, i % 2);
	}
}

/* ---- texts ---- */

static bool text_matches(const char *const *patterns, size_t count, bool ignore_case, const char *text)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;

	assert_int_equal(rf_text_automaton_build(patterns, count, ignore_case, &image), 0);
	assert_in_range(image->head.accept_sets, 0, 1);
	return rf_text_automaton_image_run(image, text, strlen(text));
}

static bool text_is(const char *pattern, bool ignore_case, const char *text)
{
	return text_matches(&pattern, 1, ignore_case, text);
}

static void test_texts(void **state)
{
	static const char *const either[] = {"a+", "\\bb\\b|^c$"};

	(void)state;
	assert_true(text_is("", false, ""));
	assert_false(text_is("", false, "x"));
	assert_true(text_is("a b", false, "a b"));
	assert_false(text_is("b", false, "a b")); /* no method here: nothing is skipped up to a space */
	assert_true(text_is("^\\Aab$", false, "ab"));
	assert_true(text_is("\\bab\\b", false, "ab")); /* a word begins where the text does */
	assert_false(text_is("\\Bab", false, "ab"));
	assert_false(text_is("ab", false, "AB"));
	assert_true(text_is("ab", true, "aB"));
	assert_false(text_is("(?-i)ab", true, "aB"));
	assert_true(text_matches(either, 2, false, "aaa"));
	assert_true(text_matches(either, 2, false, "b"));
	assert_true(text_matches(either, 2, false, "c"));
	assert_false(text_matches(either, 2, false, "ab"));
	assert_false(text_matches(NULL, 0, false, ""));
	/* past the budget */
	assert_true(text_is("(a|b)*a(a|b){16}", false, "bbabbbbbbbbbbbbbbbb"));
	assert_false(text_is("(a|b)*a(a|b){16}", false, "bbbbbbbbbbbbbbbbbbb"));
	assert_true(text_is("\\b(a|b)*a(a|b){16}\\b", true, "BBABBBBBBBBBBBBBBBB"));
}

static void test_texts_refused(void **state)
{
	static const char *const bad[] = {"a)(b"}, *const big[] = {"\\pL{1000}", "\\pL{1000}"};
	struct rf_automaton_image *image = NULL;
	const struct rf_route_condition conditions[] = {{.kind = RF_COND_HEADER, .name = "x", .patterns = bad, .pattern_count = 1},
							{.kind = RF_COND_HEADER, .name = "", .patterns = bad},
							{.kind = 9}};
	struct rf_route_atom atom = {.path_pattern = "/", .condition_count = 1};

	(void)state;
	assert_int_equal(rf_text_automaton_build(bad, 1, true, &image), -EINVAL);
	assert_int_equal(rf_text_automaton_build(big, 2, true, &image), -E2BIG);
	for (size_t i = 0; i < RF_ARRAY_SIZE(conditions); i++) {
		atom.conditions = &conditions[i];
		assert_int_equal(rf_automaton_build(&atom, 1, 100, &image), -EINVAL);
	}
	assert_null(image);
}

/* Conditions that say the same share one automaton, and moving the image moves it once. */
static void test_shared_texts(void **state)
{
	static const char *const one[] = {"a.*b"}, *const other[] = {"c"};
	const struct rf_route_condition conditions[] = {{.kind = RF_COND_HEADER, .name = "X-One", .patterns = one, .pattern_count = 1},
							{.kind = RF_COND_HEADER, .name = "two", .patterns = one, .pattern_count = 1},
							{.kind = RF_COND_AUTHORITY, .patterns = one, .pattern_count = 1},
							{.kind = RF_COND_HEADER, .name = "x-one", .patterns = other, .pattern_count = 1},
							{.kind = RF_COND_HEADER, .name = "x-one", .patterns = one, .pattern_count = 1}};
	const struct rf_route_atom atom = {.path_pattern = "/", .conditions = conditions, .condition_count = RF_ARRAY_SIZE(conditions)};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = build(&atom, 1, 100);
	const struct rf_route_cond *conds = (const struct rf_route_cond *)((const char *)image->body + image->head.conds_off);

	(void)state;
	assert_int_equal(image->head.cond_count, RF_ARRAY_SIZE(conditions));
	assert_true(conds[0].automaton_off == conds[1].automaton_off && conds[0].automaton_off == conds[4].automaton_off);
	assert_true(conds[2].automaton_off != conds[0].automaton_off); /* letter case */
	assert_true(conds[3].automaton_off != conds[0].automaton_off);
	assert_memory_equal((const char *)image->body + conds[0].at_off, "x-one", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),      cmocka_unit_test(test_methods), cmocka_unit_test(test_accept_sets),
		cmocka_unit_test(test_nfa_sets),     cmocka_unit_test(test_minimal), cmocka_unit_test(test_canonical_tables),
		cmocka_unit_test(test_place),        cmocka_unit_test(test_refused), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many_routes),  cmocka_unit_test(test_texts),   cmocka_unit_test(test_texts_refused),
		cmocka_unit_test(test_shared_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
