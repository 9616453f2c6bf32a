/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/firewall_walk.h"

#define WORD 256

/* A set "{ a, b }" came as one word: any element will do. */
static enum rf_fw_match any_of(const struct rf_fw *fw, const char *list, enum rf_fw_match (*one)(const struct rf_fw *fw, const char *text))
{
	enum rf_fw_match best = RF_FW_NO;
	char copy[WORD], *rest = copy, *item;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((item = strsep(&rest, ", \"")))
		if (*item) {
			enum rf_fw_match match = *item == '@' ? RF_FW_PERHAPS : one(fw, item); /* a named set */

			best = match < best ? match : best;
		}
	return best;
}

static enum rf_fw_match interface(const struct rf_fw *fw, const char *text)
{
	(void)fw;
	return rf_fw_interface(text);
}

static enum rf_fw_match state(const struct rf_fw *fw, const char *text)
{
	(void)fw;
	return strcmp(text, "new") == 0 ? RF_FW_YES : RF_FW_NO;
}

static enum rf_fw_match protocol(const struct rf_fw *fw, const char *text)
{
	(void)fw;
	return strcmp(text, "tcp") == 0 ? RF_FW_YES : RF_FW_NO;
}

struct parser {
	struct rf_fw *fw;
	const char *table; /* "inet filter" */
	const char *cursor;
};

/* The value behind a keyword, with its "!=". */
static void compare(struct parser *p, struct rf_fw_rule *rule, enum rf_fw_match (*one)(const struct rf_fw *fw, const char *text))
{
	char value[WORD] = "";
	bool inverted = false;

	if (rf_fw_word(&p->cursor, value, sizeof(value)) && strcmp(value, "!=") == 0) {
		inverted = true;
		rf_fw_word(&p->cursor, value, sizeof(value));
	}
	if (strcmp(value, "vmap") == 0) { /* verdicts by value: only what it says about NEW would count */
		rf_fw_word(&p->cursor, value, sizeof(value));
		rf_fw_also(rule, one == state && !strstr(value, "new") ? RF_FW_NO : RF_FW_PERHAPS, false);
		rule->action = RF_FW_DROP; /* may be one */
		return;
	}
	rf_fw_also(rule, any_of(p->fw, value, one), inverted);
}

static bool is_verdict(struct parser *p, struct rf_fw_rule *rule, const char *word)
{
	char target[64];

	if (strcmp(word, "accept") == 0)
		rule->action = RF_FW_ACCEPT;
	else if (strcmp(word, "drop") == 0 || strcmp(word, "reject") == 0 || strcmp(word, "queue") == 0)
		rule->action = RF_FW_DROP;
	else if (strcmp(word, "return") == 0)
		rule->action = RF_FW_RETURN;
	else if ((strcmp(word, "jump") == 0 || strcmp(word, "goto") == 0) && rf_fw_word(&p->cursor, target, sizeof(target))) {
		rule->action = RF_FW_JUMP;
		snprintf(rule->target, sizeof(rule->target), "%.80s %s", p->table, target);
	} else
		return false;
	return true;
}

static void skip(struct parser *p, int words)
{
	char word[WORD];

	while (words-- > 0)
		rf_fw_word(&p->cursor, word, sizeof(word));
}

/* Words that say nothing about whether the rule matches. */
static bool is_statement(struct parser *p, const char *word)
{
	if (strcmp(word, "counter") == 0) {
		if (strncmp(p->cursor, " packets ", 9) == 0)
			skip(p, 4);
	} else if (strcmp(word, "comment") == 0 || strcmp(word, "prefix") == 0 || strcmp(word, "level") == 0) {
		skip(p, 1);
	} else if (strcmp(word, "log") != 0) {
		return false;
	}
	return true;
}

