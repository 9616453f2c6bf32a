/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/firewall_walk.h"

#define WORD 256

static enum rf_fw_match state(const char *list)
{
	return strstr(list, "NEW") ? RF_FW_YES : RF_FW_NO;
}

static enum rf_fw_match protocol(const char *name)
{
	return strcmp(name, "tcp") == 0 || strcmp(name, "all") == 0 ? RF_FW_YES : RF_FW_NO;
}

static void set_action(struct rf_fw_rule *rule, const char *target)
{
	static const char *const passive[] = {"LOG", "NFLOG", "MARK", "CONNMARK", "TRACE", "TCPMSS", "AUDIT", "CT", "CHECKSUM"};

	snprintf(rule->target, sizeof(rule->target), "%.159s", target);
	if (strcmp(target, "ACCEPT") == 0)
		rule->action = RF_FW_ACCEPT;
	else if (strcmp(target, "DROP") == 0 || strcmp(target, "REJECT") == 0 || strcmp(target, "QUEUE") == 0 ||
		 strcmp(target, "NFQUEUE") == 0 || strcmp(target, "STEAL") == 0)
		rule->action = RF_FW_DROP;
	else if (strcmp(target, "RETURN") == 0)
		rule->action = RF_FW_RETURN;
	else
		rule->action = RF_FW_JUMP;
	for (size_t i = 0; i < RF_ARRAY_SIZE(passive); i++)
		if (strcmp(target, passive[i]) == 0)
			rule->action = RF_FW_CONTINUE;
}

/* One option with its argument. Everything unknown is "perhaps". */
static void condition(const struct rf_fw *fw, struct rf_fw_rule *rule, const char *option, const char *value, bool inverted)
{
	if (strcmp(option, "-i") == 0 || strcmp(option, "-o") == 0)
		rf_fw_also(rule, rf_fw_interface(value), inverted);
	else if (strcmp(option, "-s") == 0 || strcmp(option, "-d") == 0)
		rf_fw_also(rule, rf_fw_address(fw, value), inverted);
	else if (strcmp(option, "-p") == 0)
		rf_fw_also(rule, protocol(value), inverted);
	else if (strcmp(option, "--ctstate") == 0 || strcmp(option, "--state") == 0)
		rf_fw_also(rule, state(value), inverted);
	else if (strcmp(option, "-m") != 0 && strcmp(option, "--comment") != 0)
		rf_fw_also(rule, RF_FW_PERHAPS, false);
}

/* text: behind "-A CHAIN " */
static void parse_rule(const struct rf_fw *fw, struct rf_fw_rule *rule, const char *text)
{
	char option[WORD], value[WORD];
	bool inverted = false;

	while (rf_fw_word(&text, option, sizeof(option))) {
		const char *behind = text;

		if (strcmp(option, "!") == 0) {
			inverted = true;
			continue;
		}
		if (*option != '-') /* a second argument of an option we do not know: that has made it "perhaps" */
			continue;
		if (!rf_fw_word(&behind, value, sizeof(value)) || *value == '-' || *value == '!')
			value[0] = '\0'; /* an option without an argument */
		else
			text = behind;
		if (strcmp(option, "-j") == 0 || strcmp(option, "-g") == 0) {
			set_action(rule, value); /* the rest is the target's own options */
			return;
		}
		condition(fw, rule, option, value, inverted);
		inverted = false;
	}
}

static int parse_line(struct rf_fw *fw, const char *line)
{
	char name[WORD], policy[WORD];

	if (sscanf(line, ":%255s %255s", name, policy) == 2) {
		struct rf_fw_chain *chain = rf_fw_add_chain(fw, name);

		if (!chain)
			return -ENOMEM;
		chain->forwards = strcmp(name, "FORWARD") == 0;
		chain->drops = strcmp(policy, "DROP") == 0;
	} else if (sscanf(line, "-A %255s", name) == 1) {
		struct rf_fw_rule *rule = rf_fw_add_rule(fw, name, line);

		if (!rule)
			return -ENOMEM;
		parse_rule(fw, rule, line + 3 + strlen(name));
	}
	return 0;
}

int rf_firewall_iptables(const char *text, uint32_t pod_net_be, uint32_t pod_mask_be, struct rf_firewall_answer *ret)
{
	RF_CLEANUP(rf_fw_free) struct rf_fw fw = {.net_be = pod_net_be, .mask_be = pod_mask_be};
	_cleanup_free_ char *copy = strdup(text);
	bool in_filter = false;
	char *rest = copy, *line;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		if (*line == '*')
			in_filter = strcmp(line, "*filter") == 0; /* the other tables do not drop by custom */
		else if (in_filter)
			r = parse_line(&fw, line);
	}
	if (r == 0)
		rf_fw_walk(&fw, ret);
	return r;
}
