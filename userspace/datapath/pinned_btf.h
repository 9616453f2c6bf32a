/* SPDX-License-Identifier: Apache-2.0 */
/* The types of what is pinned, as the kernel keeps them. */
#pragma once

#include <bpf/btf.h>

#include "datapath/layout.h"

static inline void rf_btf_freep(struct btf **btf)
{
	btf__free(*btf); /* NULL-safe */
}

/* The BTF of <dir>/progs/<name>, owned; NULL: none. */
struct btf *rf_btf_of_program(const char *dir, const char *name);
/* A type by its name, whatever kind it is. Type 0: there is none. */
struct rf_layout rf_layout_named(const struct btf *btf, const char *name);
