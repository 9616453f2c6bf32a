/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods reach each other through the host's forwarding, which is switched on for their links only (net.ipv4.conf.<veth>.forwarding: the
 * kernel asks the incoming interface), so the global ip_forward stays as it is. What can be in the way is a packet filter. It is not ours
 * to change: the item names the rule, and the command that lets pod traffic by.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/check_parts.h"
#include "core/cleanup.h"
#include "core/firewall.h"

#define NOT_FOUND 127

/* Output of a command; -ENOENT if there is no such program, -EIO if it failed. */
static int capture(const char *command, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, n;
	FILE *to = open_memstream(&text, &size), *from;
	char buffer[4096];
	int status;

	if (!to)
		return -errno;
	from = popen(command, "re");
	while (from && (n = fread(buffer, 1, sizeof(buffer), from)) > 0)
		fwrite(buffer, 1, n, to);
	status = from ? pclose(from) : -1;
	if (fclose(to) != 0 || status < 0)
		return -EIO;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	if (status != 0)
		return -EIO;
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
	_cleanup_free_ char *iptables = NULL;
	_cleanup_free_ char *nft = NULL;
	struct rf_firewall_answer answer;
	size_t before = report->count;
	int r;

	/* not `-t filter`: that would load the table, while without it only what exists is shown */
	r = capture("PATH=$PATH:/usr/sbin:/sbin iptables-save 2>/dev/null", &iptables);
	if (r == 0)
		r = rf_firewall_iptables(iptables, instance->pod_net_be, instance->pod_mask_be, &answer);
	if (r == 0)
		report_answer(&answer, "iptables", report);
	else if (r != -ENOENT)
		unreadable("iptables", r, report);
	r = capture("PATH=$PATH:/usr/sbin:/sbin nft list ruleset 2>/dev/null", &nft);
	if (r == 0)
		r = rf_firewall_nft(nft, instance->pod_net_be, instance->pod_mask_be, iptables && strstr(iptables, "(nf_tables)"), &answer);
	if (r == 0)
		report_answer(&answer, "nftables", report);
	else if (r != -ENOENT)
		unreadable("nftables", r, report);
	if (report->count == before)
		rf_check_add(report, "forwarding", RF_CHECK_OK, "%s",
			     "nothing in the packet filter drops traffic between pods; ip_forward is not needed");
}
