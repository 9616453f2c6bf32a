/* SPDX-License-Identifier: Apache-2.0 */
/* A revision with something in every table that is about the way out of the mesh, in, and around it; for tests of the decision. */
#pragma once

#include "core/cleanup.h"
#include "core/reason_text.h"
#include "datapath_world.h"

#define AUDITED   0x4444ull         /* meshed, connections to it are audited */
#define LEAVING   0x5555ull         /* meshed, its connections to outside are audited */
#define SECOND    htonl(0x0ac90006) /* another pod of SRC, with annotations */
#define BEYOND    htonl(0xcb007107) /* 203.0.113.7 */
#define EXCLUDED4 htonl(0xc6336400) /* 198.51.100.0/24: MeshConfig's outboundIPRangeExclusionList */
#define SERVICE   htonl(0x0ae80001)

enum {
	PORT_OUT = 2001,     /* MeshConfig's outboundPortExclusionList */
	PORT_IN = 2002,      /* MeshConfig's inboundPortExclusionList */
	POD_PORT_OUT = 2003, /* the same lists of the pod SECOND */
	POD_PORT_IN = 2004,
	EGRESS_TCP = 2005,
	EGRESS_HTTP = 2006,
	EGRESS_DENY = 2007,
};

enum { /* rule ids */
       RULE_PORT_OUT = 10,
       RULE_RANGE_OUT,
       RULE_PORT_IN,
       RULE_POD_PORT_OUT,
       RULE_POD_PORT_IN,
       RULE_POD_RANGE_OUT,
       RULE_EGRESS_TCP,
       RULE_EGRESS_HTTP,
       RULE_EGRESS_DENY,
       RULE_EGRESS_WIDE,
       RULE_INGRESS,
       RULE_PAIR,
       RULES,
};

#define EXCLUDES_ALL                                                                                                                       \
	(RF_EXCLUDES_MESH(1) | RF_EXCLUDES_MESH(2) | RF_EXCLUDES_MESH(3) | RF_EXCLUDES_PODS(1) | RF_EXCLUDES_PODS(2) | RF_EXCLUDES_PODS(3))

static rf_identity_t exits_idents[] = {SRC, DST, AUDITED, LEAVING};
static struct rf_ident exits_standing[] = {{.meshed = 1},
					   {.meshed = 1, .datagrams = 1},
					   {.meshed = 1, .datagrams = 1, .audit = RF_AUDIT_TO},
					   {.meshed = 1, .audit = RF_AUDIT_FROM}};
static struct rf_allow_key exits_allow_keys[] = {
	{.src = SRC, .dst = DST, .port = 8080, .proto = IPPROTO_TCP},
	{.src = SRC, .dst = DST, .port = 80, .proto = IPPROTO_TCP},
	{.src = SRC, .dst = DST, .port = PORT_OUT, .proto = IPPROTO_TCP},
	{.src = SRC, .dst = AUDITED, .port = 80, .proto = IPPROTO_TCP},
	{.src = SRC, .dst = AUDITED, .port = 9, .proto = IPPROTO_TCP},
	{.src = SRC, .dst = DST, .port = POD_PORT_OUT, .proto = IPPROTO_TCP},
};
static struct rf_allow_value exits_allow_values[] = {
	{.verdict = RF_VERDICT_ALLOW, .rule_id = RULE_PAIR}, {.verdict = RF_VERDICT_L7, .rule_id = RULE_PAIR},
	{.verdict = RF_VERDICT_ALLOW, .rule_id = RULE_PAIR}, {.verdict = RF_VERDICT_L7, .rule_id = RULE_PAIR},
	{.verdict = RF_VERDICT_DENY, .rule_id = RULE_PAIR},  {.verdict = RF_VERDICT_L7, .rule_id = RULE_PAIR},
};
static struct rf_service_key exits_service_keys[4];
static struct rf_service_value exits_service_values[4];
static struct rf_backend exits_backends[8];
static struct rf_split_part exits_splits[RF_SPLIT_PARTS_MAX + 1];
static size_t exits_services, exits_backend_count, exits_split_count;

static inline struct rf_exclusion_key excluded_port(enum rf_exclusion_kind kind, uint16_t port, struct rf_addr pod)
{
	return (struct rf_exclusion_key){.prefixlen = RF_EXCLUSION_FIXED_BITS, .port = port, .kind = (uint8_t)kind, .pod = pod};
}

static inline struct rf_exclusion_key excluded_range(uint32_t net_be, unsigned bits, struct rf_addr pod)
{
	return (struct rf_exclusion_key){
		.prefixlen = RF_EXCLUSION_FIXED_BITS + 96 + bits, .kind = RF_EXCLUSION_RANGE_OUT, .pod = pod, .addr = rf_addr4(net_be)};
}

