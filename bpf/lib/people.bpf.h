/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Tables that no BPF program reads: for people and for the checker. Kept with the others so that one loader makes and pins them all. */
#pragma once

#include "lib/revision.bpf.h"

#define RF_NAMES_MAX 131072

/* rules (revision): rule id -> where the rule stands. Writer: agent. Readers: status, why, bpftool. Full: the revision is refused. */
RF_REVISION_TABLE(rules, BPF_MAP_TYPE_ARRAY, __u32, struct rf_rule, BPF_F_INNER_MAP);

/* routes (revision): the blob of headers/ringfence/routes.h in 8-byte words, frozen. Writer: agent, before it is frozen. Reader: checker.
 */
RF_REVISION_TABLE(routes, BPF_MAP_TYPE_ARRAY, __u32, __u64, BPF_F_INNER_MAP | BPF_F_MMAPABLE);

/* service_names (revision): address of a Service -> "namespace/name". Writer: agent. Readers: why, audit, bpftool. Full: the revision is
 * refused. */
RF_REVISION_TABLE(service_names, BPF_MAP_TYPE_HASH, struct rf_addr, struct rf_name, 0);

/* requests: one counter a reason code, of what the checker decided. Writer: agent, from the access records. Readers: status. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, _RF_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} requests SEC(".maps");

/* names: identity -> "namespace/name". Writer: agent; lifetime: as long as the policy knows the account. Full: the revision is refused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_NAMES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, rf_identity_t);
	__type(value, struct rf_name);
} names SEC(".maps");
