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

/* A running pod, as the agent knows it. */
struct rf_endpoint {
	const char *ns;
	const char *name;
	const char *service_account;
	const struct rf_pair_text *labels;
	size_t label_count;
	uint32_t addr_be;
};

struct rf_policy_input {
	const struct rf_objects *objects; /* checked, without errors */
	const struct rf_endpoint *endpoints;
	size_t endpoint_count;
	const char *mesh_name;   /* "osm" */
	uint32_t service_net_be; /* range that Service addresses are taken from */
	uint32_t service_mask_be;
	rf_epoch_t epoch; /* number of the revision to build */
};

struct rf_service_address { /* for /etc/hosts, `get services`, the ingress */
	const char *ns;
	const char *name;
	uint32_t addr_be; /* headless: 0 */
};

/* What one revision may hold; checked by compile, so a switch cannot fail half-way. */
#define RF_ALLOW_MAX    262144
#define RF_IDENTS_MAX   65536
#define RF_SERVICES_MAX 65536
#define RF_BACKENDS_MAX 131072
#define RF_INGRESS_MAX  65536
#define RF_RULES_MAX    131072
#define RF_ROUTES_MAX   (64 * 1024 * 1024) /* bytes of blob */

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
	RF_TABLE(struct rf_service_key, struct rf_service_value, services);
	RF_TABLE(rf_identity_t, struct rf_name, names);
#undef RF_TABLE
	struct rf_backend *backends;
	size_t backend_count;
	struct rf_rule *rules; /* [0] is "none" */
	size_t rule_count;
	void *routes; /* the blob, 8-byte aligned, size a multiple of 8 */
	size_t routes_size;
	struct rf_service_address *addresses;
	size_t address_count;
	size_t nfa_count; /* destinations whose automaton passed the state budget */
};

/* Compiles. Problems with a place go to diags (an error there means -EINVAL and no policy); warnings too. */
int rf_policy_compile(const struct rf_policy_input *input, struct rf_diags *diags, struct rf_policy **ret);
void rf_policy_free(struct rf_policy *policy); /* NULL-safe */
static inline void rf_policy_freep(struct rf_policy **p)
{
	rf_policy_free(*p);
}
