/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/scalar.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_alnum(char c)
{
	return c && strchr(LOWER UPPER DIGITS, c);
}

static bool is_lower_alnum(char c)
{
	return c && strchr(LOWER DIGITS, c);
}

static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > 63 || !is_lower_alnum(text[0]) || !is_lower_alnum(text[len - 1]))
		return false;
	return strspn(text, LOWER DIGITS "-") >= len;
}

bool rf_text_is_label(const char *text)
{
	return is_label(text, strlen(text));
}

bool rf_text_is_name(const char *text)
{
	if (strlen(text) > 253)
		return false;
	for (const char *dot; (dot = strchr(text, '.')); text = dot + 1) {
		if (!is_label(text, (size_t)(dot - text)))
			return false;
	}
	return is_label(text, strlen(text));
}

bool rf_text_is_host(const char *text)
{
	return rf_text_is_name(strncmp(text, "*.", 2) == 0 ? text + 2 : text);
}

bool rf_text_is_port_name(const char *text)
{
	return strlen(text) <= 15 && rf_text_is_label(text) && strpbrk(text, LOWER) && !strstr(text, "--");
}

bool rf_text_is_label_value(const char *text)
{
	size_t len = strlen(text);

	if (len == 0)
		return true;
	return len <= 63 && is_alnum(text[0]) && is_alnum(text[len - 1]) && strspn(text, LOWER UPPER DIGITS "-_.") == len;
}

bool rf_text_is_label_key(const char *text)
{
	const char *slash = strchr(text, '/');
	char prefix[254];

	if (slash) {
		size_t n = (size_t)(slash - text);

		if (n >= sizeof(prefix))
			return false;
		memcpy(prefix, text, n);
		prefix[n] = '\0';
		if (!rf_text_is_name(prefix))
			return false;
		text = slash + 1;
	}
	return *text && rf_text_is_label_value(text);
}

bool rf_text_is_token(const char *text)
{
	return *text && strspn(text, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~") == strlen(text);
}

static size_t unit_len(const char *text)
{
	static const char *const units[] = {"ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strncmp(text, units[i], strlen(units[i])) == 0)
			return strlen(units[i]);
	}
	return 0;
}

bool rf_text_is_duration(const char *text)
{
	if (strcmp(text, "0") == 0)
		return true;
	if (!*text)
		return false;
	while (*text) {
		size_t whole = strspn(text, DIGITS), part = 0, unit;

		text += whole;
		if (*text == '.')
			part = strspn(++text, DIGITS);
		text += part;
		unit = unit_len(text);
		if (whole + part == 0 || unit == 0)
			return false;
		text += unit;
	}
	return true;
}

static bool is_special_float(const char *text)
{
	static const char *const names[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0)
			return true;
	}
	return false;
}

bool rf_text_is_number(const char *text)
{
	size_t digits;

	if (*text == '+' || *text == '-')
		text++;
	if (is_special_float(text))
		return true;
	if (text[0] == '0' && text[1] && strchr("xob", text[1]))
		return text[2] && strspn(text + 2, DIGITS "abcdefABCDEF_") == strlen(text + 2);
	if (*text == '_')
		return false;
	digits = strspn(text, DIGITS "_");
	text += digits;
	if (*text == '.') {
		size_t part = strspn(text + 1, DIGITS "_");

		digits += part;
		text += 1 + part;
	}
	if (digits == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		text += strspn(text, DIGITS);
	}
	return *text == '\0';
}

int rf_text_ipv4(const char *text, uint32_t *ret_be)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		return -EINVAL;
	*ret_be = a.s_addr;
	return 0;
}

int rf_text_cidr(const char *text, uint32_t *ret_net_be, unsigned *ret_prefix_len)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	uint32_t net;
	int64_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (rf_text_ipv4(address, &net) < 0 || rf_text_integer(slash + 1, 0, 32, &len) < 0)
		return -EINVAL;
	*ret_net_be = len ? net & htonl(~0u << (32 - len)) : 0;
	*ret_prefix_len = (unsigned)len;
	return 0;
}

int rf_text_address(const char *text, struct rf_addr *ret)
{
	uint32_t addr_be;

	if (rf_text_ipv4(text, &addr_be) == 0) {
		*ret = rf_addr4(addr_be);
		return 0;
	}
	return inet_pton(AF_INET6, text, ret) == 1 ? 0 : -EINVAL;
}

static void mask_address(struct rf_addr *a, unsigned len)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned bits = len > 32 * i ? len - 32 * i : 0;

		if (bits < 32)
			a->be[i] &= bits ? htonl(~0u << (32 - bits)) : 0;
	}
}

int rf_text_range(const char *text, struct rf_addr *ret_net, unsigned *ret_prefix_len)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct rf_addr net;
	bool is4 = !strchr(text, ':');
	int64_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (rf_text_address(address, &net) < 0 || rf_text_integer(slash + 1, 0, is4 ? 32 : 128, &len) < 0)
		return -EINVAL;
	*ret_prefix_len = (unsigned)len + (is4 ? 96 : 0);
	mask_address(&net, *ret_prefix_len);
	*ret_net = net;
	return 0;
}

int rf_text_integer(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = *text == '-' ? text + 1 : text;
	size_t n = strlen(digits);
	int64_t value;

	/* 18 digits cannot overflow 64 bits, and no field is wider. */
	if (n == 0 || n > 18 || strspn(digits, DIGITS) != n || (digits[0] == '0' && (n > 1 || digits != text)))
		return -EINVAL;
	value = strtoll(text, NULL, 10);
	if (value < min || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* Booleans of YAML 1.1 as its readers really take them ("y" and "n" are texts to all of them that matter). */
static bool is_boolean_trap(const char *text)
{
	static const char *const names[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
					    "no",   "No",   "NO",   "on",    "On",    "ON",    "off", "Off", "OFF"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0)
			return true;
	}
	return false;
}

int rf_scalar_string(const struct rf_node *node, const char **ret)
{
	if (node->kind != RF_NODE_SCALAR)
		return -EINVAL;
	if (node->style == RF_SCALAR_PLAIN && (rf_node_is_null(node) || is_boolean_trap(node->text) || rf_text_is_number(node->text)))
		return -EINVAL;
	*ret = node->text;
	return 0;
}

int rf_scalar_bool(const struct rf_node *node, bool *ret)
{
	if (node->kind != RF_NODE_SCALAR || node->style != RF_SCALAR_PLAIN)
		return -EINVAL;
	if (strcmp(node->text, "true") == 0)
		*ret = true;
	else if (strcmp(node->text, "false") == 0)
		*ret = false;
	else
		return -EINVAL;
	return 0;
}

int rf_scalar_integer(const struct rf_node *node, int64_t min, int64_t max, int64_t *ret)
{
	if (node->kind != RF_NODE_SCALAR || node->style != RF_SCALAR_PLAIN)
		return -EINVAL;
	return rf_text_integer(node->text, min, max, ret);
}
