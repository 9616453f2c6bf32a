/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool forbidden(unsigned char c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

int rf_head_scan(const char *data, size_t len, size_t *scanned)
{
	for (size_t i = *scanned; i < len; i++) {
		*scanned = i;
		if (data[i] != '\r') {
			if (forbidden((unsigned char)data[i]))
				return -EBADMSG;
			continue;
		}
		if (i + 1 == len)
			return 0; /* looked at again with its LF */
		if (data[i + 1] != '\n')
			return -EBADMSG;
		if (i == 0 || (i >= 2 && data[i - 1] == '\n')) {
			*scanned = i + 2;
			return 1;
		}
		i++;
	}
	*scanned = len;
	return 0;
}

static bool is_tchar(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool rf_text_is_token(struct rf_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_tchar((unsigned char)text.data[i]))
			return false;
	return text.len > 0;
}

bool rf_text_is(struct rf_text text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

bool rf_text_equal(struct rf_text a, struct rf_text b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

bool rf_text_starts(struct rf_text text, const char *word)
{
	return text.len >= strlen(word) && strncasecmp(text.data, word, strlen(word)) == 0;
}

struct rf_text rf_text_trim(struct rf_text text)
{
	while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = (struct rf_text){text.data + 1, text.len - 1};
	while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool rf_text_next(struct rf_text *list, struct rf_text *element)
{
	while (list->len) {
		const char *comma = memchr(list->data, ',', list->len);
		size_t len = comma ? (size_t)(comma - list->data) : list->len;
		size_t used = comma ? len + 1 : len;

		*element = rf_text_trim((struct rf_text){list->data, len});
		*list = (struct rf_text){list->data + used, list->len - used};
		if (element->len)
			return true;
	}
	return false;
}

static int index_line(struct rf_text line, struct rf_head_line *ret)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct rf_text name;

	if (!colon)
		return -EBADMSG;
	name = (struct rf_text){line.data, (size_t)(colon - line.data)};
	if (!rf_text_is_token(name)) /* also obs-fold (leading space) and space before the colon */
		return -EBADMSG;
	ret->name = name;
	ret->value = rf_text_trim((struct rf_text){colon + 1, line.len - name.len - 1});
	ret->raw = (struct rf_text){line.data, line.len + 2};
	return 0;
}

int rf_head_index(const char *data, size_t size, struct rf_head *ret)
{
	size_t at = 0;

	ret->count = 0;
	for (bool first = true;; first = false) {
		const char *end = memchr(data + at, '\r', size - at);
		struct rf_text line;
		int r;

		if (!end)
			return -EBADMSG;
		line = (struct rf_text){data + at, (size_t)(end - data) - at};
		at += line.len + 2;
		if (at > size)
			return -EBADMSG;
		if (first) {
			ret->start = line;
			continue;
		}
		if (!line.len)
			return at == size ? 0 : -EBADMSG;
		if (ret->count == RF_HEAD_LINES_MAX)
			return -E2BIG;
		r = index_line(line, &ret->lines[ret->count]);
		if (r < 0)
			return r;
		ret->count++;
	}
}
