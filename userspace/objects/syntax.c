/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/syntax.h"

#include <string.h>

#include "core/cleanup.h"

/* What libyaml says (its scanner.c and parser.c; "" is anything), and what to do about it. The first that fits. */
static const struct {
	const char *problem;
	const char *context;
	const char *advice;
} known[] = {
	{"mapping values are not allowed", "", "a ':' too many: put a text with a colon in quotes, or indent this line as the one above"},
	{"could not find expected ':'", "", "a key without a ':' behind it, or a line that is not indented like those around it"},
	{"did not find expected key", "", "this line is not indented like the keys above it"},
	{"did not find expected '-' indicator", "", "this line is not indented like the items ('- ') above it"},
	{"block sequence entries are not allowed", "", "a list ('- ') cannot begin here: put it on a line of its own, below its key"},
	{"alphabetic or numeric character", "scanning an alias", "a text that begins with * is put in quotes"},
	{"alphabetic or numeric character", "scanning an anchor", "a text that begins with & is put in quotes"},
	{"found unexpected end of stream", "quoted scalar", "the closing quote is missing"},
	{"found unexpected document indicator", "quoted scalar", "the closing quote is missing"},
	{"found unknown escape character", "", "in double quotes a backslash is written \\\\; single quotes leave it alone"},
	{"did not find expected hexdecimal number", "", "in double quotes a backslash is written \\\\; single quotes leave it alone"},
	{"did not find expected ',' or ']'", "", "a comma or the closing ']' is missing"},
	{"did not find expected ',' or '}'", "", "a comma or the closing '}' is missing"},
	{"did not find expected <document start>", "",
	 "another object begins with a line '---'; or this line is not indented like those above"},
	{"did not find expected node content", "", "a value is missing, or there is a comma too many"},
	{"control characters are not allowed", "", "a control character: was the file saved as plain text?"},
};

static const char *advice_on_character(char c)
{
	switch (c) {
	case '\t':
		return "a tab: YAML is indented with spaces only";
	case '@':
	case '`':
	case '%':
		return "a text that begins with @, ` or % is put in quotes";
	default:
		return "a text that begins with this character is put in quotes";
	}
}

const char *rf_syntax_advice(const struct rf_source *source, size_t at, const char *problem, const char *context)
{
	if (!problem)
		return "this is not YAML";
	if (strstr(problem, "cannot start any token"))
		return advice_on_character(at < source->len ? source->text[at] : ' ');
	for (size_t i = 0; i < RF_ARRAY_SIZE(known); i++) {
		if (strstr(problem, known[i].problem) && strstr(context ? context : "", known[i].context))
			return known[i].advice;
	}
	return "this is not YAML as it should be";
}
