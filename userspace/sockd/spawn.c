/* SPDX-License-Identifier: Apache-2.0 */
/* The child that becomes the checker: everything it could do beyond its three descriptors is given away before the program starts. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "sockd/sockd.h"

#define NOBODY    65534
#define ABOVE     16 /* descriptors are moved above this first, so that placing one never overwrites another */
#define EXE_PLACE 6  /* close-on-exec */

static int place(int fd, int wanted)
{
	return dup3(fd, wanted, wanted == EXE_PLACE ? O_CLOEXEC : 0) < 0 ? -errno : 0;
}

/* 0..2: nothing in, nothing out, our log. 3..5: as protocol.h says. Everything else is closed. */
static int arrange_descriptors(int exe, int sock, int control, int records)
{
	const int wanted[] = {sock, control, records, exe};
	int above[RF_ARRAY_SIZE(wanted)];
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -errno;
	for (size_t i = 0; i < RF_ARRAY_SIZE(wanted); i++) {
		above[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, ABOVE);
		if (above[i] < 0)
			return -errno;
	}
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < RF_ARRAY_SIZE(wanted); i++) {
		int r = place(above[i], RF_CHECKER_BROKER_FD + (int)i);

		if (r < 0)
			return r;
	}
	return syscall(SYS_close_range, EXE_PLACE + 1, ~0u, 0) < 0 ? -errno : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int drop_privileges(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return drop_capabilities();
}

/* Its own network namespace has not even a loopback that is up: whatever it connects, it connects with sockets it was given. */
static int confine(void)
{
	static const struct rlimit none = {0, 0};
	struct rlimit files;

	if (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

static void become_checker(int exe, int sock, int control, int records, unsigned int haste, pid_t parent)
{
	static char name[] = "ringfence-checker", option[] = "--haste";
	char number[16];
	char *const argv[] = {name, haste > 1 ? option : NULL, number, NULL}, *const env[] = {NULL};
	sigset_t empty;

	snprintf(number, sizeof(number), "%u", haste);
	setsid(); /* a terminal's ^C is for the broker, which stops the checker in its own way */
	sigemptyset(&empty);
	if (arrange_descriptors(exe, sock, control, records) < 0 || confine() < 0 || drop_privileges() < 0)
		_exit(126);
	/* After the change of uid, which clears it; and the parent may have died before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	if (rf_sockd_sandbox() < 0)
		_exit(126);
	syscall(SYS_execveat, EXE_PLACE, "", argv, env, AT_EMPTY_PATH);
	_exit(127);
}

int rf_sockd_spawn(int exe, int sock, int control, int records, unsigned int haste, pid_t *ret_pid)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_checker(exe, sock, control, records, haste, parent);
	*ret_pid = pid;
	return 0;
}
