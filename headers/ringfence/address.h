/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * An address of either family: 16 bytes in network byte order, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). One form everywhere, so
 * that every table, decision and event is the same for both families, and a v4-mapped address in an IPv6 socket cannot be anything else
 * than the IPv4 address it names. All zero is "none".
 */
#pragma once

#include <ringfence/types.h>

struct rf_addr {
	__u32 be[4];
};
RF_STATIC_ASSERT(sizeof(struct rf_addr) == 16, "map layout");

#ifdef __BYTE_ORDER__
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define RF_BE32(x) ((__u32)__builtin_bswap32(x))
#else
#define RF_BE32(x) ((__u32)(x))
#endif
#endif

#define RF_ADDR_V4_MARK RF_BE32(0x0000ffffu)

static inline struct rf_addr rf_addr4(__u32 addr_be)
{
	struct rf_addr a = {{0, 0, RF_ADDR_V4_MARK, addr_be}};

	return a;
}

/* Words are compared by bit operations, not one branch a word: every branch is a path that the verifier of BPF programs has to walk. */
static inline int rf_addr_is4(const struct rf_addr *a)
{
	return !(a->be[0] | a->be[1] | (a->be[2] ^ RF_ADDR_V4_MARK));
}

static inline int rf_addr_is_none(const struct rf_addr *a)
{
	return !(a->be[0] | a->be[1] | a->be[2] | a->be[3]);
}

static inline int rf_addr_equal(const struct rf_addr *a, const struct rf_addr *b)
{
	return !((a->be[0] ^ b->be[0]) | (a->be[1] ^ b->be[1]) | (a->be[2] ^ b->be[2]) | (a->be[3] ^ b->be[3]));
}

/* 127.0.0.0/8 or ::1 */
static inline int rf_addr_is_loopback(const struct rf_addr *a)
{
	if (rf_addr_is4(a))
		return (a->be[3] & RF_BE32(0xff000000u)) == RF_BE32(0x7f000000u);
	return !(a->be[0] | a->be[1] | a->be[2] | (a->be[3] ^ RF_BE32(1u)));
}

/* 0.0.0.0 or :: */
static inline int rf_addr_is_any(const struct rf_addr *a)
{
	return !(a->be[0] | a->be[1] | a->be[3]) && (!a->be[2] || a->be[2] == RF_ADDR_V4_MARK);
}

/* Kinds of IPv6 addresses that no pod or peer has: IPv4-compatible (::/96, RFC 4291 2.5.5.1) and link-local (fe80::/10). NAT64 and 6to4 are
 * addresses outside like any other. */
static inline int rf_addr_is_odd(const struct rf_addr *a)
{
	return (!a->be[0] && !a->be[1] && !a->be[2]) || (a->be[0] & RF_BE32(0xffc00000u)) == RF_BE32(0xfe800000u);
}

/* More than one receiver: 224.0.0.0/4, 255.255.255.255, ff00::/8 */
static inline int rf_addr_is_multicast(const struct rf_addr *a)
{
	if (rf_addr_is4(a))
		return (a->be[3] & RF_BE32(0xf0000000u)) == RF_BE32(0xe0000000u) || a->be[3] == 0xffffffffu;
	return (a->be[0] & RF_BE32(0xff000000u)) == RF_BE32(0xff000000u);
}

/* A range: addresses a with (a & mask) == net. */
struct rf_range {
	struct rf_addr net;
	struct rf_addr mask;
};
RF_STATIC_ASSERT(sizeof(struct rf_range) == 32, "map layout");

static inline int rf_range_has(const struct rf_range *r, const struct rf_addr *a)
{
	return !(((a->be[0] & r->mask.be[0]) ^ r->net.be[0]) | ((a->be[1] & r->mask.be[1]) ^ r->net.be[1]) |
		 ((a->be[2] & r->mask.be[2]) ^ r->net.be[2]) | ((a->be[3] & r->mask.be[3]) ^ r->net.be[3]));
}

/* The IPv6 address that goes with an IPv4 one: the upper 96 bits of net6 (a /96), the lower 32 of IPv4. None if net6 is none. */
static inline struct rf_addr rf_addr_embed(const struct rf_addr *net6, __u32 addr_be)
{
	struct rf_addr a = *net6;

	if (!rf_addr_is_none(net6))
		a.be[3] = addr_be;
	return a;
}
