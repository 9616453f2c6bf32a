/* SPDX-License-Identifier: Apache-2.0 */
#include "core/address_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *rf_addr_text(const struct rf_addr *addr, char *ret, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (rf_addr_is_none(addr))
		snprintf(text, sizeof(text), "none");
	else if (rf_addr_is4(addr))
		inet_ntop(AF_INET, &addr->be[3], text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr, text, sizeof(text));
	snprintf(ret, size, "%s", text);
	return ret;
}

const char *rf_addr_port_text(const struct rf_addr *addr, uint16_t port, char *ret, size_t size)
{
	char text[RF_ADDR_TEXT_MAX];

	rf_addr_text(addr, text, sizeof(text));
	snprintf(ret, size, strchr(text, ':') ? "[%s]:%u" : "%s:%u", text, port);
	return ret;
}

int rf_addr_parse(const char *text, struct rf_addr *ret)
{
	struct rf_addr addr = {};
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		addr = rf_addr4(v4.s_addr);
	else if (inet_pton(AF_INET6, text, &addr) != 1 || rf_addr_is_none(&addr))
		return -EINVAL;
	*ret = addr;
	return 0;
}