static void parse_rule(struct parser *p, struct rf_fw_rule *rule)
{
	char word[WORD], second[WORD];

	while (rf_fw_word(&p->cursor, word, sizeof(word))) {
		if (*word == '#' || is_verdict(p, rule, word))
			return;
		if (is_statement(p, word))
			continue;
		if (strcmp(word, "meta") == 0)
			rf_fw_word(&p->cursor, word, sizeof(word)); /* "meta iifname" is "iifname" */
		if (strcmp(word, "iifname") == 0 || strcmp(word, "oifname") == 0 || strcmp(word, "iif") == 0 || strcmp(word, "oif") == 0) {
			compare(p, rule, interface);
		} else if (strcmp(word, "l4proto") == 0) {
			compare(p, rule, protocol);
		} else if (strcmp(word, "ct") == 0 && rf_fw_word(&p->cursor, second, sizeof(second)) && strcmp(second, "state") == 0) {
			compare(p, rule, state);
		} else if (strcmp(word, "ip") == 0 && rf_fw_word(&p->cursor, second, sizeof(second)) &&
			   (strcmp(second, "saddr") == 0 || strcmp(second, "daddr") == 0)) {
			compare(p, rule, rf_fw_address);
		} else {
			rf_fw_also(rule, RF_FW_PERHAPS, false);
		}
	}
}

struct place {
	char table[80];
	char chain[160];
	int skipping; /* depth of braces in something that is no chain */
};

static int parse_chain_line(struct rf_fw *fw, const struct place *place, const char *line)
{
	if (strncmp(line, "type ", 5) == 0 && fw->chain_count) {
		struct rf_fw_chain *chain = &fw->chains[fw->chain_count - 1];

		chain->forwards = strstr(line, "hook forward") != NULL;
		chain->drops = strstr(line, "policy drop") != NULL;
		return 0;
	}
	struct rf_fw_rule *rule = rf_fw_add_rule(fw, place->chain, line);
	struct parser p = {.fw = fw, .table = place->table, .cursor = line};

	if (!rule)
		return -ENOMEM;
	parse_rule(&p, rule);
	return 0;
}

static int braces(const char *line)
{
	int n = 0;

	for (; *line; line++)
		n += *line == '{' ? 1 : *line == '}' ? -1 : 0;
	return n;
}

static bool concerns_us(const char *table, int skip_ip_filter)
{
	if (strncmp(table, "ip ", 3) == 0)
		return !(skip_ip_filter && strcmp(table, "ip filter") == 0);
	return strncmp(table, "inet ", 5) == 0; /* ip6, arp, bridge, netdev do not see routed IPv4 */
}

static int parse_line(struct rf_fw *fw, struct place *place, const char *line, int skip_ip_filter)
{
	char family[16], name[64];

	if (place->skipping) {
		place->skipping += braces(line);
		return 0;
	}
	if (sscanf(line, "table %15s %63s {", family, name) == 2) {
		snprintf(place->table, sizeof(place->table), "%s %s", family, name);
		if (!concerns_us(place->table, skip_ip_filter))
			place->skipping = braces(line);
		return 0;
	}
	if (!place->chain[0] && sscanf(line, "chain %63s {", name) == 1) {
		snprintf(place->chain, sizeof(place->chain), "%s %s", place->table, name);
		return rf_fw_add_chain(fw, place->chain) ? 0 : -ENOMEM;
	}
	if (strcmp(line, "}") == 0)
		place->chain[0] = '\0';
	else if (place->chain[0] && *line)
		return parse_chain_line(fw, place, line);
	else if (braces(line) > 0)
		place->skipping = braces(line); /* a set, a map, a flowtable */
	return 0;
}

int rf_firewall_nft(const char *text, uint32_t pod_net_be, uint32_t pod_mask_be, int skip_ip_filter, struct rf_firewall_answer *ret)
{
	RF_CLEANUP(rf_fw_free) struct rf_fw fw = {.net_be = pod_net_be, .mask_be = pod_mask_be};
	_cleanup_free_ char *copy = strdup(text);
	struct place place = {0};
	char *rest = copy, *line;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = parse_line(&fw, &place, line + strspn(line, " \t"), skip_ip_filter);
	if (r == 0)
		rf_fw_walk(&fw, ret);
	return r;
}
