/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/init.h"

#include <errno.h>
#include <sys/wait.h>

#include "core/cleanup.h"

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

static void watched(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < RF_ARRAY_SIZE(passed_on); i++)
		sigaddset(set, passed_on[i]);
}

void rf_init_block(sigset_t *ret_old)
{
	sigset_t set;

	watched(&set);
	signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would make the kernel reap before we can ask for the status */
	sigprocmask(SIG_BLOCK, &set, ret_old);
}

void rf_init_reset(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL); /* refused for KILL, STOP and the library's own two: those are at their default */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 1: the child ended. */
static int reap(pid_t child, int reap_all, int *ret_status)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(reap_all ? -1 : child, &status, WNOHANG);

		if (pid == child) {
			*ret_status = status;
			return 1;
		}
		if (pid == 0)
			return 0;
		if (pid < 0 && errno != EINTR)
			return -errno;
	}
}

int rf_init_wait(pid_t child, int reap_all, int *ret_status)
{
	sigset_t set;

	watched(&set);
	for (;;) {
		int r = reap(child, reap_all, ret_status);
		int sig;

		if (r != 0)
			return r < 0 ? r : 0;
		sig = sigwaitinfo(&set, NULL);
		if (sig > 0 && sig != SIGCHLD)
			kill(child, sig); /* ESRCH: it has just ended, the next round says so */
	}
}

int rf_init_exit_code(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 255;
}
