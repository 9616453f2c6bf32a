/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/moment.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"

#define SECOND 1000000000ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At most so many digits. Returns how many there were, 0: none, or more. */
static int number(const char **at, int most, uint64_t *ret)
{
	uint64_t value = 0;
	int n = 0;

	for (; is_digit(**at); (*at)++, n++) {
		if (n == most)
			return 0;
		value = value * 10 + (uint64_t)(**at - '0');
	}
	*ret = value;
	return n;
}

static int unit(const char **at, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ms", SECOND / 1000}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND}, {"d", 86400 * SECOND}};

	for (size_t i = 0; i < RF_ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*at, units[i].name, len) != 0)
			continue;
		*ret_ns = units[i].ns;
		*at += len;
		return 0;
	}
	return -EINVAL;
}

static int duration(const char *at, uint64_t *ret_ns)
{
	uint64_t sum = 0, value = 0, ns = 0;

	while (*at) {
		if (!number(&at, 9, &value) || unit(&at, &ns) < 0)
			return -EINVAL;
		if (__builtin_mul_overflow(value, ns, &value) || __builtin_add_overflow(sum, value, &sum))
			return -EINVAL;
	}
	*ret_ns = sum;
	return 0;
}

/* ".123" -> nanoseconds; nothing there is 0. */
static int fraction(const char **at, uint64_t *ret_ns)
{
	uint64_t value = 0;
	int digits;

	if (**at == '.') {
		(*at)++;
		digits = number(at, 9, &value);
		if (!digits)
			return -EINVAL;
		for (; digits < 9; digits++)
			value *= 10;
	}
	*ret_ns = value;
	return 0;
}

/* "Z" or "+01:00" -> seconds east of Greenwich. */
static int zone(const char *at, int64_t *ret)
{
	int sign = *at == '-' ? -1 : 1;
	uint64_t hours = 0, minutes = 0;

	if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) {
		*ret = 0;
		return 0;
	}
	if (*at != '+' && *at != '-')
		return -EINVAL;
	at++;
	if (number(&at, 2, &hours) != 2 || *at++ != ':' || number(&at, 2, &minutes) != 2 || *at || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret = sign * (int64_t)(hours * 3600 + minutes * 60);
	return 0;
}

static int rfc3339(const char *text, uint64_t *ret_ns)
{
	struct tm tm = {};
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ns = 0;
	int64_t east = 0, seconds;

	if (!at || fraction(&at, &ns) < 0 || zone(at, &east) < 0)
		return -EINVAL;
	seconds = (int64_t)timegm(&tm) - east;
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / SECOND - 1)
		return -EINVAL;
	*ret_ns = (uint64_t)seconds * SECOND + ns;
	return 0;
}

int rf_moment_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	uint64_t ago = 0;

	if (strchr(text, 'T') || strchr(text, '-'))
		return rfc3339(text, ret_ns);
	if (!*text || duration(text, &ago) < 0)
		return -EINVAL;
	*ret_ns = ago < now_ns ? now_ns - ago : 0;
	return 0;
}
