/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars as the types the objects use. Nothing is guessed: `yes` is no boolean, 010 and 0x10 are no integers, and a text that a YAML
 * reader may take for a boolean or a number must be quoted where a string is meant. The rf_text_* functions judge plain C strings and
 * return whether they are acceptable; the rf_scalar_* functions judge a node and return 0 or -EINVAL with *ret untouched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <ringfence/address.h>

#include "objects/tree.h"

bool rf_text_is_label(const char *text);       /* RFC 1123 label: a-z0-9-, 63 */
bool rf_text_is_name(const char *text);        /* RFC 1123 subdomain, 253 */
bool rf_text_is_host(const char *text);        /* the same, a leading "*." allowed */
bool rf_text_is_port_name(const char *text);   /* RFC 6335 service name: a letter in it, 15 */
bool rf_text_is_label_key(const char *text);   /* [prefix/]name as Kubernetes' labels and annotations */
bool rf_text_is_label_value(const char *text); /* 63, may be empty */
bool rf_text_is_token(const char *text);       /* RFC 9110 token: header field name */
bool rf_text_is_duration(const char *text);    /* Go duration: 300ms, 1.5h, 2h45m */
bool rf_text_is_number(const char *text);      /* what YAML 1.1 or 1.2 readers take for a number when it is plain */
int rf_text_ipv4(const char *text, uint32_t *ret_be);
/* a.b.c.d/n; host bits are masked away, as OSM does. */
int rf_text_cidr(const char *text, uint32_t *ret_net_be, unsigned *ret_prefix_len);
/* An address of either family (RFC 4291 section 2.2; no zone). */
int rf_text_address(const char *text, struct rf_addr *ret);
/* a.b.c.d/n or x:y::/n; host bits are masked away. The length counts the 128 bits of *ret_net: 96 + n for IPv4. A v4-mapped IPv6 range is
 * the IPv4 range it names. */
int rf_text_range(const char *text, struct rf_addr *ret_net, unsigned *ret_prefix_len);
/* Decimal, no sign but '-', no leading zeros. */
int rf_text_integer(const char *text, int64_t min, int64_t max, int64_t *ret);

int rf_scalar_string(const struct rf_node *node, const char **ret);
int rf_scalar_bool(const struct rf_node *node, bool *ret);
int rf_scalar_integer(const struct rf_node *node, int64_t min, int64_t max, int64_t *ret);
