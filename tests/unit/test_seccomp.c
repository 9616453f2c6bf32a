/* SPDX-License-Identifier: Apache-2.0 */
/* The filter on real system calls, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pods/seccomp.h"

/* The errno (0: none) of a system call in a confined child, or 255 if it could not be confined. */
static int confined(long number, long a, long b, long c)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || rf_seccomp_confine() < 0)
			_exit(255);
		_exit(syscall(number, a, b, c) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_families(void **state)
{
	static const int open[] = {AF_UNIX, AF_INET, AF_INET6};
	static const int closed[] = {AF_VSOCK, AF_ALG, AF_CAN, AF_BLUETOOTH, AF_TIPC, AF_RDS, 44 /* XDP */, 46, 1000, -1};

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		assert_int_equal(confined(SYS_socket, open[i], SOCK_STREAM, 0), 0);
	assert_int_equal(confined(SYS_socket, AF_NETLINK, SOCK_RAW, 0), 0);
	for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++)
		assert_int_equal(confined(SYS_socket, closed[i], SOCK_STREAM, 0), EAFNOSUPPORT);
}

/* The kernel reads an int: what is above it must not lead past the filter. */
static void test_high_half_of_the_family(void **state)
{
	(void)state;
	assert_int_equal(confined(SYS_socket, (long)(0x100000000ull | AF_VSOCK), SOCK_STREAM, 0), EAFNOSUPPORT);
	assert_int_equal(confined(SYS_socket, (long)(0x100000000ull | AF_INET), SOCK_STREAM, 0), 0);
}

static void test_refused_calls(void **state)
{
	(void)state;
	assert_int_equal(confined(SYS_bpf, 0, 0, 0), EPERM);
	assert_int_equal(confined(SYS_keyctl, 0, -4, 1), ENOSYS);
	assert_int_equal(confined(SYS_add_key, 0, 0, 0), ENOSYS);
	assert_int_equal(confined(SYS_request_key, 0, 0, 0), ENOSYS);
	assert_int_equal(confined(SYS_io_uring_setup, 1, 0, 0), ENOSYS);
	assert_int_equal(confined(SYS_io_uring_enter, 0, 0, 0), ENOSYS);
	assert_int_equal(confined(SYS_io_uring_register, 0, 0, 0), ENOSYS);
	assert_int_equal(confined(SYS_getppid, 0, 0, 0), 0);
}

#ifdef __x86_64__
static void test_other_abis(void **state)
{
	(void)state;
	assert_int_equal(confined(0x40000000 | SYS_socket, AF_VSOCK, SOCK_STREAM, 0), ENOSYS);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_high_half_of_the_family),
		cmocka_unit_test(test_refused_calls),
#ifdef __x86_64__
		cmocka_unit_test(test_other_abis),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
