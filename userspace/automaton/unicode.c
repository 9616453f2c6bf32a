/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/unicode.h"

#include <errno.h>
#include <string.h>

int rf_unicode_add(struct rf_arena *arena, struct rf_runes *set, const char *name, size_t len)
{
	bool found = false;
	int r = 0;

	if (len == 3 && memcmp(name, "Any", 3) == 0)
		return rf_runes_add(arena, set, 0, RF_RUNE_MAX);
	for (size_t i = 0; i < rf_unicode_group_count && r == 0; i++) {
		const struct rf_unicode_group *g = &rf_unicode_groups[i];
		const size_t full = strlen(g->name);
		const bool whole = full == len && memcmp(g->name, name, len) == 0;

		if (!whole && !(len == 1 && full == 2 && g->name[0] == name[0]))
			continue;
		found = true;
		r = rf_runes_add_all(arena, set, rf_unicode_ranges + g->first, g->count);
	}
	return r < 0 ? r : found ? 0 : -ENOENT;
}

int rf_utf8_decode(const char *text, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	const int n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
	uint32_t c;

	if (n == 0 || (size_t)n > len)
		return -EILSEQ;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -EILSEQ;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > RF_RUNE_MAX || (c >= 0xd800 && c <= 0xdfff))
		return -EILSEQ;
	*ret = c;
	return n;
}
