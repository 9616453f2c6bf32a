/* SPDX-License-Identifier: Apache-2.0 */
#include "core/firewall_walk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"

#define DEPTH_MAX 16 /* deeper jumps are "perhaps" */

struct rf_fw_rule *rf_fw_add_rule(struct rf_fw *fw, const char *chain, const char *text)
{
	struct rf_fw_rule *grown = reallocarray(fw->rules, fw->rule_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	fw->rules = grown;
	grown += fw->rule_count++;
	*grown = (struct rf_fw_rule){.match = RF_FW_YES};
	snprintf(grown->chain, sizeof(grown->chain), "%s", chain);
	snprintf(grown->text, sizeof(grown->text), "%s", text);
	return grown;
}

struct rf_fw_chain *rf_fw_add_chain(struct rf_fw *fw, const char *name)
{
	struct rf_fw_chain *grown = reallocarray(fw->chains, fw->chain_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	fw->chains = grown;
	grown += fw->chain_count++;
	*grown = (struct rf_fw_chain){0};
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return grown;
}

void rf_fw_free(const struct rf_fw *fw)
{
	free(fw->rules);
	free(fw->chains);
}

enum rf_fw_match rf_fw_interface(const char *pattern)
{
	size_t len = strlen(pattern);

	if (len && (pattern[len - 1] == '+' || pattern[len - 1] == '*')) {
		if (len - 1 <= 2)
			return strncmp(pattern, "rf", len - 1) == 0 ? RF_FW_YES : RF_FW_NO;
		return strncmp(pattern, "rf", 2) == 0 ? RF_FW_PERHAPS : RF_FW_NO; /* some pods' */
	}
	return strncmp(pattern, "rf", 2) == 0 ? RF_FW_PERHAPS : RF_FW_NO;
}

enum rf_fw_match rf_fw_address(const struct rf_fw *fw, const char *cidr)
{
	char text[64];
	uint32_t net, mask;

	snprintf(text, sizeof(text), strchr(cidr, '/') ? "%s" : "%s/32", cidr);
	if (rf_cidr_parse(text, &net, &mask) < 0)
		return RF_FW_PERHAPS;
	if ((fw->net_be & mask) == net && ntohl(mask) <= ntohl(fw->mask_be))
		return RF_FW_YES;
	return (net & fw->mask_be) == fw->net_be ? RF_FW_PERHAPS : RF_FW_NO;
}

bool rf_fw_word(const char **cursor, char *ret, size_t size)
{
	const char *p = *cursor + strspn(*cursor, " \t");
	const char *end = *p == '"' ? "\"" : *p == '{' ? "}" : NULL;
	size_t len = end ? strcspn(p + 1, end) : strcspn(p, " \t");

	if (!*p)
		return false;
	if (end)
		p++;
	snprintf(ret, size, "%.*s", (int)len, p);
	*cursor = p + len + (end && p[len] ? 1 : 0);
	return true;
}

/* What is known of the packet on its way: may an earlier rule have let it go, or have dropped it? */
struct walk {
	const struct rf_fw *fw;
	bool maybe_accepted, maybe_dropped;
	char rule[256]; /* the first that may drop, or the one that does */
};

enum fate { GOES_ON, ACCEPTED, DROPPED };

static void remember(struct walk *w, const char *text)
{
	if (!w->maybe_dropped)
		snprintf(w->rule, sizeof(w->rule), "%s", text);
}

static enum fate walk_chain(struct walk *w, const char *chain, int depth);

/* A jump that perhaps happens: whatever its chain decides is a perhaps. */
static enum fate jump(struct walk *w, const struct rf_fw_rule *rule, int depth)
{
	enum fate fate = walk_chain(w, rule->target, depth + 1);

	if (rule->match == RF_FW_YES)
		return fate;
	if (fate == ACCEPTED)
		w->maybe_accepted = true;
	if (fate == DROPPED)
		w->maybe_dropped = true; /* its rule is remembered already */
	return GOES_ON;
}

static enum fate walk_chain(struct walk *w, const char *chain, int depth)
{
	if (depth > DEPTH_MAX) {
		remember(w, chain);
		w->maybe_dropped = true;
		return GOES_ON;
	}
	for (size_t i = 0; i < w->fw->rule_count; i++) {
		const struct rf_fw_rule *rule = &w->fw->rules[i];
		bool sure = rule->match == RF_FW_YES;
		enum fate fate;

		if (strcmp(rule->chain, chain) != 0 || rule->match == RF_FW_NO)
			continue;
		switch (rule->action) {
		case RF_FW_CONTINUE:
			break;
		case RF_FW_RETURN:
			if (sure)
				return GOES_ON;
			break; /* perhaps: what follows may still drop it */
		case RF_FW_ACCEPT:
			if (sure)
				return ACCEPTED;
			w->maybe_accepted = true;
			break;
		case RF_FW_DROP:
			remember(w, rule->text);
			if (sure)
				return DROPPED;
			w->maybe_dropped = true;
			break;
		case RF_FW_JUMP:
			fate = jump(w, rule, depth);
			if (fate != GOES_ON)
				return fate;
			break;
		}
	}
	return GOES_ON;
}

static void walk_base(const struct rf_fw *fw, const struct rf_fw_chain *chain, struct rf_firewall_answer *answer)
{
	struct walk w = {.fw = fw};
	enum fate fate = walk_chain(&w, chain->name, 0);
	enum rf_firewall_verdict verdict = RF_FIREWALL_ACCEPT;

	if (fate == GOES_ON && chain->drops) {
		fate = DROPPED;
		if (!w.maybe_dropped)
			snprintf(w.rule, sizeof(w.rule), "policy DROP of chain %.160s", chain->name);
	}
	if (fate == DROPPED)
		verdict = w.maybe_accepted ? RF_FIREWALL_PERHAPS : RF_FIREWALL_DROP;
	else if (w.maybe_dropped)
		verdict = RF_FIREWALL_PERHAPS;
	if (verdict <= answer->verdict)
		return;
	answer->verdict = verdict;
	snprintf(answer->rule, sizeof(answer->rule), "%s", w.rule);
	snprintf(answer->chain, sizeof(answer->chain), "%s", chain->name);
}

/* Every base chain of the hook sees the packet: one that drops is enough. */
void rf_fw_walk(const struct rf_fw *fw, struct rf_firewall_answer *ret)
{
	*ret = (struct rf_firewall_answer){.verdict = RF_FIREWALL_ACCEPT};
	for (size_t i = 0; i < fw->chain_count; i++)
		if (fw->chains[i].forwards)
			walk_base(fw, &fw->chains[i], ret);
}
