/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence that goes with an error of pods/: every step that can fail says in words what it wanted, so that `ringfence run` can print
 * it as it is. Inside pods/ only.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct rf_pod_error {
	char *text; /* owner: the caller of pods/; may be NULL with size 0 */
	size_t size;
};

/* err: positive errno value, appended as ": strerror" unless 0 (then -EINVAL is returned). Returns -err. */
static inline __attribute__((format(printf, 3, 4))) int rf_pod_fail(struct rf_pod_error *error, int err, const char *format, ...)
{
	va_list ap;
	int n;

	if (error->size) {
		va_start(ap, format);
		n = vsnprintf(error->text, error->size, format, ap);
		va_end(ap);
		if (err && n >= 0 && (size_t)n < error->size)
			snprintf(error->text + n, error->size - (size_t)n, ": %s", strerror(err));
	}
	return err ? -err : -EINVAL;
}
