/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection to an https port of an Egress begins with, as arbitrary bytes. Beyond not crashing it must hold that a name is told
 * only of a whole ClientHello, that more bytes behind it change nothing, and that a name has only characters of names.
 */
#include <stdint.h>
#include <stdlib.h>

#include "checker/sni.c"

#define REQUIRE(condition)                                                                                                                 \
	do {                                                                                                                               \
		if (!(condition))                                                                                                          \
			abort();                                                                                                           \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[RF_SERVER_NAME_MAX] = "?", again[RF_SERVER_NAME_MAX];
	int r, shorter = 0;
	size_t whole = size;

	REQUIRE(rf_sni_init() == 0);
	r = rf_sni_read((const char *)data, size, name, sizeof(name));
	REQUIRE(r == 1 || r == 0 || r == -EBADMSG);
	if (r != 1) {
		REQUIRE(strcmp(name, "?") == 0);
		return 0;
	}
	REQUIRE(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(name));
	while (whole && (shorter = rf_sni_read((const char *)data, whole - 1, again, sizeof(again))) == 1) {
		REQUIRE(strcmp(name, again) == 0);
		whole--;
	}
	REQUIRE(shorter == 0);
	return 0;
}
