/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_range.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/address_text.h"
#include "core/check_parts.h"
#include "core/cleanup.h"

int rf_range_prefix(const struct rf_range *range)
{
	int bits = 0;

	for (int i = 0; i < 4; i++)
		bits += __builtin_popcount(range->mask.be[i]);
	return rf_addr_is4(&range->net) ? bits - 96 : bits;
}

enum rf_range_clash rf_range_compare(const struct rf_range *range, const struct rf_range *other)
{
	if (rf_addr_is4(&range->net) != rf_addr_is4(&other->net) || rf_range_prefix(other) <= 0)
		return RF_RANGE_FREE;
	if (rf_range_has(range, &other->net) && rf_range_prefix(other) >= rf_range_prefix(range))
		return RF_RANGE_INSIDE;
	return rf_range_has(other, &range->net) ? RF_RANGE_AROUND : RF_RANGE_FREE;
}

static struct rf_range range4(uint32_t net_be, uint32_t mask_be)
{
	return (struct rf_range){.net = rf_addr4(net_be & mask_be), .mask = {{~0u, ~0u, ~0u, mask_be}}};
}

static const struct rf_addr one_address = {{~0u, ~0u, ~0u, ~0u}}; /* as a mask */

/* The alias "ringfence <instance> <pod>" marks the links of every ringfence; "" for all others. */
static void read_alias(const char *ifname, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%.32s/ifalias", ifname);
	f = fopen(path, "re");
	if (!f || !fgets(ret, (int)size, f) || strncmp(ret, "ringfence ", 10) != 0)
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

static bool is_ours(const struct rf_instance *instance, const char *alias)
{
	size_t len = strlen(instance->name);

	return *alias && strncmp(alias + 10, instance->name, len) == 0 && alias[10 + len] == ' ';
}

struct search {
	const struct rf_instance *instance;
	const char *name; /* of the item */
	const char *what, *variable;
	struct rf_range range;
	enum rf_range_clash worst;
	char who[256];
};

static void look(struct search *search, const struct rf_range *other, const char *kind, const char *ifname)
{
	enum rf_range_clash clash = rf_range_compare(&search->range, other);
	char text[RF_ADDR_TEXT_MAX], alias[256];

	if (clash == RF_RANGE_FREE || search->worst == RF_RANGE_INSIDE)
		return;
	read_alias(ifname, alias, sizeof(alias));
	if (is_ours(search->instance, alias))
		return;
	search->worst = clash;
	snprintf(search->who, sizeof(search->who), "%s %s/%d of %.32s%s%.100s", kind, rf_addr_text(&other->net, text, sizeof(text)),
		 rf_range_prefix(other), ifname, *alias ? ", a link of " : "", alias);
}

static bool address_of(const struct sockaddr *from, struct rf_addr *ret)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (from && from->sa_family == AF_INET) {
		memcpy(&in4, from, sizeof(in4));
		*ret = rf_addr4(in4.sin_addr.s_addr);
	} else if (from && from->sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		memcpy(ret, &in6.sin6_addr, sizeof(*ret));
	} else {
		return false;
	}
	return true;
}

static void look_at_interfaces(struct search *search)
{
	struct rf_range other = {.mask = one_address};
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0) {
		search->worst = RF_RANGE_INSIDE;
		snprintf(search->who, sizeof(search->who), "(the interfaces cannot be listed)");
		return;
	}
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (address_of(i->ifa_addr, &other.net))
			look(search, &other, "address", i->ifa_name);
	freeifaddrs(all);
}

/* /proc/net/route: hexadecimal in network byte order as stored. */
static void look_at_routes4(struct search *search)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	char line[512], ifname[64];
	unsigned net, mask;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %x %*x %*x %*d %*d %*d %x", ifname, &net, &mask) == 3) {
			struct rf_range other = range4(net, mask);

			look(search, &other, "route", ifname);
		}
}

static struct rf_addr mask6(unsigned prefix)
{
	struct rf_addr mask = {};

