/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct rf_addr (headers/ringfence/address.h) as text and back, the one place for it: IPv4 as a.b.c.d, IPv6 as inet_ntop(3) writes it
 * (RFC 5952), with a port as a.b.c.d:80 and [x::y]:80 (RFC 3986 section 3.2.2).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <ringfence/address.h>

#define RF_ADDR_TEXT_MAX      46 /* INET6_ADDRSTRLEN */
#define RF_ADDR_PORT_TEXT_MAX (RF_ADDR_TEXT_MAX + 8)

/* Both return ret; "none" for no address. A text that does not fit is cut. */
const char *rf_addr_text(const struct rf_addr *addr, char *ret, size_t size);
const char *rf_addr_port_text(const struct rf_addr *addr, uint16_t port, char *ret, size_t size);

/* Of either family; ::ffff:a.b.c.d is the IPv4 address in it. "::" is refused, as it is the form of "none". 0 or -EINVAL. */
int rf_addr_parse(const char *text, struct rf_addr *ret);
