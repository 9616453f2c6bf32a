/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would the machine's own packet filter let a packet from pod to pod through? Reads the text of `iptables-save` (iptables-save(8)) or of
 * `nft list ruleset` (nft(8)) and walks the chains a forwarded packet sees: in by rf*, out by rf*, TCP, both addresses in the pods' range,
 * state NEW. A condition it does not understand makes the rule "perhaps", never "yes" or "no". Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum rf_firewall_verdict {
	RF_FIREWALL_ACCEPT,
	RF_FIREWALL_PERHAPS, /* a rule may drop it, or only a rule that may not match accepts it */
	RF_FIREWALL_DROP,
};

struct rf_firewall_answer {
	enum rf_firewall_verdict verdict;
	char rule[256];  /* that decides (PERHAPS, DROP), as it stands in the text */
	char chain[160]; /* where a rule of ours would have to go: "FORWARD", or "inet filter forward" for nft */
};

/* 0, -ENOMEM. Text without any forward chain is an ACCEPT. skip_ip_filter: leave out nft's "table ip filter", iptables' own, because
 * iptables-save has shown it in full. */
int rf_firewall_iptables(const char *text, uint32_t pod_net_be, uint32_t pod_mask_be, struct rf_firewall_answer *ret);
int rf_firewall_nft(const char *text, uint32_t pod_net_be, uint32_t pod_mask_be, int skip_ip_filter, struct rf_firewall_answer *ret);
