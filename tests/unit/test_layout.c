/* SPDX-License-Identifier: Apache-2.0 */
/* Which layouts are the same, and what becomes of an entry in another one. The BTF is made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <bpf/btf.h>

#include "datapath/layout.h"

static struct btf *btf;
static int u64, u32, u16, bytes16;

static int setup(void **state)
{
	(void)state;
	btf = btf__new_empty();
	u64 = btf__add_int(btf, "u64", 8, 0);
	u32 = btf__add_int(btf, "u32", 4, 0);
	u16 = btf__add_int(btf, "u16", 2, 0);
	bytes16 = btf__add_array(btf, u32, u32, 4);
	return btf && bytes16 > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	btf__free(btf);
	return 0;
}

struct member {
	const char *name;
	int type;
	unsigned int at;
};

static struct rf_layout make(const char *name, unsigned int size, const struct member *members)
{
	int id = btf__add_struct(btf, name, size);

	assert_true(id > 0);
	for (; members->name; members++)
		assert_int_equal(btf__add_field(btf, members->name, members->type, members->at * 8, 0), 0);
	return (struct rf_layout){btf, (uint32_t)id};
}

#define STRUCT(name, size, ...) make(name, size, (const struct member[]){__VA_ARGS__, {}})

static void test_same_members_are_the_same_layout(void **state)
{
	struct rf_layout a = STRUCT("a", 16, {"x", u64, 0}, {"y", u32, 8}, {"z", u32, 12});
	struct rf_layout b = STRUCT("b", 16, {"x", u64, 0}, {"y", u32, 8}, {"z", u32, 12});
	struct rf_layout alias = {btf, (uint32_t)btf__add_typedef(btf, "alias", (int)a.type)};

	(void)state;
	assert_true(rf_layout_hash(a) != 0);
	assert_true(rf_layout_hash(a) == rf_layout_hash(b));
	assert_true(rf_layout_hash(a) == rf_layout_hash(alias));
}

static void test_any_difference_is_another_layout(void **state)
{
	struct rf_layout a = STRUCT("a", 16, {"x", u64, 0}, {"y", u32, 8}, {"z", u32, 12});
	const struct rf_layout others[] = {
		STRUCT("renamed", 16, {"x", u64, 0}, {"y", u32, 8}, {"w", u32, 12}),
		STRUCT("swapped", 16, {"x", u64, 0}, {"z", u32, 8}, {"y", u32, 12}),
		STRUCT("narrower", 16, {"x", u64, 0}, {"y", u32, 8}, {"z", u16, 12}),
		STRUCT("moved", 16, {"y", u32, 0}, {"z", u32, 4}, {"x", u64, 8}),
		STRUCT("longer", 24, {"x", u64, 0}, {"y", u32, 8}, {"z", u32, 12}),
		STRUCT("fewer", 16, {"x", u64, 0}, {"y", u32, 8}),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(rf_layout_hash(others[i]) && rf_layout_hash(others[i]) != rf_layout_hash(a));
}

static void test_what_is_not_known_has_no_hash(void **state)
{
	struct rf_layout pointer = {btf, (uint32_t)btf__add_ptr(btf, u32)};
	struct rf_layout inside = STRUCT("inside", 8, {"p", (int)pointer.type, 0});

	(void)state;
	assert_true(rf_layout_hash((struct rf_layout){}) == 0);
	assert_true(rf_layout_hash((struct rf_layout){btf, 0}) == 0);
	assert_true(rf_layout_hash((struct rf_layout){btf, 100000}) == 0);
	assert_true(rf_layout_hash(pointer) == 0);
	assert_true(rf_layout_hash(inside) == 0);
}

static void test_members_are_moved_by_name(void **state)
{
	struct rf_layout address = STRUCT("address", 16, {"be", bytes16, 0});
	struct rf_layout a = STRUCT("a", 32, {"who", u64, 0}, {"at", (int)address.type, 8}, {"gone", u32, 24}, {"wide", u32, 28});
	struct rf_layout b = STRUCT("b", 40, {"at", (int)address.type, 0}, {"new", u64, 16}, {"who", u64, 24}, {"wide", u64, 32});
	struct rf_layout_plan plan;
	struct {
		uint64_t who;
		uint32_t at[4], gone, wide;
	} from = {7, {1, 2, 3, 4}, 5, 6};
	struct {
		uint32_t at[4];
		uint64_t new, who, wide;
	} to;

	(void)state;
	memset(&to, 0xff, sizeof(to));
	assert_int_equal(rf_layout_plan(a, b, &plan), 0);
	assert_false(plan.whole);
	rf_layout_apply(&plan, &from, &to);
	assert_memory_equal(to.at, from.at, sizeof(to.at));
	assert_true(to.who == 7);
	assert_true(to.new == 0);
	assert_true(to.wide == 0); /* another size is another member */
}

