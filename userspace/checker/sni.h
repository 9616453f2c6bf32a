/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server name that a TLS connection begins with (RFC 8446 section 4.1.2, RFC 6066 section 3), read by OpenSSL's own parser and nothing
 * further: no handshake is answered and no key exists here. The bytes stay the caller's and go on to the server untouched.
 */
#pragma once

#include <stddef.h>

#define RF_SERVER_NAME_MAX 256         /* a DNS name and its NUL */
#define RF_HELLO_MAX       (16 * 1024) /* bytes by which a ClientHello must be complete */

/* Once, before the checker confines itself: OpenSSL wants randomness and memory of its own at its start. 0 or -ENOMEM. */
int rf_sni_init(void);
void rf_sni_done(void);

/* Looks at what a connection began with. 1: a whole ClientHello; name (RF_SERVER_NAME_MAX bytes) is filled, "" if it names no server.
 * 0: more bytes are needed, name is untouched. -EBADMSG: this is not TLS, or a name that is none, or longer than RF_HELLO_MAX.
 * -ENOMEM. */
int rf_sni_read(const char *data, size_t len, char *name, size_t size);
