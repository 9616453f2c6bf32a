/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Where a connection to the checker was really going. See struct rf_origdst. */
#pragma once

#include "lib/common.bpf.h"

#define RF_ORIGDST_MAX 65536

/* origdst: 4-tuple (client -> checker) -> original destination. Writer: sockops. Reader and remover: getsockopt. LRU: the entry lives only
 * from SYN to accept; when full the oldest goes and the checker closes that connection. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RF_ORIGDST_MAX);
	__type(key, struct rf_tuple);
	__type(value, struct rf_origdst);
} origdst SEC(".maps");
