/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"

struct packet {
	int number;
	char text[12];
};

static int pair[2];

static int make_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

static int drop_pair(void **state)
{
	(void)state;
	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return 0;
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_round_trip(void **state)
{
	struct packet in, out = {42, "hello"};
	int pipe_fds[2], fd = -1;
	char byte;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(rf_fdpass_send(pair[1], &out, sizeof(out), pipe_fds[0]), 0);
	assert_int_equal(rf_fdpass_send(pair[1], &out, sizeof(out), -1), 0);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), 0);
	assert_int_equal(in.number, 42);
	assert_string_equal(in.text, "hello");
	assert_true(fd >= 0 && fd != pipe_fds[0]);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(pipe_fds[1], "y", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	fd = 99;
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EAGAIN);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_wrong_size(void **state)
{
	struct packet in;
	char large[sizeof(struct packet) + 1] = {0};
	int fd = 99;

	(void)state;
	assert_int_equal(rf_fdpass_send(pair[1], large, 3, -1), 0);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EBADMSG);
	assert_int_equal(rf_fdpass_send(pair[1], large, sizeof(large), -1), 0);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EBADMSG);
	assert_int_equal(fd, 99);
}

static void send_fds(const int *fds, size_t count)
{
	struct packet out = {0};
	struct iovec iov = {&out, sizeof(out)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * count);
	assert_int_equal(sendmsg(pair[1], &msg, 0), sizeof(out));
}

static void test_surplus_descriptors_are_closed(void **state)
{
	const int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0};
	struct packet in;
	size_t before = open_descriptors();
	int fd = 99;

	(void)state;
	send_fds(fds, 2);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EBADMSG);
	send_fds(fds, 8); /* more than there is room for: truncated */
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EBADMSG);
	send_fds(fds, 1);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), NULL), -EBADMSG);
	assert_int_equal(fd, 99);
	assert_int_equal(open_descriptors(), before);
}

static void test_no_descriptor_free(void **state)
{
	struct rlimit old, low;
	struct packet in, out = {0};
	int fd = 99;

	(void)state;
	assert_int_equal(rf_fdpass_send(pair[1], &out, sizeof(out), 0), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -EBADMSG);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fd, 99);
}

static void test_peer_gone(void **state)
{
	struct packet in;
	int fd = 99;

	(void)state;
	close(pair[1]);
	pair[1] = -1;
	assert_int_equal(rf_fdpass_recv(pair[0], &in, sizeof(in), &fd), -ENOTCONN);
	assert_int_equal(rf_fdpass_send(pair[0], &in, sizeof(in), -1), -EPIPE); /* and no signal */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, make_pair, drop_pair),
		cmocka_unit_test_setup_teardown(test_wrong_size, make_pair, drop_pair),
		cmocka_unit_test_setup_teardown(test_surplus_descriptors_are_closed, make_pair, drop_pair),
		cmocka_unit_test_setup_teardown(test_no_descriptor_free, make_pair, drop_pair),
		cmocka_unit_test_setup_teardown(test_peer_gone, make_pair, drop_pair),
	};

	return cmocka_run_group_tests_name("fdpass", tests, NULL, NULL);
}
