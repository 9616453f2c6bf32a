/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "automaton/parser.h"
#include "automaton/unicode.h"
#include "core/cleanup.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After "\x": two digits, or any number of them in braces. */
static int escape_hex(struct rf_parser *p, size_t start, uint32_t *ret)
{
	const bool braces = rf_parser_sees(p, "{");
	uint32_t value = 0;
	int digits = 0, d;

	p->at += braces;
	while (rf_parser_left(p) && (braces || digits < 2) && value <= RF_RUNE_MAX) {
		d = hex_digit(p->text[p->at]);
		if (d < 0)
			break;
		value = value << 4 | (uint32_t)d;
		digits++;
		p->at++;
	}
	if (digits == 0 || (!braces && digits != 2) || (braces && !rf_parser_sees(p, "}")) || value > RF_RUNE_MAX)
		return rf_parser_fail(p, -EINVAL, start, "\\x wants two hex digits or a code point in braces, like \\x{263a}");
	p->at += braces;
	*ret = value;
	return 0;
}

static int escape_octal(struct rf_parser *p, char first, uint32_t *ret)
{
	uint32_t value = (uint32_t)(first - '0');

	for (int i = 0; i < 2 && rf_parser_left(p) && p->text[p->at] >= '0' && p->text[p->at] <= '7'; i++)
		value = value << 3 | (uint32_t)(p->text[p->at++] - '0');
	*ret = value;
	return 0;
}

int rf_parser_escape(struct rf_parser *p, uint32_t *ret)
{
	static const char names[] = "aftnrv", values[] = "\a\f\t\n\r\v";
	const size_t start = p->at++;
	const char *found;
	char c;

	if (!rf_parser_left(p))
		return rf_parser_fail(p, -EINVAL, start, "a backslash at the end of the pattern escapes nothing");
	c = p->text[p->at++];
	if (c == 'x')
		return escape_hex(p, start, ret);
	if (c == '0' || (c >= '1' && c <= '7' && rf_parser_left(p) && p->text[p->at] >= '0' && p->text[p->at] <= '7'))
		return escape_octal(p, c, ret);
	if (c >= '1' && c <= '9')
		return rf_parser_fail(p, -EINVAL, start, "backreferences (\\%c) are not part of RE2 syntax", c);
	found = c ? strchr(names, c) : NULL;
	if (found)
		*ret = (uint32_t)values[found - names];
	else if ((unsigned char)c < 0x80 && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		*ret = (uint32_t)c;
	else if (c == 'C')
		return rf_parser_fail(p, -EINVAL, start, "\\C (a single byte) is not supported: patterns match whole characters");
	else if ((unsigned char)c < 0x80)
		return rf_parser_fail(p, -EINVAL, start, "unknown escape \\%c", c);
	else
		return rf_parser_fail(p, -EINVAL, start, "a backslash before a character that needs none");
	return 0;
}

int rf_parser_add_group(struct rf_parser *p, struct rf_runes *set, struct rf_runes *part, bool negated)
{
	int r = 0;

	/* Folding comes first: "not a k, whatever its case" must not let K in. */
	if (p->flags & RF_FLAG_FOLD)
		r = rf_runes_fold(p->arena, part);
	if (r == 0 && negated)
		r = rf_runes_negate(p->arena, part);
	p->ranges += part->count;
	if (r == 0 && p->ranges > RF_PATTERN_RANGES_MAX)
		return rf_parser_fail(p, -E2BIG, p->at, "the pattern's classes add up to more than %d ranges of characters",
				      RF_PATTERN_RANGES_MAX);
	return r < 0 ? r : rf_runes_add_all(p->arena, set, part->ranges, part->count);
}

static int add_perl(struct rf_parser *p, struct rf_runes *set, char c)
{
	static const struct rf_rune_range digits[] = {{'0', '9'}}, spaces[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}},
					  word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
	struct rf_runes part = {0};
	int r;

	if ((c | 0x20) == 'd')
		r = rf_runes_add_all(p->arena, &part, digits, RF_ARRAY_SIZE(digits));
	else if ((c | 0x20) == 's')
		r = rf_runes_add_all(p->arena, &part, spaces, RF_ARRAY_SIZE(spaces));
	else
		r = rf_runes_add_all(p->arena, &part, word, RF_ARRAY_SIZE(word));
	return r < 0 ? r : rf_parser_add_group(p, set, &part, c < 'a');
}

/* After "\p" or "\P": one letter, or a name in braces with an optional ^. */
static int add_property(struct rf_parser *p, struct rf_runes *set, size_t start, bool negated)
{
	struct rf_runes part = {0};
	const char *name = p->text + p->at, *end;
	size_t len = 1;
	int r;

	if (!rf_parser_left(p))
		return rf_parser_fail(p, -EINVAL, start, "\\p wants a Unicode property, like \\pL or \\p{Greek}");
	if (*name == '{') {
		end = memchr(name, '}', rf_parser_left(p));
		if (!end)
			return rf_parser_fail(p, -EINVAL, start, "\\p{ without }");
		len = (size_t)(end - ++name);
		p->at += len + 2;
		if (len && *name == '^') {
			negated = !negated;
			name++;
			len--;
		}
	} else {
		p->at++;
	}
	r = rf_unicode_add(p->arena, &part, name, len);
	if (r == -ENOENT)
		return rf_parser_fail(p, -EINVAL, start,
				      "unknown Unicode property '%.*s' (general categories and common scripts are known)",
				      (int)(len < 40 ? len : 40), name);
	return r < 0 ? r : rf_parser_add_group(p, set, &part, negated);
}

int rf_parser_class_escape(struct rf_parser *p, struct rf_runes *set)
{
	const size_t start = p->at;
	char c;
	int r;

	if (rf_parser_left(p) < 2 || p->text[start] != '\\')
		return 0;
	c = p->text[start + 1];
	if (c == '\0' || !strchr("dDsSwWpP", c))
		return 0;
	p->at += 2;
	r = (c | 0x20) == 'p' ? add_property(p, set, start, c == 'P') : add_perl(p, set, c);
	return r < 0 ? r : 1;
}
