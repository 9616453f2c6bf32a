/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/chunk.h"

#include <errno.h>
#include <string.h>

#include "checker/head.h"

enum {
	SIZE_START,
	SIZE,
	EXT_NAME_START,
	EXT_NAME,
	EXT_VALUE_START,
	EXT_VALUE,
	EXT_QUOTED,
	EXT_ESCAPE,
	EXT_AFTER_QUOTE,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	END,
	BAD,
};

static int hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool token_char(unsigned char c)
{
	return rf_text_is_token((struct rf_text){(const char *)&c, 1});
}

static bool text_char(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static unsigned int size_byte(struct rf_chunk *k, unsigned char c)
{
	int digit = hex(c);

	if (digit >= 0) {
		if (k->digits++ == RF_CHUNK_DIGITS_MAX || k->left >> 58) /* stays below 2^62 */
			return BAD;
		k->left = k->left << 4 | (unsigned int)digit;
		return SIZE;
	}
	if (k->state == SIZE_START)
		return BAD;
	return c == ';' ? EXT_NAME_START : (c == '\r' ? SIZE_LF : BAD);
}

static unsigned int extension_byte(struct rf_chunk *k, unsigned char c)
{
	if (k->extension++ == RF_CHUNK_EXTENSION_MAX)
		return BAD;
	switch (k->state) {
	case EXT_NAME_START:
		return token_char(c) ? EXT_NAME : BAD;
	case EXT_NAME:
		if (c == '=')
			return EXT_VALUE_START;
		break;
	case EXT_VALUE_START:
		return c == '"' ? EXT_QUOTED : (token_char(c) ? EXT_VALUE : BAD);
	case EXT_QUOTED:
		return c == '\\' ? EXT_ESCAPE : (c == '"' ? EXT_AFTER_QUOTE : (text_char(c) ? EXT_QUOTED : BAD));
	case EXT_ESCAPE:
		return text_char(c) ? EXT_QUOTED : BAD;
	default:
		break;
	}
	if (c == ';')
		return EXT_NAME_START;
	if (c == '\r')
		return SIZE_LF;
	return k->state != EXT_AFTER_QUOTE && token_char(c) ? k->state : BAD;
}

static bool trailer_allowed(const struct rf_chunk *k)
{
	static const char *const framing[] = {"content-length", "transfer-encoding", "host",
					      "trailer",        "content_length",    "transfer_encoding"};
	struct rf_text name = {k->name, k->name_len};

	for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++)
		if (rf_text_is(name, framing[i]))
			return false;
	return true;
}

static unsigned int trailer_byte(struct rf_chunk *k, unsigned char c)
{
	if (k->trailer++ == RF_CHUNK_TRAILER_MAX)
		return BAD;
	if (k->state == TRAILER_START) {
		if (c == '\r')
			return END_LF;
		k->name_len = 0;
	}
	if (k->state == TRAILER_VALUE)
		return c == '\r' ? TRAILER_LF : (text_char(c) ? TRAILER_VALUE : BAD);
	if (c == ':')
		return k->state == TRAILER_NAME && trailer_allowed(k) ? TRAILER_VALUE : BAD;
	if (!token_char(c))
		return BAD;
	if (k->name_len < sizeof(k->name)) /* every name we look for is shorter */
		k->name[k->name_len++] = (char)c;
	return TRAILER_NAME;
}

static unsigned int next_state(struct rf_chunk *k, unsigned char c)
{
	switch (k->state) {
	case SIZE_START:
	case SIZE:
		return size_byte(k, c);
	case SIZE_LF:
		return c != '\n' ? BAD : (k->left ? DATA : TRAILER_START);
	case DATA_CR:
		return c == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		k->digits = 0;
		return c == '\n' ? SIZE_START : BAD;
	case TRAILER_START:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return trailer_byte(k, c);
	case TRAILER_LF:
		return c == '\n' ? TRAILER_START : BAD;
	case END_LF:
		return c == '\n' ? END : BAD;
	case END:
	case BAD:
		return BAD;
	default:
		return extension_byte(k, c);
	}
}

static bool in_extension(const struct rf_chunk *k, char c)
{
	return k->state == SIZE ? c == ';' : k->state >= EXT_NAME_START && k->state <= EXT_AFTER_QUOTE && c != '\r';
}

ssize_t rf_chunk_feed(struct rf_chunk *k, const char *data, size_t len, bool *done, bool *extension)
{
	size_t i = 0;

	*extension = len && in_extension(k, data[0]);

	while (i < len && k->state != END && in_extension(k, data[i]) == *extension) {
		if (k->state == DATA) {
			size_t n = len - i < k->left ? len - i : (size_t)k->left;

			i += n;
			k->left -= n;
			if (!k->left)
				k->state = DATA_CR;
			continue;
		}
		k->state = next_state(k, (unsigned char)data[i++]);
		if (k->state == BAD)
			return -EBADMSG;
	}
	*done = k->state == END;
	return (ssize_t)i;
}
