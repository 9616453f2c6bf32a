/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two parsers of core/firewall.h produce and the walk over it. Inside core/ only.
 */
#pragma once

#include <stdbool.h>

#include "core/firewall.h"

enum rf_fw_match { RF_FW_YES, RF_FW_PERHAPS, RF_FW_NO };
enum rf_fw_action { RF_FW_CONTINUE, RF_FW_ACCEPT, RF_FW_DROP, RF_FW_RETURN, RF_FW_JUMP };

struct rf_fw_rule {
	char chain[160]; /* nft: "inet filter forward" */
	char target[160];
	char text[256];
	enum rf_fw_match match;
	enum rf_fw_action action;
};

struct rf_fw_chain {
	char name[160];
	bool forwards; /* a base chain on the forward hook */
	bool drops;    /* its policy */
};

struct rf_fw {
	struct rf_fw_rule *rules;
	size_t rule_count;
	struct rf_fw_chain *chains;
	size_t chain_count;
	uint32_t net_be, mask_be;
};

struct rf_fw_rule *rf_fw_add_rule(struct rf_fw *fw, const char *chain, const char *text); /* NULL without memory; YES, CONTINUE */
struct rf_fw_chain *rf_fw_add_chain(struct rf_fw *fw, const char *name);                  /* NULL without memory */
void rf_fw_free(const struct rf_fw *fw);
void rf_fw_walk(const struct rf_fw *fw, struct rf_firewall_answer *ret);

/* One condition more for a rule: all of them have to hold. */
static inline void rf_fw_also(struct rf_fw_rule *rule, enum rf_fw_match match, bool inverted)
{
	if (inverted && match != RF_FW_PERHAPS)
		match = match == RF_FW_YES ? RF_FW_NO : RF_FW_YES;
	if (match > rule->match)
		rule->match = match;
}

/* "rf+" (iptables), "rf*" (nft) or a plain name against "the host's side of some pod". */
enum rf_fw_match rf_fw_interface(const char *pattern);
/* "10.0.0.0/8" or an address against the pods' range. */
enum rf_fw_match rf_fw_address(const struct rf_fw *fw, const char *cidr);
/* The next word of a rule (quotes taken off, also `{ a, b }` as one word), false at the end. *cursor moves. */
bool rf_fw_word(const char **cursor, char *ret, size_t size);