static inline struct rf_egress_key egress_to(uint16_t port, uint32_t net_be, unsigned bits)
{
	return (struct rf_egress_key){
		.prefixlen = RF_EGRESS_FIXED_BITS + 96 + bits, .port = port, .proto = IPPROTO_TCP, .src = SRC, .addr = rf_addr4(net_be)};
}

/* excludes: rf_config.exclusions. */
static inline void publish_exits(bool permissive, bool egress, uint8_t excludes)
{
	struct rf_addr none = {}, second = rf_addr4(SECOND);
	struct rf_exclusion_key exclusion_keys[] = {
		excluded_port(RF_EXCLUSION_PORT_OUT, PORT_OUT, none),
		excluded_port(RF_EXCLUSION_PORT_IN, PORT_IN, none),
		excluded_port(RF_EXCLUSION_PORT_OUT, POD_PORT_OUT, second),
		excluded_port(RF_EXCLUSION_PORT_IN, POD_PORT_IN, second),
		excluded_range(EXCLUDED4, 24, none),
		excluded_range(BEYOND, 32, second),
	};
	struct rf_exclusion_value exclusion_values[] = {{.rule_id = RULE_PORT_OUT},     {.rule_id = RULE_PORT_IN},
							{.rule_id = RULE_POD_PORT_OUT}, {.rule_id = RULE_POD_PORT_IN},
							{.rule_id = RULE_RANGE_OUT},    {.rule_id = RULE_POD_RANGE_OUT}};
	struct rf_egress_key egress_keys[] = {
		egress_to(EGRESS_TCP, BEYOND & htonl(0xffff0000), 16),
		egress_to(EGRESS_DENY, BEYOND & htonl(0xffff0000), 16),
		egress_to(EGRESS_DENY, BEYOND, 32),
		{.prefixlen = RF_EGRESS_FIXED_BITS, .port = EGRESS_HTTP, .proto = IPPROTO_TCP, .src = SRC},
	};
	struct rf_egress_value egress_values[] = {
		{.verdict = RF_VERDICT_ALLOW, .rule_id = RULE_EGRESS_TCP},
		{.verdict = RF_VERDICT_ALLOW, .rule_id = RULE_EGRESS_WIDE},
		{.verdict = RF_VERDICT_DENY, .rule_id = RULE_EGRESS_DENY},
		{.verdict = RF_VERDICT_L7, .rule_id = RULE_EGRESS_HTTP},
	};
	struct rf_ingress_key ingress_key = {
		.prefixlen = RF_INGRESS_FIXED_BITS + 96 + 32, .port = PORT_OUT, .proto = IPPROTO_TCP, .dst = DST, .addr = rf_addr4(SECOND)};
	struct rf_ingress_value ingress_value = {.rule_id = RULE_INGRESS};
	struct rf_addr service = rf_addr4(SERVICE);
	struct rf_name service_name = {"shop/store"}, name = {"shop/source"};
	struct rf_rule rules[RULES] = {};
	uint64_t blob[2] = {0x1122334455667788ull, 7};
	struct rf_policy policy = {
		.idents_keys = exits_idents,
		.idents_values = exits_standing,
		.idents_count = RF_ARRAY_SIZE(exits_idents),
		.allow_keys = exits_allow_keys,
		.allow_values = exits_allow_values,
		.allow_count = RF_ARRAY_SIZE(exits_allow_keys),
		.ingress_keys = &ingress_key,
		.ingress_values = &ingress_value,
		.ingress_count = 1,
		.egress_keys = egress_keys,
		.egress_values = egress_values,
		.egress_count = RF_ARRAY_SIZE(egress_keys),
		.exclusions_keys = exclusion_keys,
		.exclusions_values = exclusion_values,
		.exclusions_count = RF_ARRAY_SIZE(exclusion_keys),
		.services_keys = exits_service_keys,
		.services_values = exits_service_values,
		.services_count = exits_services,
		.service_names_keys = &service,
		.service_names_values = &service_name,
		.service_names_count = 1,
		.backends = exits_backends,
		.backend_count = exits_backend_count,
		.splits = exits_splits,
		.split_count = exits_split_count,
		.names_keys = exits_idents,
		.names_values = &name,
		.names_count = 1,
		.rules = rules,
		.rule_count = RULES,
		.routes = blob,
		.routes_size = sizeof(blob),
	};
	rf_epoch_t live = 0;

	assert_int_equal(rf_datapath_epoch(dp, &live), 0);
	policy.config = (struct rf_config){.epoch = live + 1, .permissive = permissive, .egress = egress, .exclusions = excludes};
	if (rf_datapath_publish(dp, &policy) < 0)
		fail_msg("%s", rf_datapath_error(dp));
}
