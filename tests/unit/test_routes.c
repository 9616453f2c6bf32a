/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions over a small blob laid out by hand, and blobs that must not pass validation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

enum { BUYER = 10, THIEF = 20, OTHER = 30, STORE = 100, DB = 200 };
enum { RULE_BUY = 1, RULE_STEAL, RULE_BUYER_PAIR, RULE_THIEF_PAIR, RULE_DB, RULE_PUBLIC, RULE_DENY, RULE_EMPTY, RULE_SHARED };

/* The atoms of STORE: 0 buy (buyer and thief), 1 steal (thief), 2 public (buyer), 3 a part of steal (buyer). */
static const char *const get[] = {"GET"};
static const struct rf_route_atom store_atoms[] = {
	{get, 1, "/buy", RULE_BUY},
	{get, 1, "/api/steal.*", RULE_STEAL},
	{NULL, 0, "/public/.*", RULE_PUBLIC},
	{get, 1, "/api/steal/shared", RULE_SHARED},
};
static const uint64_t buyer_atoms = 1 | 4 | 8, thief_atoms = 1 | 2;

/* Sorted by (src, dst, port). */
static const struct rf_route_pair pairs[] = {
	{.src = BUYER, .dst = STORE, .port = 0, .verdict = RF_VERDICT_ALLOW, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DB},
	{.src = BUYER, .dst = STORE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 0, .rule_id = RULE_BUYER_PAIR},
	{.src = BUYER, .dst = STORE, .port = 81, .verdict = RF_VERDICT_DENY, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DENY},
	{.src = BUYER, .dst = STORE, .port = 82, .verdict = RF_VERDICT_L7, .routes_id = 2, .rule_id = RULE_EMPTY},
	{.src = BUYER, .dst = DB, .port = 3306, .verdict = RF_VERDICT_ALLOW, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DB},
	{.src = THIEF, .dst = STORE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 1, .rule_id = RULE_THIEF_PAIR},
};

struct blob {
	struct rf_routes_head head;
	struct rf_route_pair pairs[RF_ARRAY_SIZE(pairs)];
	struct rf_route_grant grants[3]; /* buyer, thief, no route at all */
	uint64_t bitmaps[2];
	char automaton[];
};

static uint64_t bitmap_of(const struct rf_automaton_image *image, uint64_t atoms)
{
	uint64_t bits = 0;

	assert_true(image->head.accept_sets < 64);
	for (uint32_t set = 1; set <= image->head.accept_sets; set++)
		if (image->atoms_of_set[set * image->atom_words] & atoms)
			bits |= 1ull << set;
	return bits;
}

static struct blob *make_blob(size_t states_max, bool permissive)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;
	struct blob *b;
	size_t size;

	assert_int_equal(rf_automaton_build(store_atoms, RF_ARRAY_SIZE(store_atoms), states_max, &image), 0);
	size = sizeof(*b) + rf_automaton_place_size(image);
	b = calloc(1, size);
	assert_non_null(b);
	b->head = (struct rf_routes_head){.magic = RF_ROUTES_MAGIC,
					  .version = RF_ROUTES_VERSION,
					  .epoch = 1,
					  .permissive = permissive,
					  .size = size,
					  .pairs_off = offsetof(struct blob, pairs),
					  .grants_off = offsetof(struct blob, grants),
					  .pair_count = RF_ARRAY_SIZE(pairs),
					  .grant_count = 3};
	memcpy(b->pairs, pairs, sizeof(pairs));
	b->bitmaps[0] = bitmap_of(image, buyer_atoms);
	b->bitmaps[1] = bitmap_of(image, thief_atoms);
	b->grants[0] = (struct rf_route_grant){sizeof(*b), offsetof(struct blob, bitmaps)};
	b->grants[1] = (struct rf_route_grant){sizeof(*b), offsetof(struct blob, bitmaps) + 8};
	assert_int_equal(rf_automaton_place(image, b, sizeof(*b)), size - sizeof(*b));
	return b;
}

