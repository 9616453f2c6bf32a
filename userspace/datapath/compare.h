/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the pinned maps this binary's programs can go on using, and which have another layout than they were compiled for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "datapath/private.h"

#define RF_COMPARED_MAX 48

struct rf_compared_map {
	char name[64];
	bool same; /* false: another layout */
};

struct rf_comparison {
	struct rf_compared_map maps[RF_COMPARED_MAX]; /* those that are pinned and wanted */
	size_t count;
	__u32 version;    /* RF_LAYOUT_VERSION of who wrote the pinned ones, 0: not known */
	rf_epoch_t epoch; /* live there */
	bool differs;     /* at least one map has another layout */
	bool convertible; /* what differs can be converted: the meaning is the same, only places are not, and the types are known */
};

/* dir: where the pins are. 0 or -errno with dp's error set. */
int rf_compare_layouts(struct rf_datapath *dp, const char *dir, struct rf_comparison *ret);
/* RF_LAYOUT_VERSION in a tree's control map; 0: none. */
__u32 rf_layout_version_of(const char *dir);
/* Can a binary of this version convert what one of that version wrote? */
bool rf_layout_is_convertible(__u32 version);
