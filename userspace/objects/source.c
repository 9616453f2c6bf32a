/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/source.h"

#include <errno.h>
#include <string.h>

bool rf_name_ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n >= s && memcmp(name + n - s, suffix, s) == 0;
}

int rf_source_init(struct rf_source *source, struct rf_arena *arena, const char *name, const char *text, size_t len)
{
	struct rf_source s = {.len = len, .json = rf_name_ends(name, ".json")};
	size_t *line;

	s.name = rf_arena_strdup(arena, name);
	s.text = rf_arena_strndup(arena, text, len);
	line = RF_ARENA_PUSH(arena, s.lines, s.line_count);
	if (!s.name || !s.text || !line)
		return -ENOMEM;
	*line = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark is no column */
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		line = RF_ARENA_PUSH(arena, s.lines, s.line_count);
		if (!line)
			return -ENOMEM;
		*line = i + 1;
	}
	*source = s;
	return 0;
}

struct rf_place rf_source_place(const struct rf_source *source, size_t offset)
{
	size_t low = 0, high = source->line_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	if (offset < source->lines[low]) /* the byte order mark */
		offset = source->lines[low];
	return (struct rf_place){.file = source->name, .line = (unsigned)low + 1, .column = (unsigned)(offset - source->lines[low]) + 1};
}

size_t rf_utf8_len(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static bool sequence_is_valid(const unsigned char *p, size_t left)
{
	size_t n = rf_utf8_len(p[0]);

	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return false;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
	}
	if (p[0] == 0xe0 && p[1] < 0xa0) /* not the shortest form */
		return false;
	if (p[0] == 0xed && p[1] > 0x9f) /* surrogates */
		return false;
	if (p[0] == 0xf0 && p[1] < 0x90)
		return false;
	return !(p[0] == 0xf4 && p[1] > 0x8f); /* above U+10FFFF */
}

size_t rf_source_bad_byte(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < len; i += rf_utf8_len(p[i])) {
		if (p[i] == 0 || (p[i] >= 0x80 && !sequence_is_valid(p + i, len - i)))
			return i;
	}
	return len;
}
