/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our automata against RE2 on generated patterns and subjects. Required is agreement on which patterns are accepted and on which subjects
 * match as a whole: by the DFA, by the NFA that stands in for it past the budget, and by one automaton of several patterns. Where the two
 * may differ is listed and counted below (enum exception); anything else is a disagreement, printed with how to repeat it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "automaton/automaton.h"
#include "automaton/unicode.h"
#include "core/cleanup.h"
#include "generate.h"
#include "re2.h"

#define SUBJECTS          32   /* a pattern */
#define STATES            1000 /* budget: what needs more takes long to build */
#define STATES_TOGETHER   300
#define TOGETHER          4 /* patterns of one common automaton */
#define DISAGREEMENTS_MAX 20

/* Why one of the two may refuse a pattern that the other accepts. */
enum exception {
	AGREED = 0,
	OUR_LIMIT,      /* longer, deeper or larger than automaton.h allows */
	THEIR_LIMIT,    /* larger than RE2's memory */
	ANY_BYTE,       /* \C cuts characters; our patterns match whole ones */
	OTHER_SCRIPT,   /* our tables have the common scripts only */
	NEW_GROUP_NAME, /* (?<name>...) and letters beyond ASCII in names: RE2 knows them since 2023 */
	SURROGATE,      /* RE2 reads UTF-8 with surrogates; RFC 3629 forbids them */
	DISAGREEMENT,
	_EXCEPTION_MAX,
};
static const char *const exception_text[] = {
	[OUR_LIMIT] = "past our limits",
	[THEIR_LIMIT] = "past RE2's memory",
	[ANY_BYTE] = "\\C",
	[OTHER_SCRIPT] = "scripts not in our tables",
	[NEW_GROUP_NAME] = "new forms of group names",
	[SURROGATE] = "surrogates in UTF-8",
};

struct subject {
	char text[GEN_SUBJECT_MAX];
	size_t len;
	bool valid; /* UTF-8 */
};

struct one { /* a pattern that both accept */
	struct gen gen;
	uint64_t number;
	struct re2_pattern *theirs;
	struct rf_automaton_image *dfa, *nfa;
	struct subject subjects[SUBJECTS];
};

static struct {
	uint64_t patterns, accepted, refused, exceptions[_EXCEPTION_MAX];
	uint64_t pairs, yes, invalid, past_budget, together;
	unsigned disagreements;
} counts;
static uint64_t seed;

static void print_text(const char *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c >= 0x7f)
			printf("\\%03o", c);
		else
			printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	putchar('"');
}

static void disagree(const struct gen *g, uint64_t number, const struct subject *s, const char *what)
{
	if (counts.disagreements++ >= DISAGREEMENTS_MAX)
		return;
	printf("DISAGREEMENT (--seed %llu --pattern %llu) ", (unsigned long long)seed, (unsigned long long)number);
	print_text(g->pattern, g->len);
	if (s) {
		printf(" on ");
		print_text(s->text, s->len);
	}
	printf(": %s\n", what);
}

static bool has_surrogate(const char *text)
{
	for (const char *at = strchr(text, '\xed'); at; at = strchr(at + 1, '\xed'))
		if ((unsigned char)at[1] >= 0xa0)
			return true;
	return false;
}

static bool is_ascii(const char *text)
{
	while (*text > 0)
		text++;
	return *text == '\0';
}

static enum exception why_refused_by_us(int r, const struct rf_pattern_error *error, const char *pattern, enum re2_answer theirs)
{
	if (theirs != RE2_OK)
		return AGREED;
	if (r == -E2BIG)
		return OUR_LIMIT;
	if (strncmp(error->text, "\\C ", 3) == 0)
		return ANY_BYTE;
	if (strncmp(error->text, "unknown Unicode property 'Tibetan'", 34) == 0)
		return OTHER_SCRIPT;
	if (strncmp(error->text, "a group's name wants", 20) == 0 && !is_ascii(pattern + error->offset))
		return NEW_GROUP_NAME;
	if (strstr(error->text, "not valid UTF-8") && has_surrogate(pattern))
		return SURROGATE;
	return DISAGREEMENT;
}

static enum exception why_refused_by_them(const char *pattern, enum re2_answer theirs)
{
	if (theirs == RE2_OK)
		return AGREED;
	if (theirs == RE2_TOO_LARGE)
		return THEIR_LIMIT;
	return strstr(pattern, "(?<") ? NEW_GROUP_NAME : DISAGREEMENT;
}

