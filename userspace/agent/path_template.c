/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/path_template.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEX_MIN 16 /* shorter ones may be words: "cafe", "decade" */

static bool is_number(const char *s, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++)
		digits += isdigit((unsigned char)s[i]) != 0;
	return len && digits == len;
}

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return len >= HEX_MIN;
}

/* 8-4-4-4-12 hexadecimal digits */
static bool is_uuid(const char *s, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

struct text {
	char *to;
	size_t size, len;
	bool full;
};

static void put(struct text *t, const char *bytes, size_t len)
{
	if (t->full || len + 4 > t->size - t->len) { /* room for "..." stays */
		t->full = true;
		return;
	}
	memcpy(t->to + t->len, bytes, len);
	t->len += len;
}

static void put_byte(struct text *t, unsigned char c)
{
	char escape[5];

	if (c > ' ' && c < 0x7f) {
		put(t, (const char *)&c, 1);
		return;
	}
	snprintf(escape, sizeof(escape), "\\x%02x", c);
	put(t, escape, 4);
}

void rf_path_template(const char *path, char *ret, size_t size)
{
	struct text t = {.to = ret, .size = size};

	while (*path) {
		const size_t len = strcspn(path, "/");

		if (is_number(path, len) || is_hex(path, len) || is_uuid(path, len))
			put(&t, "{}", 2);
		else
			for (size_t i = 0; i < len; i++)
				put_byte(&t, (unsigned char)path[i]);
		path += len;
		if (*path == '/') {
			put(&t, "/", 1);
			path++;
		}
	}
	snprintf(ret + t.len, size - t.len, "%s", t.full ? "..." : "");
}

void rf_text_visible(const char *text, char *ret, size_t size)
{
	struct text t = {.to = ret, .size = size};

	for (; *text; text++)
		put_byte(&t, (unsigned char)*text);
	snprintf(ret + t.len, size - t.len, "%s", t.full ? "..." : "");
}
