/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the check of a routes blob: routes.c walks its lists, validate.c its automata. */
#pragma once

#include "automaton/automaton.h"

struct rf_view {
	const char *base;
	uint64_t size;
};

/* count items of `item` bytes at off, NULL unless they are inside the blob and aligned. */
static inline const void *rf_view_items(const struct rf_view *v, uint64_t off, uint64_t count, uint64_t item)
{
	return off % 8 == 0 && off <= v->size && count <= (v->size - off) / item ? v->base + off : NULL;
}

/* Each automaton of the grants and of their conditions once. 0, -EBADMSG, -ENOMEM. */
int rf_validate_automata(const struct rf_view *v, const struct rf_route_grant *grants, uint32_t count);
