/* SPDX-License-Identifier: Apache-2.0 */
/* RE2 for C: patterns with RE2's default options (UTF-8, Perl syntax, case sensitive), full match. Test-only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct re2_pattern; /* opaque */

enum re2_answer {
	RE2_OK,
	RE2_REFUSED,
	RE2_TOO_LARGE, /* past RE2's own memory limit: says nothing about the syntax */
};

/* *ret is to be freed with re2_free, whatever the answer. */
enum re2_answer re2_new(const char *pattern, size_t len, struct re2_pattern **ret);
void re2_free(struct re2_pattern *pattern);
const char *re2_error(const struct re2_pattern *pattern); /* "" without one */
bool re2_full_match(const struct re2_pattern *pattern, const char *subject, size_t len);

#ifdef __cplusplus
}
#endif
