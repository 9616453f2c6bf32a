/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of system call rules on real system calls, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/syscall_filter.h"

#define NOT_CONFINED 255

/* The errno (0: none) of a system call in a child with this filter. */
static int confined(const struct rf_syscall_rule *rules, size_t count, bool refuse, long number, long a, long b, long c, long d)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || rf_syscall_filter(rules, count, refuse) < 0)
			_exit(NOT_CONFINED);
		syscall(SYS_exit_group, syscall(number, a, b, c, d, -1, 0) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_what_no_rule_names(void **state)
{
	static const struct rf_syscall_rule end = {.number = SYS_exit_group};

	(void)state;
	assert_int_equal(confined(&end, 1, true, SYS_getppid, 0, 0, 0, 0), EPERM);
	assert_int_equal(confined(&end, 1, false, SYS_getppid, 0, 0, 0, 0), 0);
}

static void test_the_first_match_decides(void **state)
{
	static const struct rf_syscall_rule rules[] = {
		{.number = SYS_socket, .args = {{0, RF_ARG_IS, AF_UNIX}}},
		{.number = SYS_socket, .refuse = EPERM},
		{.number = SYS_socket},
	};

	(void)state;
	assert_int_equal(confined(rules, 3, false, SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0), 0);
	assert_int_equal(confined(rules, 3, false, SYS_socket, AF_INET, SOCK_STREAM, 0, 0), EPERM);
	/* the kernel reads an int: what is above it must not lead past the filter */
	assert_int_equal(confined(rules, 3, false, SYS_socket, (long)(1ull << 32 | AF_INET), SOCK_STREAM, 0, 0), EPERM);
	assert_int_equal(confined(rules, 3, false, SYS_socket, (long)(1ull << 32 | AF_UNIX), SOCK_STREAM, 0, 0), 0);
}

static void test_both_conditions(void **state)
{
	static const struct rf_syscall_rule rules[] = {
		{.number = SYS_mmap, .args = {{2, RF_ARG_WITHIN, PROT_READ | PROT_WRITE}, {3, RF_ARG_HAS, MAP_ANONYMOUS}}},
		{.number = SYS_mmap, .refuse = EPERM},
	};

	(void)state;
	assert_int_equal(confined(rules, 2, false, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS), 0);
	assert_int_equal(confined(rules, 2, false, SYS_mmap, 0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS), 0);
	assert_int_equal(confined(rules, 2, false, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS), EPERM);
	assert_int_equal(confined(rules, 2, false, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE), EPERM); /* not EBADF */
}

static void test_numbers_and_pointers(void **state)
{
	static const struct rf_syscall_rule from[] = {{.number = SYS_close, .args = {{0, RF_ARG_FROM, 1000}}},
						      {.number = SYS_close, .refuse = EPERM}};
	static const struct rf_syscall_rule zero[] = {{.number = SYS_fsync, .args = {{1, RF_ARG_ZERO, 0}}},
						      {.number = SYS_fsync, .refuse = EPERM}};

	(void)state;
	assert_int_equal(confined(from, 2, false, SYS_close, 999, 0, 0, 0), EPERM);
	assert_int_equal(confined(from, 2, false, SYS_close, 1000, 0, 0, 0), EBADF);
	assert_int_equal(confined(from, 2, false, SYS_close, -1, 0, 0, 0), EBADF);
	assert_int_equal(confined(zero, 2, false, SYS_fsync, -1, 0, 0, 0), EBADF);
	assert_int_equal(confined(zero, 2, false, SYS_fsync, -1, 1, 0, 0), EPERM);
	assert_int_equal(confined(zero, 2, false, SYS_fsync, -1, (long)(1ull << 32), 0, 0), EPERM);
	assert_int_equal(confined(zero, 2, false, SYS_fsync, -1, (long)(1ull << 32 | 1), 0, 0), EPERM);
}

#ifdef __x86_64__
/* getppid by the 32-bit table (64) and by x32's. */
static void test_other_abis(void **state)
{
	pid_t pid = fork();
	int status, result;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || rf_syscall_filter(NULL, 0, false) < 0)
			_exit(NOT_CONFINED);
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(64) : "memory", "r8", "r9", "r10", "r11");
		_exit(-result);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSYS);
	assert_int_equal(confined(NULL, 0, false, 0x40000000 | SYS_getppid, 0, 0, 0, 0), ENOSYS);
}
#endif

static void test_too_many_rules(void **state)
{
	static struct rf_syscall_rule rules[RF_SYSCALL_RULES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(rules); i++)
		rules[i] = (struct rf_syscall_rule){
			.number = SYS_getppid, .refuse = EPERM, .args = {{1, RF_ARG_ZERO, 0}, {2, RF_ARG_ZERO, 0}}};
	assert_int_equal(rf_syscall_filter(rules, RF_ARRAY_SIZE(rules), false), -E2BIG);
	assert_int_equal(confined(rules, RF_SYSCALL_RULES_MAX, false, SYS_getppid, 0, 0, 0, 0), EPERM);
	assert_int_equal(confined(rules, RF_SYSCALL_RULES_MAX, false, SYS_getppid, 0, 1, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_no_rule_names), cmocka_unit_test(test_the_first_match_decides),
		cmocka_unit_test(test_both_conditions),    cmocka_unit_test(test_numbers_and_pointers),
#ifdef __x86_64__
		cmocka_unit_test(test_other_abis),
#endif
		cmocka_unit_test(test_too_many_rules),
	};

	return cmocka_run_group_tests_name("syscall filter", tests, NULL, NULL);
}
