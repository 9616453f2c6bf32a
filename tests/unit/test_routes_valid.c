/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs that must not pass validation. */
#include "routes_world.h"

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
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, 0);
	struct rf_automaton *a = (struct rf_automaton *)b->automata;
	uint32_t *table = (uint32_t *)((char *)b + a->table_off), *accept = (uint32_t *)((char *)b + a->accept_off);
	const size_t size = b->head.size;

	(void)state;
	assert_int_equal(rf_routes_validate(b, size), 0);
	expect_bad(NULL, size);
	expect_bad((char *)b + 4, size - 4);
	for (size_t n = 0; n < size; n++)
		expect_bad(b, n);
	BREAK(b, b->head.magic, 1);
	BREAK(b, b->head.version, 3);
	BREAK(b, b->head.size, size + 8);
	BREAK(b, b->head.pairs_off, size);
	BREAK(b, b->head.pairs_off, UINT64_MAX - 7);
	BREAK(b, b->head.pairs_off, b->head.pairs_off + 4);
	BREAK(b, b->head.pair_count, UINT32_MAX);
	BREAK(b, b->head.grants_off, size - 8);
	BREAK(b, b->head.grant_count, 1);
	BREAK(b, b->head.grant_count, UINT32_MAX);
	BREAK(b, b->pairs[1].routes_id, 6);
	BREAK(b, b->pairs[1].routes_id, RF_ROUTES_NONE);
	BREAK(b, b->pairs[0].routes_id, 0);
	BREAK(b, b->pairs[1].verdict, 3);
	BREAK(b, b->pairs[1].local_id, 1);
	BREAK(b, b->pairs[0].src, 0);
	BREAK(b, b->pairs[1].port, 81);
	BREAK(b, b->pairs[1].port, 100);
	BREAK(b, b->pairs[1].src, BUYER + 1);
	BREAK(b, b->grants[0].automaton_off, size - 8);
	BREAK(b, b->grants[0].automaton_off, UINT64_MAX - 7);
	BREAK(b, b->head.version, 1);
	BREAK(b, b->head.flags, 4);
	BREAK(b, b->head.idents_off, size);
	BREAK(b, b->head.ident_count, UINT32_MAX);
	BREAK(b, b->idents[0].identity, 0);
	BREAK(b, b->idents[1].identity, BUYER);
	BREAK(b, b->idents[2].audit, 4);
	BREAK(b, b->head.egresses_off, 4);
	BREAK(b, b->head.egress_count, UINT32_MAX);
	BREAK(b, b->egresses[0].kind, 0);
	BREAK(b, b->egresses[0].kind, 3);
	BREAK(b, b->egresses[0].routes_id, 6);
	BREAK(b, b->egresses[0].routes_id, RF_ROUTES_NONE);
	BREAK(b, b->egresses[1].port, 80);
	BREAK(b, b->egresses[2].src, BUYER);
	BREAK(b, b->grants[0].atoms_off, size);
	BREAK(b, b->grants[0].atoms_off, 4);
	BREAK(b, b->grants[3].authority_off, size);
	BREAK(b, b->grants[3].authority_off, b->grants[0].automaton_off); /* one with conditions could ask itself */
	BREAK(b, b->bitmaps[1], b->bitmaps[1] | 1ull << RF_ARRAY_SIZE(store_atoms));
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
	BREAK(b, a->sets_off, size);
	BREAK(b, a->sets_off, a->sets_off + 4);
	BREAK(b, a->atoms_off, size);
	BREAK(b, a->atom_count, UINT32_MAX);
	BREAK(b, a->atom_count, 1);
	BREAK(b, a->conds_off, size);
	BREAK(b, a->cond_count, UINT32_MAX);
	BREAK(b, a->cond_count, 1);
	BREAK(b, a->classes[200], (__u8)a->class_count);
	BREAK(b, table[0], 1);
	BREAK(b, table[a->class_count], a->state_count);
	BREAK(b, accept[0], 1);
	BREAK(b, accept[1], a->accept_sets + 1);
	assert_int_equal(rf_routes_validate(b, size), 0);
}