	for (unsigned i = 0; i < 4; i++) {
		unsigned bits = prefix > i * 32 ? prefix - i * 32 : 0;

		mask.be[i] = bits >= 32 ? ~0u : bits ? htonl(~0u << (32 - bits)) : 0;
	}
	return mask;
}

/* /proc/net/ipv6_route: destination (32 digits), its length, source, its length, next hop, metric, counters, flags, interface. Those of lo
 * are the machine's own addresses once more, and the kernel's own "unreachable" and multicast ones. */
static void look_at_routes6(struct search *search)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/ipv6_route", "re");
	unsigned part[4], prefix;
	char line[512], ifname[64];

	while (f && fgets(line, sizeof(line), f)) {
		struct rf_range other;

		if (sscanf(line, "%8x%8x%8x%8x %x %*s %*x %*s %*x %*x %*x %*x %63s", &part[0], &part[1], &part[2], &part[3], &prefix,
			   ifname) != 6 ||
		    strcmp(ifname, "lo") == 0)
			continue;
		for (int i = 0; i < 4; i++)
			other.net.be[i] = htonl(part[i]);
		other.mask = mask6(prefix);
		look(search, &other, "route", ifname);
	}
}

static void suggest_range(const struct search *search, struct rf_check_item *item)
{
	uint32_t net = ntohl(search->range.net.be[3]);

	if (rf_addr_is4(&search->range.net)) /* some way off, and not what was just refused */
		rf_check_fix(item, "choose another range, for example: export %s=10.%u.0.0/16", search->variable, (net / 65536 + 20) % 256);
	else
		rf_check_fix(item, "choose another range, for example: export %s=fd72:6e67:%x:%d::/96, or do without IPv6: export %s=none",
			     search->variable, ((ntohl(search->range.net.be[1]) >> 16) + 20) & 0xffff,
			     strcmp(search->what, "pods") == 0 ? 1 : 2, search->variable);
}

static void check_range(struct search search, struct rf_check_report *report)
{
	int len = rf_range_prefix(&search.range);
	struct rf_check_item *item;
	char net[RF_ADDR_TEXT_MAX];

	rf_addr_text(&search.range.net, net, sizeof(net));
	look_at_interfaces(&search);
	if (rf_addr_is4(&search.range.net))
		look_at_routes4(&search);
	else
		look_at_routes6(&search);
	if (search.worst == RF_RANGE_FREE) {
		rf_check_add(report, search.name, RF_CHECK_OK, "%s/%d is free for %s", net, len, search.what);
		return;
	}
	item = rf_check_add(report, search.name, search.worst == RF_RANGE_INSIDE ? RF_CHECK_FAIL : RF_CHECK_WARN,
			    search.worst == RF_RANGE_INSIDE ? "%s/%d for %s is in use: %s" : "%s/%d for %s would hide a part of: %s", net,
			    len, search.what, search.who);
	suggest_range(&search, item);
}

void rf_check_ranges(const struct rf_instance *instance, struct rf_check_report *report)
{
	struct search pods = {.instance = instance,
			      .name = "pod-addresses",
			      .what = "pods",
			      .variable = "RINGFENCE_POD_CIDR",
			      .range = range4(instance->pod_net_be, instance->pod_mask_be)};
	struct search services = {.instance = instance,
				  .name = "service-addresses",
				  .what = "Services",
				  .variable = "RINGFENCE_SERVICE_CIDR",
				  .range = range4(instance->service_net_be, instance->service_mask_be)};

	check_range(pods, report);
	check_range(services, report);
	/* Of the /96 only the part that the IPv4 range is embedded in: other instances use other parts of it. */
	pods.range = rf_instance_part6(&instance->pod_net6, instance->pod_net_be, instance->pod_mask_be);
	pods.name = "pod-addresses6";
	pods.variable = "RINGFENCE_POD_CIDR6";
	services.range = rf_instance_part6(&instance->service_net6, instance->service_net_be, instance->service_mask_be);
	services.name = "service-addresses6";
	services.variable = "RINGFENCE_SERVICE_CIDR6";
	if (!rf_addr_is_none(&instance->pod_net6))
		check_range(pods, report);
	if (!rf_addr_is_none(&instance->service_net6))
		check_range(services, report);
}