/* Is this a pattern, for both? */
static bool accepted(struct one *o)
{
	const char *pattern = o->gen.len ? o->gen.pattern : ".*"; /* as an absent pathRegex */
	struct rf_pattern_error error = {0};
	const enum re2_answer theirs = re2_new(pattern, strlen(pattern), &o->theirs);
	const int r = rf_pattern_check(o->gen.pattern, o->gen.len, &error);
	const enum exception why =
		r < 0 ? why_refused_by_us(r, &error, o->gen.pattern, theirs) : why_refused_by_them(o->gen.pattern, theirs);
	char text[512];

	counts.patterns++;
	counts.exceptions[why]++;
	counts.accepted += why == AGREED && r == 0;
	counts.refused += why == AGREED && r < 0;
	if (why == DISAGREEMENT) {
		snprintf(text, sizeof(text), "we say \"%s\", RE2 \"%s\"", r < 0 ? error.text : "fine",
			 theirs == RE2_OK ? "fine" : re2_error(o->theirs));
		disagree(&o->gen, o->number, NULL, text);
	}
	return r == 0 && theirs == RE2_OK;
}

static bool valid_utf8(const char *text, size_t len)
{
	uint32_t rune;

	for (size_t i = 0; i < len;) {
		const int n = rf_utf8_decode(text + i, len - i, &rune);

		if (n < 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

static void build(struct one *o)
{
	const struct rf_route_atom atom = {.path_pattern = o->gen.pattern, .rule_id = 1};

	if (rf_automaton_build(&atom, 1, STATES, &o->dfa) < 0 || rf_automaton_build(&atom, 1, 1, &o->nfa) < 0)
		disagree(&o->gen, o->number, NULL, "rf_pattern_check accepts, rf_automaton_build does not");
	else if (o->nfa->head.kind != RF_AUTOMATON_NFA)
		disagree(&o->gen, o->number, NULL, "a budget of one state, and yet no NFA");
	else
		counts.past_budget += o->dfa->head.kind == RF_AUTOMATON_NFA;
}

/* Invalid UTF-8 is where RE2 takes liberties (overlong forms match "."); with us it never matches. */
static bool expected(const struct one *o, const struct subject *s)
{
	return s->valid && re2_full_match(o->theirs, s->text, s->len);
}

/* Assertions at the beginning of the path must not see the method: it ends in a word character, or in another. */
static bool matches(const struct rf_automaton_image *image, const struct subject *s)
{
	static const char *const methods[] = {"GET", "x-y~", "_"};
	const char *method = methods[s->len % RF_ARRAY_SIZE(methods)];

	return rf_automaton_image_run(image, method, strlen(method), s->text, s->len) != 0;
}

static void judge(const struct one *o, const struct subject *s)
{
	const bool want = expected(o, s), by_dfa = matches(o->dfa, s), by_nfa = matches(o->nfa, s);
	char text[100];

	counts.pairs++;
	counts.yes += want;
	counts.invalid += !s->valid;
	if (by_dfa == want && by_nfa == want)
		return;
	snprintf(text, sizeof(text), "RE2 %s, our DFA %s, our NFA %s", want ? "yes" : "no", by_dfa ? "yes" : "no", by_nfa ? "yes" : "no");
	disagree(&o->gen, o->number, s, text);
}

/* One automaton of all: its accept set for a subject is the patterns that match. */
static void judge_together(const struct one *all)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *dfa = NULL, *nfa = NULL;
	struct rf_route_atom atoms[TOGETHER] = {0};
	int r;

	for (size_t i = 0; i < TOGETHER; i++)
		atoms[i] = (struct rf_route_atom){.path_pattern = all[i].gen.pattern, .rule_id = (uint32_t)i + 1};
	r = rf_automaton_build(atoms, TOGETHER, STATES_TOGETHER, &dfa);
	if (r == 0)
		r = rf_automaton_build(atoms, TOGETHER, 1, &nfa);
	if (r < 0) {
		disagree(&all[0].gen, all[0].number, NULL, "together with the next ones there is no automaton");
		return;
	}
	for (size_t k = 0; k < (size_t)TOGETHER * SUBJECTS; k++) {
		const struct subject *s = &all[k / SUBJECTS].subjects[k % SUBJECTS];
		const uint32_t set = rf_automaton_image_run(dfa, "GET", 3, s->text, s->len);
		uint64_t want = 0;

		for (size_t i = 0; i < TOGETHER; i++)
			want |= (uint64_t)expected(&all[i], s) << i;
		counts.together++;
		if (dfa->head.kind == RF_AUTOMATON_DFA ? dfa->atoms_of_set[set * dfa->atom_words] != want : !want != (set == 0))
			disagree(&all[k / SUBJECTS].gen, all[0].number, s, "the common automaton has another accept set");
		if (rf_automaton_image_run(nfa, "GET", 3, s->text, s->len) != (uint32_t)__builtin_ffsll((long long)want))
			disagree(&all[k / SUBJECTS].gen, all[0].number, s, "the common NFA has another accept set");
	}
}

static void one_done(struct one *o)
{
	re2_free(o->theirs);
	rf_automaton_image_free(o->dfa);
	rf_automaton_image_free(o->nfa);
	o->theirs = NULL;
	o->dfa = o->nfa = NULL;
}

/* Pattern number `number` and its subjects; false if it is not one. */
static bool one_begin(struct one *o, uint64_t number)
{
	o->number = number;
	gen_pattern(&o->gen, seed ^ number * 0xd1342543de82ef95ull);
	if (!accepted(o))
		return false;
	build(o);
	if (!o->dfa || !o->nfa)
		return false;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &o->subjects[i];

		s->len = gen_subject(&o->gen, s->text);
		s->valid = valid_utf8(s->text, s->len);
		judge(o, s);
	}
	return true;
}

static void run(uint64_t pairs)
{
	static struct one all[TOGETHER];
	size_t n = 0;

	for (uint64_t number = 0; counts.pairs < pairs && counts.disagreements < DISAGREEMENTS_MAX; number++) {
		if (one_begin(&all[n], number))
			n++;
		else
			one_done(&all[n]);
		if (n < TOGETHER)
			continue;
		judge_together(all);
		while (n > 0)
			one_done(&all[--n]);
	}
	while (n > 0)
		one_done(&all[--n]);
}

/* Enough of everything to mean something; tiny runs are for repeating one pattern. */
static bool balanced(void)
{
	const uint64_t no = counts.pairs - counts.yes - counts.invalid;

	return counts.pairs < 10000 ||
	       (counts.yes > counts.pairs / 5 && no > counts.pairs / 5 && counts.refused > counts.patterns / 100 && counts.invalid > 0);
}

static int report(void)
{
	printf("%llu patterns: %llu accepted, %llu refused by both", (unsigned long long)counts.patterns,
	       (unsigned long long)counts.accepted, (unsigned long long)counts.refused);
	for (int i = 1; i < DISAGREEMENT; i++)
		if (counts.exceptions[i])
			printf("; %llu %s", (unsigned long long)counts.exceptions[i], exception_text[i]);
	printf("\n%llu pairs: %llu match, %llu do not, %llu are no UTF-8; %llu more in common automata; %llu patterns past the state "
	       "budget\n",
	       (unsigned long long)counts.pairs, (unsigned long long)counts.yes,
	       (unsigned long long)(counts.pairs - counts.yes - counts.invalid), (unsigned long long)counts.invalid,
	       (unsigned long long)counts.together, (unsigned long long)counts.past_budget);
	if (counts.disagreements)
		printf("%u disagreements\n", counts.disagreements);
	if (!balanced())
		printf("FAILED  the subjects are not balanced: both answers must be frequent\n");
	return counts.disagreements || !balanced();
}

static int usage(FILE *to)
{
	fprintf(to,
		"usage: differ [--seed N] [--count PAIRS] [--pattern NUMBER]\n"
		"Compares our automata with RE2 (tests/automaton/differ.c says how). Without --seed: a random one, which is printed.\n");
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
						{"count", required_argument, NULL, 'c'},
						{"pattern", required_argument, NULL, 'p'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	static struct one only;
	const char *pattern = NULL;
	uint64_t count = 1000000;
	int c;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return 1;
	seed &= UINT32_MAX;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'c')
			count = strtoull(optarg, NULL, 0);
		else if (c == 'p')
			pattern = optarg;
		else
			return usage(c == 'h' ? stdout : stderr);
	}
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	if (pattern) {
		one_begin(&only, strtoull(pattern, NULL, 0));
		printf("pattern ");
		print_text(only.gen.pattern, only.gen.len);
		putchar('\n');
		one_done(&only);
	} else {
		run(count);
	}
	return report();
}
