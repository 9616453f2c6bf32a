/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the tests of events: accounts 11 shop/buyer and 22 shop/store, pod 10.201.0.2 shop/store-1, Service 10.202.0.9 shop/front,
 * rule 3. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "agent/event_text.h"
#include "core/address_text.h"

#define STORE_POD    rf_addr4(htonl(0x0ac90002))
#define BUYER_POD    rf_addr4(htonl(0x0ac90003)) /* which nobody knows by name */
#define SHOP_SERVICE rf_addr4(htonl(0x0aca0009))

static inline int name_identity(void *arg, rf_identity_t identity, char *text, size_t size)
{
	(void)arg;
	if (identity != 11 && identity != 22)
		return -ENOENT;
	snprintf(text, size, identity == 11 ? "shop/buyer" : "shop/store");
	return 0;
}

static inline int name_pod(void *arg, const struct rf_addr *addr, char *text, size_t size)
{
	(void)arg;
	if (addr->be[3] != htonl(0x0ac90002)) /* IPv4, and what is embedded in an IPv6 address */
		return -ENOENT;
	snprintf(text, size, "shop/store-1");
	return 0;
}

static inline int name_service(void *arg, const struct rf_addr *addr, char *text, size_t size)
{
	(void)arg;
	if (addr->be[3] != htonl(0x0aca0009))
		return -ENOENT;
	snprintf(text, size, "shop/front");
	return 0;
}

static inline int name_rule(void *arg, uint32_t rule_id, char *text, size_t size)
{
	(void)arg;
	if (rule_id != 3)
		return -ENOENT;
	snprintf(text, size, "TrafficTarget shop/store (a.yaml:3)");
	return 0;
}

static inline int addr_of_pod(void *arg, uint64_t pod, const struct rf_addr *like, struct rf_addr *ret)
{
	(void)arg;
	if (pod != 77 || !rf_addr_is4(like))
		return -ENOENT;
	*ret = BUYER_POD;
	return 0;
}

static const struct rf_resolver resolver = {
	.identity = name_identity, .pod = name_pod, .service = name_service, .rule = name_rule, .pod_addr = addr_of_pod};

/* A connection of buyer to store's port 3000, as the kernel tells it. */
static inline struct rf_event kernel_event(uint8_t kind, uint16_t reason)
{
	return (struct rf_event){.time_ns = 1500000000,
				 .src = 11,
				 .dst = 22,
				 .saddr = BUYER_POD,
				 .daddr = STORE_POD,
				 .sport = 40000,
				 .dport = 3000,
				 .kind = kind,
				 .proto = IPPROTO_TCP,
				 .reason = reason,
				 .epoch = 7};
}
