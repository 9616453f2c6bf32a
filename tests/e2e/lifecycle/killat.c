/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killat [-f] [-w MS] N COMMAND...     starts a program and kills it with SIGKILL at the entry of its N-th system call (0: never)
 * killat [-f] [-w MS] N -p PID         the same with a program that runs; prints "attached" when counting has begun
 *
 * Counted are the system calls of all its threads, from its exec on; with -f those of its children, too, which are then killed with it
 * (otherwise they are let go, as kill -9 would). After MS milliseconds (default 20000), or at SIGTERM, the program is killed as well; one
 * that was attached to goes on. Prints one line: "killed COUNT SYSCALL", "ended COUNT" (time is over) or "exited COUNT STATUS".
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)
#define MAX_IDS 4096

static struct {
	long wanted, count;
	bool follow, attached, running; /* running: exec() has happened */
	pid_t program;
	pid_t others[MAX_IDS]; /* followed children */
	size_t other_count;
} k;
static volatile sig_atomic_t over;

static void on_end(int signo)
{
	(void)signo;
	over = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* To which process does this thread belong? */
static pid_t group_of(pid_t tid)
{
	char path[64], line[128];
	pid_t group = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	if (f)
		fclose(f);
	return group;
}

static void kill_everything(void)
{
	kill(k.program, SIGKILL);
	for (size_t i = 0; i < k.other_count; i++)
		kill(k.others[i], SIGKILL);
}

/* What was killed is waited for: whoever reads our line may rely on its locks and sockets being gone. */
static void finish(const char *how, long detail)
{
	int status;

	while (waitpid(-1, &status, __WALL) > 0)
		;
	printf("%s %ld %ld\n", how, k.count, detail);
	exit(0);
}

static void at_syscall(pid_t tid)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY || !k.running)
		return;
	if (++k.count != k.wanted)
		return;
	kill_everything();
	finish("killed", (long)info.entry.nr);
}

/* A new task begins with a stop. Threads are always ours, children only with -f. */
static bool let_go(pid_t tid)
{
	pid_t group = group_of(tid);

	if (group == k.program || !group)
		return false;
	if (!k.follow)
		return ptrace(PTRACE_DETACH, tid, 0, 0) == 0;
	if (group == tid && k.other_count < MAX_IDS)
		k.others[k.other_count++] = tid;
	return false;
}

static void on_stop(pid_t tid, int status)
{
	int signo = WSTOPSIG(status), event = status >> 16, pass = 0;

	if (signo == (SIGTRAP | 0x80)) {
		at_syscall(tid);
	} else if (event == PTRACE_EVENT_EXEC) {
		k.running = true;
	} else if (event == PTRACE_EVENT_STOP) {
		if (let_go(tid))
			return;
	} else if (!event) {
		pass = signo;
	}
	(void)ptrace(PTRACE_SYSCALL, tid, 0, pass); /* it may be dead already */
}

static void end_now(void)
{
	if (k.attached) {
		printf("ended %ld 0\n", k.count); /* our end detaches */
		exit(0);
	}
	kill_everything();
	finish("ended", 0);
}

static void trace(void)
{
	int status;

	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (over)
			end_now();
		if (tid < 0 && errno != EINTR)
			fail("waitpid");
		if (tid < 0)
			continue;
		if (WIFSTOPPED(status))
			on_stop(tid, status);
		else if (tid == k.program)
			finish("exited", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

static void start(char **argv)
{
	int status;

	k.program = fork();
	if (k.program == 0) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		fail(argv[0]);
	}
	if (k.program < 0 || waitpid(k.program, &status, WUNTRACED) < 0)
		fail("fork");
	if (ptrace(PTRACE_SEIZE, k.program, 0, OPTIONS | PTRACE_O_EXITKILL) < 0)
		fail("PTRACE_SEIZE");
	kill(k.program, SIGCONT);
}

/* An idle program has one thread; those it makes later are followed. */
static void attach(pid_t pid)
{
	k.program = pid;
	k.attached = k.running = true;
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		fail("PTRACE_SEIZE");
	puts("attached");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_end};
	long ms = 20000;
	int c;

	while ((c = getopt(argc, argv, "+fw:")) >= 0) {
		if (c == 'f')
			k.follow = true;
		else if (c == 'w')
			ms = atol(optarg);
		else
			return 2;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: killat [-f] [-w MS] N COMMAND... | N -p PID\n");
		return 2;
	}
	k.wanted = atol(argv[optind]);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	if (strcmp(argv[optind + 1], "-p") == 0 && optind + 2 < argc)
		attach((pid_t)atol(argv[optind + 2]));
	else
		start(argv + optind + 1);
	/* again and again: the first may come between our look at `over` and waitpid() */
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 100000}, {ms / 1000, ms % 1000 * 1000}}, NULL);
	trace();
}
