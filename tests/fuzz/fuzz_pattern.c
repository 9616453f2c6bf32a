/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a pattern, and after the first line feed the path to run it over. A refused pattern must say why and where; an accepted one must
 * build as DFA and as NFA, both must agree, and the placed automaton must pass validation.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

#define CHECK(cond)                                                                                                                        \
	do {                                                                                                                               \
		if (!(cond))                                                                                                               \
			abort();                                                                                                           \
	} while (0)

#define STATES_MAX  2000
#define PATTERN_MAX 300 /* longer ones only take longer */

/* A blob of one grant with the automaton, as the policy compiler lays one out. */
struct blob {
	struct rf_routes_head head;
	struct rf_route_pair pair;
	struct rf_route_grant grant;
	uint64_t bitmap[STATES_MAX / 64 + 1];
};

static void check_blob(const struct rf_automaton_image *image, const char *path, size_t len, uint32_t expect)
{
	const size_t size = sizeof(struct blob) + rf_automaton_place_size(image);
	_cleanup_free_ struct blob *b = calloc(1, size);
	enum rf_reason reason;
	uint32_t rule;

	CHECK(b && image->head.accept_sets < STATES_MAX);
	b->head = (struct rf_routes_head){.magic = RF_ROUTES_MAGIC,
					  .version = RF_ROUTES_VERSION,
					  .size = size,
					  .pairs_off = offsetof(struct blob, pair),
					  .grants_off = offsetof(struct blob, grant),
					  .pair_count = 1,
					  .grant_count = 1};
	b->pair = (struct rf_route_pair){.src = 1, .dst = 2, .port = 80, .verdict = RF_VERDICT_L7};
	b->grant = (struct rf_route_grant){sizeof(*b), offsetof(struct blob, bitmap)};
	b->bitmap[0] = ~1ull;
	CHECK(rf_automaton_place(image, b, sizeof(*b)) == size - sizeof(*b));
	CHECK(rf_routes_validate(b, size) == 0);
	CHECK(rf_automaton_run(b, sizeof(*b), "GET", 3, path, len) == expect);
	reason = rf_routes_decide(b, 1, 2, 80, "GET", 3, path, len, &rule);
	CHECK(reason == RF_REASON_ALLOW_L7 || reason == RF_REASON_NO_ROUTE || reason == RF_REASON_BAD_PATH);
	CHECK(reason != RF_REASON_ALLOW_L7 || expect != 0 || memchr(path, '?', len));
}

static void check_pattern(const char *pattern, const char *path, size_t len)
{
	const struct rf_route_atom atom = {.path_pattern = pattern, .rule_id = 1};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *dfa = NULL, *nfa = NULL;
	uint32_t by_dfa, by_nfa;

	CHECK(rf_automaton_build(&atom, 1, STATES_MAX, &dfa) == 0);
	CHECK(rf_automaton_build(&atom, 1, 1, &nfa) == 0);
	by_dfa = rf_automaton_image_run(dfa, "GET", 3, path, len);
	by_nfa = rf_automaton_image_run(nfa, "GET", 3, path, len);
	CHECK(by_dfa == by_nfa);
	check_blob(dfa, path, len, by_dfa);
	check_blob(nfa, path, len, by_nfa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t len = end ? (size_t)(end - data) : size;
	_cleanup_free_ char *pattern = strndup((const char *)data, len);
	struct rf_pattern_error error = {SIZE_MAX, ""};
	int r;

	CHECK(pattern);
	if (len > PATTERN_MAX)
		return 0;
	r = rf_pattern_check((const char *)data, len, &error);
	CHECK(r == 0 || ((r == -EINVAL || r == -E2BIG) && error.offset <= len && error.text[0]));
	if (r == 0 && strlen(pattern) == len)
		check_pattern(pattern, end ? (const char *)end + 1 : "", end ? size - len - 1 : 0);
	return 0;
}
