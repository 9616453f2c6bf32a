/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a pattern, and after the first line feed the path to run it over. A refused pattern must say why and where; an accepted one must
 * build as DFA and as NFA, both must agree, and the placed automaton must pass validation. The same pattern is the condition of a header
 * whose value is the path: it must hold exactly when the text automaton says so.
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
	struct rf_route_ident idents[2];
	struct rf_route_pair pair;
	struct rf_route_grant grant;
	uint64_t bitmap;
};

static struct blob *make_blob(const struct rf_automaton_image *image)
{
	const size_t size = sizeof(struct blob) + rf_automaton_place_size(image);
	struct blob *b = calloc(1, size);

	CHECK(b);
	b->head = (struct rf_routes_head){.magic = RF_ROUTES_MAGIC,
					  .version = RF_ROUTES_VERSION,
					  .size = size,
					  .idents_off = offsetof(struct blob, idents),
					  .pairs_off = offsetof(struct blob, pair),
					  .egresses_off = offsetof(struct blob, grant),
					  .grants_off = offsetof(struct blob, grant),
					  .ident_count = 2,
					  .pair_count = 1,
					  .grant_count = 1};
	b->idents[0].identity = 1;
	b->idents[1].identity = 2;
	b->pair = (struct rf_route_pair){.src = 1, .dst = 2, .port = 80, .verdict = RF_VERDICT_L7};
	b->grant = (struct rf_route_grant){sizeof(*b), offsetof(struct blob, bitmap), 0};
	b->bitmap = 1;
	CHECK(rf_automaton_place(image, b, sizeof(*b)) == size - sizeof(*b));
	CHECK(rf_routes_validate(b, size) == 0);
	return b;
}

static enum rf_reason ask(const struct blob *b, const char *target, size_t len, const struct rf_header_field *field)
{
	const struct rf_request_question question = {.src = 1,
						     .dst = 2,
						     .port = 80,
						     .method = "GET",
						     .method_len = 3,
						     .target = target,
						     .target_len = len,
						     .fields = field,
						     .field_count = field != NULL};
	struct rf_request_answer answer;

	rf_routes_decide(b, &question, &answer);
	return answer.reason;
}

static void check_blob(const struct rf_automaton_image *image, const char *path, size_t len, uint32_t expect)
{
	_cleanup_free_ struct blob *b = make_blob(image);
	enum rf_reason reason = ask(b, path, len, NULL);

	CHECK(rf_automaton_run(b, sizeof(*b), "GET", 3, path, len) == expect);
	CHECK(reason == RF_REASON_ALLOW_L7 || reason == RF_REASON_NO_ROUTE || reason == RF_REASON_BAD_PATH);
	CHECK(reason != RF_REASON_ALLOW_L7 || expect != 0 || memchr(path, '?', len));
}

static void check_condition(const char *pattern, const char *value, size_t len)
{
	const struct rf_route_condition condition = {.kind = RF_COND_HEADER, .name = "X", .patterns = &pattern, .pattern_count = 1};
	const struct rf_route_atom atom = {.path_pattern = "/", .conditions = &condition, .condition_count = 1};
	const struct rf_header_field field = {.name = "x", .name_len = 1, .value = value, .value_len = len};
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL, *text = NULL;
	_cleanup_free_ struct blob *b = NULL;

	CHECK(rf_text_automaton_build(&pattern, 1, false, &text) == 0);
	CHECK(rf_automaton_build(&atom, 1, STATES_MAX, &image) == 0);
	b = make_blob(image);
	CHECK(ask(b, "/", 1, NULL) == RF_REASON_NO_ROUTE);
	CHECK((ask(b, "/", 1, &field) == RF_REASON_ALLOW_L7) == rf_text_automaton_image_run(text, value, len));
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
	check_condition(pattern, path, len);
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
