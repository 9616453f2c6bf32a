/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *log_name = "ringfence";
static enum rf_log_level log_max = RF_LOG_INFO;

void rf_log_setup(const char *name, enum rf_log_level max)
{
	log_name = name;
	log_max = max;
}

int rf_log(enum rf_log_level level, int err, const char *format, ...)
{
	static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
	char line[2048];
	va_list ap;

	if (level > log_max)
		return -err;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	/* One write a line: several processes may share the stream. */
	if (err)
		fprintf(stderr, "%s: %s%s: %s\n", log_name, words[level], line, strerror(err));
	else
		fprintf(stderr, "%s: %s%s\n", log_name, words[level], line);
	return -err;
}
