/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical path of any bytes: never longer than its input, in pieces the same as at once, nothing left to resolve, and stable when
 * escaped and resolved again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ringfence/path.h>

#define CHECK(cond)                                                                                                                        \
	do {                                                                                                                               \
		if (!(cond))                                                                                                               \
			abort();                                                                                                           \
	} while (0)

static void check_form(const char *form, __u32 len)
{
	char *escaped = malloc(3 * (size_t)len), *again = malloc(3 * (size_t)len);
	__u32 n = 0, m = 0;

	CHECK(escaped && again && len > 0 && form[0] == '/');
	for (__u32 i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)form[i];

		CHECK(c >= 0x20 && c != 0x7f && c != '\\' && c != ';');
		CHECK(i == 0 || c != '/' || form[i - 1] != '/');
		if (strchr("%?# ", c) || c >= 0x80) {
			escaped[n++] = '%';
			escaped[n++] = "0123456789abcdef"[c >> 4];
			escaped[n++] = "0123456789ABCDEF"[c & 15];
		} else {
			escaped[n++] = (char)c;
		}
	}
	CHECK(rf_path_canonical(escaped, n, again, 3 * len, &m) == 0);
	CHECK(m == len && memcmp(again, form, len) == 0);
	free(escaped);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const __u32 len = rf_path_length((const char *)data, (__u32)size);
	char *out = malloc(len + 1);
	__u32 n = 0;
	int r;

	CHECK(out);
	r = rf_path_canonical((const char *)data, (__u32)size, out, len, &n);
	CHECK(r == 0 || r == -EINVAL || (r == -ENOBUFS && len == 0));
	if (r == 0) {
		CHECK(n <= len);
		check_form(out, n);
	}
	free(out);
	return 0;
}
