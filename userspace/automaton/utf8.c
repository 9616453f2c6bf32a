/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of code points -> alternatives of byte ranges (RFC 3629: shortest forms only, no surrogates). */
#include <errno.h>

#include "automaton/nfa.h"
#include "core/cleanup.h"

#define SPLITS_MAX 16 /* pieces waiting at once: 4 lengths and 2 for each of 3 continuation bytes at most */

static size_t encode(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(lead[n] | c);
	return n;
}

/* Where [lo, hi] must be cut so that both parts come closer to one byte range a position; hi if it need not be. */
static uint32_t cut(uint32_t lo, uint32_t hi)
{
	static const uint32_t lengths[] = {0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff};

	for (size_t i = 0; i < RF_ARRAY_SIZE(lengths); i++)
		if (lo <= lengths[i] && hi > lengths[i])
			return lengths[i];
	if (hi < 0x80)
		return hi;
	for (int bits = 6; bits <= 18; bits += 6) {
		const uint32_t mask = (1u << bits) - 1;

		if ((lo & ~mask) == (hi & ~mask))
			continue;
		if (lo & mask)
			return lo | mask;
		if ((hi & mask) != mask)
			return (hi & ~mask) - 1;
	}
	return hi;
}

static int add_piece(struct rf_nfa *nfa, uint32_t lo, uint32_t hi, uint32_t next, uint32_t *all)
{
	uint8_t from[4] = {0}, to[4] = {0};
	size_t n;
	int r;

	if (lo >= 0xd800 && hi <= 0xdfff)
		return 0;
	n = encode(lo, from);
	encode(hi, to);
	while (n-- > 0) {
		r = rf_nfa_byte(nfa, from[n], to[n], next, &next);
		if (r < 0)
			return r;
	}
	return rf_nfa_split(nfa, next, *all, all);
}

static int add_range(struct rf_nfa *nfa, struct rf_rune_range range, uint32_t next, uint32_t *all)
{
	struct rf_rune_range todo[SPLITS_MAX] = {range};
	size_t n = 1;
	int r = 0;

	while (n > 0 && r == 0) {
		const struct rf_rune_range now = todo[--n];
		const uint32_t end = cut(now.lo, now.hi);

		if (end == now.hi) {
			r = add_piece(nfa, now.lo, now.hi, next, all);
		} else {
			if (n + 2 > SPLITS_MAX)
				return -E2BIG;
			todo[n++] = (struct rf_rune_range){end + 1, now.hi};
			todo[n++] = (struct rf_rune_range){now.lo, end};
		}
	}
	return r;
}

int rf_nfa_runes(struct rf_nfa *nfa, const struct rf_runes *set, uint32_t next, uint32_t *ret)
{
	uint32_t all = RF_NFA_NONE;
	int r = 0;

	for (size_t i = 0; i < set->count && r == 0; i++)
		r = add_range(nfa, set->ranges[i], next, &all);
	if (r == 0 && all == RF_NFA_NONE)
		r = rf_nfa_byte(nfa, 1, 0, next, &all);
	if (r == 0)
		*ret = all;
	return r;
}
