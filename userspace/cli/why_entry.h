/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of the kernel's table that decided, readable and as bpftool is asked for it. */
#pragma once

#include <limits.h>

#include "cli/why_ask.h"

struct rf_why_entry {
	char table[32]; /* "" = no table has a say (the pod itself, no Service's port...) */
	char key[RF_IDENTITY_NAME_MAX * 2 + 64];
	char value[512];
	char pin[PATH_MAX];
	char command[PATH_MAX + 256];
	bool found; /* false: key is what was looked for in vain */
};

/* 0 or -errno. */
int rf_why_entry(const struct rf_why_world *world, const struct rf_why_part *part, struct rf_why_entry *ret);