/* struct rf_flow of layout 2: who opened a connection is carried under its new name, so that the checker's stays the checker's. */
static void test_renamed_members_are_moved(void **state)
{
	struct rf_layout a = STRUCT("flow2", 12, {"via_checker", u16, 0}, {"life", u16, 2}, {"seen", u64, 4});
	struct rf_layout b = STRUCT("flow3", 16, {"seen", u64, 0}, {"opener", u16, 8}, {"life", u16, 10}, {"dialed_port", u16, 12});
	struct rf_layout both = STRUCT("both", 4, {"via_checker", u16, 0}, {"opener", u16, 2});
	struct rf_layout_plan plan;
	uint16_t from[6] = {1, 7}, to[8];

	(void)state;
	assert_int_equal(rf_layout_plan(a, b, &plan), 0);
	rf_layout_apply(&plan, from, to);
	assert_int_equal(to[4], 1);
	assert_int_equal(to[5], 7);
	assert_int_equal(to[6], 0);
	assert_int_equal(rf_layout_plan(both, b, &plan), 0); /* its own name comes first */
	rf_layout_apply(&plan, from, to);
	assert_int_equal(to[4], 7);
}

static void test_a_key_must_be_whole(void **state)
{
	struct rf_layout a = STRUCT("a", 8, {"x", u32, 0}, {"y", u32, 4});
	struct rf_layout turned = STRUCT("turned", 8, {"y", u32, 0}, {"x", u32, 4});
	struct rf_layout more = STRUCT("more", 12, {"x", u32, 0}, {"y", u32, 4}, {"z", u32, 8});
	struct rf_layout padded = STRUCT("padded", 12, {"x", u32, 0}, {"y", u32, 4}); /* four bytes that nobody names */
	struct rf_layout_plan plan;
	uint32_t from[] = {1, 2}, to[2];

	(void)state;
	assert_int_equal(rf_layout_plan(a, turned, &plan), 0);
	assert_true(plan.whole);
	rf_layout_apply(&plan, from, to);
	assert_int_equal(to[0], 2);
	assert_int_equal(to[1], 1);
	assert_int_equal(rf_layout_plan(a, more, &plan), 0);
	assert_false(plan.whole);
	assert_int_equal(rf_layout_plan(more, a, &plan), 0);
	assert_false(plan.whole);
	assert_int_equal(rf_layout_plan(a, padded, &plan), 0);
	assert_false(plan.whole);
}

static void test_nothing_in_common(void **state)
{
	struct rf_layout a = STRUCT("a", 8, {"x", u32, 0}, {"y", u32, 4});
	struct rf_layout b = STRUCT("b", 8, {"p", u32, 0}, {"q", u32, 4});
	struct rf_layout number = {btf, (uint32_t)u64};
	struct rf_layout_plan plan = {.count = 77};

	(void)state;
	assert_int_equal(rf_layout_plan(a, b, &plan), -EPROTO);
	assert_int_equal(rf_layout_plan(a, number, &plan), -EPROTO);
	assert_int_equal(rf_layout_plan((struct rf_layout){}, a, &plan), -EPROTO);
	assert_int_equal(plan.count, 77);
	assert_int_equal(rf_layout_plan(number, number, &plan), 0);
	assert_true(plan.whole);
}

static void test_rows_of_an_array(void **state)
{
	struct rf_layout row = STRUCT("row", 8, {"a", u32, 0}, {"b", u32, 4});
	struct rf_layout wider = STRUCT("wider", 12, {"b", u32, 0}, {"c", u32, 4}, {"a", u32, 8});
	struct rf_layout from = {btf, (uint32_t)btf__add_array(btf, u32, (int)row.type, 2)};
	struct rf_layout to = {btf, (uint32_t)btf__add_array(btf, u32, (int)wider.type, 2)};
	struct rf_layout longer = {btf, (uint32_t)btf__add_array(btf, u32, (int)row.type, 3)};
	uint32_t in[] = {1, 2, 3, 4}, out[6];
	const uint32_t expected[] = {2, 0, 1, 4, 0, 3};
	struct rf_layout_plan plan;

	(void)state;
	assert_int_equal(rf_layout_plan(from, to, &plan), 0);
	rf_layout_apply(&plan, in, out);
	assert_memory_equal(out, expected, sizeof(expected));
	assert_int_equal(rf_layout_plan(from, longer, &plan), -EPROTO);
}

static void test_too_scattered(void **state)
{
	struct rf_layout row = STRUCT("row", 8, {"a", u32, 0}, {"b", u32, 4});
	struct rf_layout turned = STRUCT("turned", 8, {"b", u32, 0}, {"a", u32, 4});
	struct rf_layout from = {btf, (uint32_t)btf__add_array(btf, u32, (int)row.type, RF_LAYOUT_MOVES_MAX)};
	struct rf_layout to = {btf, (uint32_t)btf__add_array(btf, u32, (int)turned.type, RF_LAYOUT_MOVES_MAX)};
	struct rf_layout_plan plan;

	(void)state;
	assert_int_equal(rf_layout_plan(from, to, &plan), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_members_are_the_same_layout),
		cmocka_unit_test(test_any_difference_is_another_layout),
		cmocka_unit_test(test_what_is_not_known_has_no_hash),
		cmocka_unit_test(test_members_are_moved_by_name),
		cmocka_unit_test(test_renamed_members_are_moved),
		cmocka_unit_test(test_a_key_must_be_whole),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_rows_of_an_array),
		cmocka_unit_test(test_too_scattered),
	};

	return cmocka_run_group_tests_name("layout", tests, setup, teardown);
}
