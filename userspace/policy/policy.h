/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects and running pods -> the tables of one revision, in the very structs that go into the maps. Pure: no I/O, no BPF, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <ringfence/routes.h>
#include <ringfence/tables.h>

#include "objects/objects.h"

struct rf_automaton_cache;

/* A running pod, as the agent knows it. */
struct rf_endpoint {
	const char *ns;
	const char *name;
	const char *service_account;
	const struct rf_pair_text *labels;
	size_t label_count;
	const char *deployment;                 /* "ns/name" of the Deployment it was started from, or "" */
	const struct rf_pair_text *annotations; /* its own (ringfence run --annotation); they win over its Deployment's, key by key */
	size_t annotation_count;
	struct rf_addr addr4;
	struct rf_addr addr6; /* or none */
};

struct rf_policy_input {
	const struct rf_objects *objects; /* checked, without errors */
	const struct rf_endpoint *endpoints;
	size_t endpoint_count;
	const char *mesh_name;   /* "osm" */
	uint32_t service_net_be; /* range that Service addresses are taken from */
	uint32_t service_mask_be;
	struct rf_addr service_net6;         /* a /96 for IPv6 addresses of Services, or none */
	rf_epoch_t epoch;                    /* number of the revision to build */
	struct rf_automaton_cache *automata; /* of the policies before (automaton/cache.h); may be NULL */
};

struct rf_subject_addr { /* the addresses of one pod; addr6 may be none */
	struct rf_addr addr4, addr6;
};

struct rf_service_address { /* for /etc/hosts, `get services`, the ingress; sorted by (ns, name) */
	const char *ns;
	const char *name;
	struct rf_addr addr4, addr6;             /* none: headless, or not of that family */
	bool family4, family6;                   /* which families its name has (Kubernetes ipFamilies; IPv4 alone unless it says so) */
	const struct rf_subject_addr *endpoints; /* running pods behind it, ascending, each once */
	size_t endpoint_count;
};

/* What one revision may hold; checked by compile, so a switch cannot fail half-way. */
#define RF_ALLOW_MAX      262144
#define RF_IDENTS_MAX     65536
#define RF_SERVICES_MAX   65536
#define RF_BACKENDS_MAX   131072
#define RF_INGRESS_MAX    65536
#define RF_EGRESS_MAX     65536
#define RF_EXCLUSIONS_MAX 65536
#define RF_SPLITS_MAX     65536 /* parts of all TrafficSplits */
#define RF_RULES_MAX      131072
#define RF_ROUTES_MAX     (64 * 1024 * 1024) /* bytes of blob */

struct rf_policy {
	struct rf_arena *arena; /* owned */
	struct rf_config config;
#define RF_TABLE(key_type, value_type, name)                                                                                               \
	key_type *name##_keys;                                                                                                             \
	value_type *name##_values;                                                                                                         \
	size_t name##_count
	RF_TABLE(rf_identity_t, struct rf_ident, idents);
	RF_TABLE(struct rf_allow_key, struct rf_allow_value, allow);
	RF_TABLE(struct rf_ingress_key, struct rf_ingress_value, ingress);
	RF_TABLE(struct rf_egress_key, struct rf_egress_value, egress);
	RF_TABLE(struct rf_exclusion_key, struct rf_exclusion_value, exclusions);
	RF_TABLE(struct rf_service_key, struct rf_service_value, services);
	RF_TABLE(struct rf_addr, struct rf_name, service_names);
	RF_TABLE(rf_identity_t, struct rf_name, names); /* ascending */
#undef RF_TABLE
	struct rf_backend *backends;
	size_t backend_count;
	struct rf_split_part *splits;
	size_t split_count;
	struct rf_rule *rules; /* [0] is "none" */
	size_t rule_count;
	void *routes; /* the blob, 8-byte aligned, size a multiple of 8 */
	size_t routes_size;
	struct rf_service_address *addresses;
	size_t address_count;
	size_t nfa_count; /* destinations whose automaton passed the state budget */
	/* One number a grant of the blob, equal in two policies if source and destination are granted the same routes. For rf_policy_diff.
	 */
	uint64_t *grant_digests;
	size_t grant_count;
};

/* Compiles. The result depends on what the objects and endpoints say, never on their order. Whatever is wrong goes to diags: errors (no
 * policy) as well as warnings. Returns 0, -EINVAL (an object contradicts another), -EEXIST (two accounts with one number), -E2BIG (more
 * than a limit above; the last good policy stays), -ENOMEM, -EBADMSG (own blob is malformed: a bug, nothing is published). */
int rf_policy_compile(const struct rf_policy_input *input, struct rf_diags *diags, struct rf_policy **ret);
void rf_policy_free(struct rf_policy *policy); /* NULL-safe */
static inline void rf_policy_freep(struct rf_policy **p)
{
	rf_policy_free(*p);
}

/* The allow list's answer, found as the kernel does it: exact port, then port 0; the first found is final. NULL: no entry, deny. */
const struct rf_allow_value *rf_policy_lookup(const struct rf_policy *policy, rf_identity_t src, rf_identity_t dst, uint16_t port,
					      uint8_t proto);

/* How what one revision admits (allow, ingress, egress, exclusions: entries together) differs from the one before (old may be NULL:
 * everything is new). changed: verdict or routes. */
struct rf_policy_diff {
	size_t added;
	size_t removed;
	size_t changed;
};
void rf_policy_diff(const struct rf_policy *old, const struct rf_policy *now, struct rf_policy_diff *ret);
