/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods reach each other through the host's forwarding, which is switched on for their links only (net.ipv4.conf.<veth>.forwarding: the
 * kernel asks the incoming interface), so the global ip_forward stays as it is. What can be in the way is a packet filter. It is not ours
 * to change: the item names the rule, and the command that lets pod traffic by.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check_parts.h"
#include "core/cleanup.h"
#include "core/firewall.h"

#define NOT_FOUND 127

/* Runs argv (looked for in PATH and where Debian keeps administration tools) with its output in a pipe. */
static int spawn(char *const argv[], pid_t *ret_pid, FILE **ret_output)
{
	const char *path = getenv("PATH");
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		char longer[4096];
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		snprintf(longer, sizeof(longer), "%.4000s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");
		setenv("PATH", longer, 1);
		if (null < 0 || dup2(null, 0) < 0 || dup2(fds[1], 1) < 0 || dup2(null, 2) < 0)
			_exit(1);
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? NOT_FOUND : 1);
	}
	close(fds[1]);
	*ret_output = pid < 0 ? NULL : fdopen(fds[0], "re");
	if (!*ret_output)
		close(fds[0]);
	*ret_pid = pid;
	return pid < 0 ? -EAGAIN : 0;
}

static int read_all(FILE *from, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, n;
	FILE *to = open_memstream(&text, &size);
	char buffer[4096];

	if (!to)
		return -ENOMEM;
	while ((n = fread(buffer, 1, sizeof(buffer), from)) > 0)
		fwrite(buffer, 1, n, to);
	if (fclose(to) != 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

/* Output of a command; -ENOENT if there is no such program, -EIO if it failed. */
static int capture(char *const argv[], char **ret)
{
	_cleanup_fclose_ FILE *from = NULL;
	_cleanup_free_ char *text = NULL;
	int status, r;
	pid_t pid;

	r = spawn(argv, &pid, &from);
	if (r < 0)
		return r;
	r = from ? read_all(from, &text) : -ENOMEM;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	if (r < 0 || status != 0)
		return r < 0 ? r : -EIO;
	*ret = TAKE_PTR(text);
	return 0;
}

static void report_answer(const struct rf_firewall_answer *answer, const char *tool, struct rf_check_report *report)
{
	struct rf_check_item *item;

	if (answer->verdict == RF_FIREWALL_ACCEPT)
		return;
	item = rf_check_add(report, "forwarding", answer->verdict == RF_FIREWALL_DROP ? RF_CHECK_FAIL : RF_CHECK_WARN,
			    "%s: the packet filter %s traffic between pods: %s", tool,
			    answer->verdict == RF_FIREWALL_DROP ? "drops" : "may drop", answer->rule);
	if (strcmp(tool, "iptables") == 0)
		rf_check_fix(item, "iptables -I FORWARD -i rf+ -o rf+ -j ACCEPT");
	else
		rf_check_fix(item, "nft insert rule %s iifname '\"rf*\"' oifname '\"rf*\"' accept", answer->chain);
}

static void unreadable(const char *tool, int r, struct rf_check_report *report)
{
	rf_check_add(report, "forwarding", RF_CHECK_WARN,
		     "the rules of %s cannot be read (%s); if pods cannot reach each other, look there", tool, strerror(-r));
}

void rf_check_forwarding(const struct rf_instance *instance, struct rf_check_report *report)
{
	/* not `-t filter`: that would load the table, while without it only what exists is shown */
	static char *const save[] = {(char *)"iptables-save", NULL};
	static char *const list[] = {(char *)"nft", (char *)"list", (char *)"ruleset", NULL};
	_cleanup_free_ char *iptables = NULL;
	_cleanup_free_ char *nft = NULL;
	struct rf_firewall_answer answer;
	size_t before = report->count;
	int r;

	r = capture(save, &iptables);
	if (r == 0)
		r = rf_firewall_iptables(iptables, instance->pod_net_be, instance->pod_mask_be, &answer);
	if (r == 0)
		report_answer(&answer, "iptables", report);
	else if (r != -ENOENT)
		unreadable("iptables", r, report);
	r = capture(list, &nft);
	if (r == 0)
		r = rf_firewall_nft(nft, instance->pod_net_be, instance->pod_mask_be, iptables && strstr(iptables, "(nf_tables)"), &answer);
	if (r == 0)
		report_answer(&answer, "nftables", report);
	else if (r != -ENOENT)
		unreadable("nftables", r, report);
	if (!iptables && !nft && report->count == before)
		rf_check_fix(rf_check_add(report, "forwarding", RF_CHECK_WARN,
					  "neither iptables nor nft is installed, so the packet filter cannot be read"),
			     "apt install nftables");
	if (report->count == before)
		rf_check_add(report, "forwarding", RF_CHECK_OK, "%s",
			     "nothing in the packet filter drops traffic between pods; ip_forward is not needed");
}