static void test_validate_sets(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, 0);
	struct rf_automaton *a = (struct rf_automaton *)b->automata;
	uint32_t *first = (uint32_t *)((char *)b + a->sets_off), *atoms = first + a->accept_sets + 2;
	const size_t size = b->head.size;
	bool several = false;

	(void)state;
	BREAK(b, first[0], 1);
	BREAK(b, first[1], 1);
	BREAK(b, first[a->accept_sets + 1], UINT32_MAX);
	BREAK(b, first[a->accept_sets + 1], first[a->accept_sets] - 1);
	for (uint32_t set = 1; set <= a->accept_sets; set++) {
		BREAK(b, first[set], UINT32_MAX);
		BREAK(b, atoms[first[set]], a->atom_count);
		if (first[set + 1] - first[set] < 2)
			continue;
		several = true;
		BREAK(b, atoms[first[set] + 1], atoms[first[set]]);
	}
	assert_true(several);
	assert_int_equal(rf_routes_validate(b, size), 0);
}

static void test_validate_conditions(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(RF_DFA_STATES_MAX, 0);
	struct rf_automaton *a = (struct rf_automaton *)b->automata, *text,
			    *http = (struct rf_automaton *)((char *)b + b->grants[4].automaton_off);
	struct rf_atom_info *atoms = (struct rf_atom_info *)((char *)b + a->atoms_off);
	struct rf_route_cond *conds = (struct rf_route_cond *)((char *)b + a->conds_off);
	struct rf_route_cond *address = (struct rf_route_cond *)((char *)b + http->conds_off) + 1;
	const size_t size = b->head.size;
	char *name = (char *)b + conds[0].at_off;

	(void)state;
	assert_int_equal(conds[0].kind, RF_COND_HEADER);
	assert_int_equal(conds[3].kind, RF_COND_AUTHORITY);
	assert_int_equal(address->kind, RF_COND_ADDRESS);
	text = (struct rf_automaton *)((char *)b + conds[0].automaton_off);
	BREAK(b, atoms[4].cond_first, a->cond_count);
	BREAK(b, atoms[4].cond_first, UINT32_MAX);
	BREAK(b, atoms[4].cond_count, a->cond_count + 1);
	BREAK(b, conds[0].kind, 0);
	BREAK(b, conds[0].kind, 4);
	BREAK(b, conds[0].count, 0);
	BREAK(b, conds[0].count, UINT32_MAX);
	BREAK(b, conds[0].at_off, size);
	BREAK(b, conds[0].at_off, conds[0].at_off + 4);
	BREAK(b, conds[0].automaton_off, 0);
	BREAK(b, conds[0].automaton_off, size);
	BREAK(b, conds[0].automaton_off, b->grants[0].automaton_off); /* itself */
	BREAK(b, name[0], 'U');
	BREAK(b, name[0], '\0');
	BREAK(b, name[0], ':');
	BREAK(b, conds[3].at_off, 8);
	BREAK(b, conds[3].count, 1);
	BREAK(b, address->count, UINT32_MAX);
	BREAK(b, address->at_off, size);
	BREAK(b, address->automaton_off, conds[0].automaton_off);
	BREAK(b, text->cond_count, 1);
	BREAK(b, text->kind, 0);
	BREAK(b, text->table_off, size);
	BREAK(b, text->sets_off, size);
	assert_int_equal(rf_routes_validate(b, size), 0);
}

/* Whatever single byte of it is wrong: refused, or followed without harm (a sanitizer looks on). */
static void test_any_byte(void **state)
{
	static const char *const lines[] = {"User-Agent: Android", "x-a: abc", "x-b: "};
	const struct fields f = fields_of(lines, 3);
	size_t refused = 0;

	(void)state;
	FOR_BOTH_KINDS(b, 0)
	for (size_t at = 0; at < b->head.size; at++) {
		unsigned char *byte = (unsigned char *)b + at;
		const unsigned char was = *byte;

		*byte ^= (unsigned char)(1u << at % 8);
		if (rf_routes_validate(b, b->head.size) == 0) {
			struct rf_request_question q = ask(BUYER, STORE, 83, "GET", "/public/../phone");

			q.fields = f.items;
			q.field_count = f.count;
			with_authority(&q, "shop.example");
			(void)decide(b, &q);
			q = ask_out(BUYER, 80, "/get", "httpbin.org", 9);
			(void)decide(b, &q);
		} else {
			refused++;
		}
		*byte = was;
	}
	assert_true(refused > 0);
}

static void test_validate_nfa(void **state)
{
	_cleanup_free_ struct blob *b = make_blob(1, 0);
	struct rf_automaton *a = (struct rf_automaton *)b->automata;
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
		cmocka_unit_test(test_validate),     cmocka_unit_test(test_validate_sets), cmocka_unit_test(test_validate_conditions),
		cmocka_unit_test(test_validate_nfa), cmocka_unit_test(test_any_byte),
	};

	return cmocka_run_group_tests_name("routes_valid", tests, NULL, NULL);
}