static const struct decision {
	rf_identity_t src, dst;
	uint16_t port;
	const char *method, *target;
	enum rf_reason reason;
	uint32_t rule;
} decisions[] = {
	{BUYER, STORE, 80, "GET", "/buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "GET", "/buy?x=/api/steal", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "POST", "/buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "HEAD", "/buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/nothing", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/api/steal/1", RF_REASON_ROUTE_OTHERS, RULE_STEAL},
	{BUYER, STORE, 80, "PUT", "/public/x", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	{THIEF, STORE, 80, "GET", "/api/steal/1", RF_REASON_ALLOW_L7, RULE_STEAL},
	{THIEF, STORE, 80, "GET", "/buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{THIEF, STORE, 80, "GET", "/public/x", RF_REASON_ROUTE_OTHERS, RULE_PUBLIC},
	/* raw and canonical */
	{BUYER, STORE, 80, "GET", "/public//a/./b;c/%64", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	{BUYER, STORE, 80, "GET", "/public/../buy", RF_REASON_ALLOW_L7, RULE_BUY},
	{BUYER, STORE, 80, "GET", "/public/../admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%2e%2e/admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/../api/steal", RF_REASON_ROUTE_OTHERS, RULE_STEAL},
	{THIEF, STORE, 80, "GET", "/public/../buy", RF_REASON_ROUTE_OTHERS, RULE_PUBLIC},
	{THIEF, STORE, 80, "GET", "/public/../admin", RF_REASON_NO_ROUTE, RULE_THIEF_PAIR},
	{BUYER, STORE, 80, "GET", "/%62uy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "//buy", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%c0%af../admin", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/caf%c3%a9", RF_REASON_ALLOW_L7, RULE_PUBLIC},
	/* no canonical form */
	{BUYER, STORE, 80, "GET", "/public/../../buy", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%252e", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/x%2fy/../../admin", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "/public/%00", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET", "", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "OPTIONS", "*", RF_REASON_BAD_PATH, RULE_BUYER_PAIR},
	{BUYER, STORE, 82, "GET", "/%", RF_REASON_BAD_PATH, RULE_EMPTY},
	/* methods that are none */
	{BUYER, STORE, 80, "", "/public/x", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	{BUYER, STORE, 80, "GET /public/x", "/", RF_REASON_NO_ROUTE, RULE_BUYER_PAIR},
	/* pairs: the exact port is final, then port 0 */
	{BUYER, STORE, 9999, "GET", "/%", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, STORE, 0, "GET", "/", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, STORE, 81, "GET", "/", RF_REASON_NO_RULE, RULE_DENY},
	{BUYER, STORE, 82, "GET", "/buy", RF_REASON_NO_ROUTE, RULE_EMPTY},
	{BUYER, DB, 3306, "x", "\x16\x03", RF_REASON_ALLOW_RULE, RULE_DB},
	{BUYER, DB, 3307, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{THIEF, DB, 3306, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{OTHER, STORE, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{STORE, BUYER, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{0, STORE, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
	{BUYER, 0, 80, "GET", "/buy", RF_REASON_NO_RULE, 0},
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t states = 1; states <= RF_DFA_STATES_MAX; states += RF_DFA_STATES_MAX - 1) {
		_cleanup_free_ struct blob *b = make_blob(states, false);

		assert_int_equal(rf_routes_validate(b, b->head.size), 0);
		for (size_t i = 0; i < RF_ARRAY_SIZE(decisions); i++) {
			const struct decision *d = &decisions[i];
			uint32_t rule = 99;

			print_message("%llu %u %s %s\n", (unsigned long long)d->src, d->port, d->method, d->target);
			assert_int_equal(rf_routes_decide(b, d->src, d->dst, d->port, d->method, strlen(d->method), d->target,
							  strlen(d->target), &rule),
					 d->reason);
			assert_int_equal(rule, d->rule);
		}
	}
}

/* Two routes match one request: the granted one counts, whichever comes first. */
static void test_overlap(void **state)
{
	static const char path[] = "/api/steal/shared";

	(void)state;
	for (size_t states = 1; states <= RF_DFA_STATES_MAX; states += RF_DFA_STATES_MAX - 1) {
		_cleanup_free_ struct blob *b = make_blob(states, false);
		uint32_t rule;

		for (rf_identity_t src = BUYER; src <= THIEF; src += THIEF - BUYER)
			assert_int_equal(rf_routes_decide(b, src, STORE, 80, "GET", 3, path, strlen(path), &rule), RF_REASON_ALLOW_L7);
	}
}

static void test_permissive(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, true);
	uint32_t rule = 99;

	(void)state;
	assert_int_equal(rf_routes_decide(b, OTHER, STORE, 80, "GET", 3, "/%", 2, &rule), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(rule, 0);
	assert_int_equal(rf_routes_decide(b, BUYER, STORE, 81, "GET", 3, "/", 1, &rule), RF_REASON_ALLOW_PERMISSIVE);
	assert_int_equal(rf_routes_decide(b, 0, STORE, 80, "GET", 3, "/", 1, &rule), RF_REASON_NO_RULE);
}

/* Longer than the buffer on the stack. */
static void test_long_path(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, false);
	static char path[100000];
	uint32_t rule;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "/public/", 8);
	for (size_t len = 4000; len <= sizeof(path); len += 4000)
		assert_int_equal(rf_routes_decide(b, BUYER, STORE, 80, "GET", 3, path, len, &rule), RF_REASON_ALLOW_L7);
	memcpy(path + sizeof(path) - 14, "/../../../../b", 14);
	assert_int_equal(rf_routes_decide(b, BUYER, STORE, 80, "GET", 3, path, sizeof(path), &rule), RF_REASON_BAD_PATH);
}

/* An empty policy denies, it does not crash. */
static void test_empty(void **state)
{
	struct rf_routes_head head = {.magic = RF_ROUTES_MAGIC,
				      .version = RF_ROUTES_VERSION,
				      .size = sizeof(head),
				      .pairs_off = sizeof(head),
				      .grants_off = sizeof(head)};
	uint32_t rule;

	(void)state;
	assert_int_equal(rf_routes_validate(&head, sizeof(head)), 0);
	assert_int_equal(rf_routes_decide(&head, BUYER, STORE, 80, "GET", 3, "/", 1, &rule), RF_REASON_NO_RULE);
}

static void expect_bad(void *blob, size_t size)
{
	assert_int_equal(rf_routes_validate(blob, size), -EBADMSG);
}

/* Sets one field to a wrong value, validates, and puts the old one back. */
#define BREAK(blob, field, value)                                                                                                          \
	do {                                                                                                                               \
		const __typeof__(field) was = (field);                                                                                     \
		(field) = (value);                                                                                                         \
		expect_bad((blob), size);                                                                                                  \
		(field) = was;                                                                                                             \
	} while (0)

static void test_validate(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, false);
	struct rf_automaton *a = (struct rf_automaton *)b->automaton;
	uint32_t *table = (uint32_t *)((char *)b + a->table_off), *accept = (uint32_t *)((char *)b + a->accept_off);
	const size_t size = b->head.size;

	(void)state;
	assert_int_equal(rf_routes_validate(b, size), 0);
	expect_bad(NULL, size);
	expect_bad((char *)b + 4, size - 4);
	for (size_t n = 0; n < size; n++)
		expect_bad(b, n);
	BREAK(b, b->head.magic, 1);
	BREAK(b, b->head.version, 2);
	BREAK(b, b->head.size, size + 8);
	BREAK(b, b->head.pairs_off, size);
	BREAK(b, b->head.pairs_off, UINT64_MAX - 7);
	BREAK(b, b->head.pairs_off, sizeof(b->head) + 4);
	BREAK(b, b->head.pair_count, UINT32_MAX);
	BREAK(b, b->head.grants_off, size - 8);
	BREAK(b, b->head.grant_count, 1);
	BREAK(b, b->head.grant_count, UINT32_MAX);
	BREAK(b, b->pairs[1].routes_id, 3);
	BREAK(b, b->pairs[1].routes_id, RF_ROUTES_NONE);
	BREAK(b, b->pairs[0].routes_id, 0);
	BREAK(b, b->pairs[1].verdict, 3);
	BREAK(b, b->pairs[1].port, 81);
	BREAK(b, b->pairs[1].port, 100);
	BREAK(b, b->pairs[1].src, BUYER + 1);
	BREAK(b, b->grants[0].automaton_off, size - 8);
	BREAK(b, b->grants[0].automaton_off, UINT64_MAX - 7);
	BREAK(b, b->grants[0].bitmap_off, size);
	BREAK(b, b->grants[0].bitmap_off, 4);
	BREAK(b, b->bitmaps[1], b->bitmaps[1] | 1);
	BREAK(b, a->kind, 0);
	BREAK(b, a->kind, 3);
	BREAK(b, a->start, a->state_count);
	BREAK(b, a->state_count, 0);
	BREAK(b, a->state_count, UINT32_MAX);
	BREAK(b, a->class_count, 0);
	BREAK(b, a->class_count, 257);
	BREAK(b, a->accept_sets, UINT32_MAX);
	BREAK(b, a->table_off, size);
	BREAK(b, a->accept_off, size - 8);
	BREAK(b, a->rules_off, size);
	BREAK(b, a->classes[200], (__u8)a->class_count);
	BREAK(b, table[0], 1);
	BREAK(b, table[a->class_count], a->state_count);
	BREAK(b, accept[0], 1);
	BREAK(b, accept[1], a->accept_sets + 1);
	assert_int_equal(rf_routes_validate(b, size), 0);
}

static void test_validate_nfa(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(1, false);
	struct rf_automaton *a = (struct rf_automaton *)b->automaton;
	unsigned char *insts = (unsigned char *)b + a->table_off;
	const size_t size = b->head.size;

	(void)state;
	assert_int_equal(a->kind, RF_AUTOMATON_NFA);
	assert_int_equal(rf_routes_validate(b, size), 0);
	for (uint32_t i = 0; i < a->state_count; i++) {
		uint32_t *out = (uint32_t *)(insts + 12 * i + 4), *alt = out + 1;

		BREAK(b, insts[12 * i], 0);
		BREAK(b, insts[12 * i], 5);
		if (insts[12 * i] == 4)
			BREAK(b, *alt, a->accept_sets);
		else
			BREAK(b, *out, a->state_count);
		if (insts[12 * i] == 2)
			BREAK(b, *alt, a->state_count);
	}
	BREAK(b, a->start, a->state_count);
	BREAK(b, a->state_count, 2000000);
	BREAK(b, a->table_off, size);
	assert_int_equal(rf_routes_validate(b, size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),    cmocka_unit_test(test_overlap), cmocka_unit_test(test_permissive),
		cmocka_unit_test(test_long_path),    cmocka_unit_test(test_empty),   cmocka_unit_test(test_validate),
		cmocka_unit_test(test_validate_nfa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
