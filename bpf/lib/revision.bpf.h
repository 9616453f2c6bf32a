/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The tables of one compiled policy. Writer: the agent, which fills the slot that is not live, then stores control.epoch: the one store
 * that switches. Readers: connect and tc; each decision reads the epoch ONCE and looks everything up with it. Lifetime: until the
 * next-but-one revision. Full: cannot happen while live, the agent measures a revision before it is built. A missing inner map, or a
 * config of another epoch (a slot reused under a very slow reader), is RF_REASON_NO_POLICY: denied.
 *
 * The inner maps below are templates: real ones have the same types and flags, their own max_entries, and the BTF that ask.bpf.c keeps for
 * them (clang 14 emits only forward declarations for types named inside a template).
 */
#pragma once

#include "lib/common.bpf.h"

#define RF_REVISION_TABLE(table, map_type, key_type, value_type, inner_flags)                                                              \
	struct table##_inner {                                                                                                             \
		__uint(type, map_type);                                                                                                    \
		__uint(max_entries, 1);                                                                                                    \
		__uint(map_flags, inner_flags);                                                                                            \
		__uint(key_size, sizeof(key_type));                                                                                        \
		__uint(value_size, sizeof(value_type));                                                                                    \
	};                                                                                                                                 \
	struct {                                                                                                                           \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                                                  \
		__uint(max_entries, RF_SLOTS);                                                                                             \
		__type(key, __u32);                                                                                                        \
		__array(values, struct table##_inner);                                                                                     \
	} table SEC(".maps")

/* control: ARRAY[1]. Writer: agent. Readers: all programs; the checker by look-up on a read-only fd. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rf_control);
} control SEC(".maps");

RF_REVISION_TABLE(config, BPF_MAP_TYPE_ARRAY, __u32, struct rf_config, BPF_F_INNER_MAP);
RF_REVISION_TABLE(idents, BPF_MAP_TYPE_HASH, rf_identity_t, struct rf_ident, 0);
RF_REVISION_TABLE(allow, BPF_MAP_TYPE_HASH, struct rf_allow_key, struct rf_allow_value, 0);
RF_REVISION_TABLE(ingress, BPF_MAP_TYPE_LPM_TRIE, struct rf_ingress_key, struct rf_ingress_value, BPF_F_NO_PREALLOC);
RF_REVISION_TABLE(egress, BPF_MAP_TYPE_LPM_TRIE, struct rf_egress_key, struct rf_egress_value, BPF_F_NO_PREALLOC);
RF_REVISION_TABLE(services, BPF_MAP_TYPE_HASH, struct rf_service_key, struct rf_service_value, 0);
RF_REVISION_TABLE(splits, BPF_MAP_TYPE_ARRAY, __u32, struct rf_split_part, BPF_F_INNER_MAP);
RF_REVISION_TABLE(backends, BPF_MAP_TYPE_ARRAY, __u32, struct rf_backend, BPF_F_INNER_MAP);

static __always_inline rf_epoch_t rf_live_epoch(void)
{
	__u32 zero = 0;
	struct rf_control *c = bpf_map_lookup_elem(&control, &zero);

	return c ? *(volatile rf_epoch_t *)&c->epoch : 0;
}

static __always_inline __u32 rf_live_flags(void)
{
	__u32 zero = 0;
	struct rf_control *c = bpf_map_lookup_elem(&control, &zero);

	return c ? c->flags : 0;
}

static __always_inline void *rf_slot(void *table, rf_epoch_t epoch)
{
	__u32 slot = epoch % RF_SLOTS;

	return bpf_map_lookup_elem(table, &slot);
}

static __always_inline void *rf_find(void *table, rf_epoch_t epoch, const void *key)
{
	void *inner = rf_slot(table, epoch);

	return inner ? bpf_map_lookup_elem(inner, key) : NULL;
}

/* NULL: no policy, or not this epoch's: deny. */
static __always_inline struct rf_config *rf_config_of(rf_epoch_t epoch)
{
	__u32 zero = 0;
	struct rf_config *c;

	if (!epoch)
		return NULL;
	c = rf_find(&config, epoch, &zero);
	return c && c->epoch == epoch ? c : NULL;
}
