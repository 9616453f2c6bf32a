/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel may lack is switched off in a BPF object by name, before it is loaded: the right byte, no other, and the object still loads
 * without it. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "connect.skel.h"

#include "datapath/private.h"

#define FLAGS_MAX 8

static int need_root(void **state)
{
	(void)state;
	return geteuid() == 0 ? 0 : -1;
}

static struct bpf_object *open_connect(void)
{
	size_t size = 0;
	const void *bytes = rf_connect_bpf__elf_bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, NULL);

	assert_non_null(object);
	return object;
}

static size_t flags_of(struct bpf_object *object, unsigned char flags[FLAGS_MAX])
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	size_t size = 0;
	const void *data = bpf_map__initial_value(map, &size);

	assert_true(size <= FLAGS_MAX);
	memcpy(flags, data, size);
	return size;
}

static void test_one_byte_by_name(void **state)
{
	unsigned char before[FLAGS_MAX], without_mptcp[FLAGS_MAX], without_both[FLAGS_MAX];
	struct bpf_object *object = open_connect();
	size_t size = flags_of(object, before);

	(void)state;
	assert_int_equal(size, 2);
	assert_memory_equal(before, "\1\1", 2);
	assert_int_equal(rf_dp_feature(object, "rf_has_nothing", false), 0); /* not of this object */
	flags_of(object, without_mptcp);
	assert_memory_equal(without_mptcp, before, size);
	assert_int_equal(rf_dp_feature(object, "rf_has_mptcp", false), 0);
	flags_of(object, without_mptcp);
	assert_int_equal(without_mptcp[0] + without_mptcp[1], 1);
	assert_int_equal(rf_dp_feature(object, "rf_has_set_retval", false), 0);
	flags_of(object, without_both);
	assert_memory_equal(without_both, "\0\0", 2);
	assert_int_equal(rf_dp_feature(object, "rf_has_set_retval", true), 0);
	flags_of(object, without_both);
	assert_memory_equal(without_both, without_mptcp, size);
	bpf_object__close(object);
}

/* A call that is switched off is not in the program that the kernel gets: shorter, and loadable where the kernel has no such helper. 0: it
 * cannot be loaded. */
static __u32 loaded_size(bool mptcp, bool set_retval)
{
	struct bpf_object *object = open_connect();
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	assert_int_equal(rf_dp_feature(object, "rf_has_mptcp", mptcp), 0);
	assert_int_equal(rf_dp_feature(object, "rf_has_set_retval", set_retval), 0);
	if (bpf_object__load(object) < 0) {
		bpf_object__close(object);
		return 0;
	}
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(bpf_object__find_program_by_name(object, "rf_connect4")), &info, &len), 0);
	bpf_object__close(object);
	return info.xlated_prog_len;
}

static void test_what_is_off_is_not_loaded(void **state)
{
	__u32 none = loaded_size(false, false), with = loaded_size(false, true);

	(void)state;
	assert_true(none > 0);
	if (with && with <= none) /* before 5.18 there is no such helper, and nothing to compare with */
		fail_msg("bpf_set_retval is called though it is switched off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_byte_by_name),
		cmocka_unit_test(test_what_is_off_is_not_loaded),
	};

	return cmocka_run_group_tests_name("features", tests, need_root, NULL);
}
