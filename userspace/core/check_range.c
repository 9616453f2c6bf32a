/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_range.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "core/check_parts.h"
#include "core/cleanup.h"

enum rf_range_clash rf_range_compare(uint32_t net_be, uint32_t mask_be, uint32_t other_be, uint32_t other_mask_be)
{
	if (!other_mask_be)
		return RF_RANGE_FREE;
	if ((other_be & mask_be) == net_be && ntohl(other_mask_be) >= ntohl(mask_be))
		return RF_RANGE_INSIDE;
	return (net_be & other_mask_be) == (other_be & other_mask_be) ? RF_RANGE_AROUND : RF_RANGE_FREE;
}

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

struct range {
	const struct rf_instance *instance;
	const char *name; /* of the item */
	const char *what, *variable;
	uint32_t net_be, mask_be;
	enum rf_range_clash worst;
	char who[256];
};

static void look(struct range *range, uint32_t other_be, uint32_t other_mask_be, const char *kind, const char *ifname)
{
	enum rf_range_clash clash = rf_range_compare(range->net_be, range->mask_be, other_be, other_mask_be);
	char text[INET_ADDRSTRLEN], alias[256];

	if (clash == RF_RANGE_FREE || range->worst == RF_RANGE_INSIDE)
		return;
	read_alias(ifname, alias, sizeof(alias));
	if (is_ours(range->instance, alias))
		return;
	range->worst = clash;
	inet_ntop(AF_INET, &other_be, text, sizeof(text));
	snprintf(range->who, sizeof(range->who), "%s %s/%d of %.32s%s%.120s", kind, text, __builtin_popcount(other_mask_be), ifname,
		 *alias ? ", a link of " : "", alias);
}

static void look_at_interfaces(struct range *range)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0) {
		range->worst = RF_RANGE_INSIDE;
		snprintf(range->who, sizeof(range->who), "(the interfaces cannot be listed)");
		return;
	}
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
			struct sockaddr_in address;

			memcpy(&address, i->ifa_addr, sizeof(address));
			look(range, address.sin_addr.s_addr, INADDR_NONE, "address", i->ifa_name);
		}
	freeifaddrs(all);
}

/* /proc/net/route: hexadecimal in network byte order as stored. */
static void look_at_routes(struct range *range)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	char line[512], ifname[64];
	unsigned net, mask;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %x %*x %*x %*d %*d %*d %x", ifname, &net, &mask) == 3)
			look(range, net, mask, "route", ifname);
}

static void check_range(struct range range, struct rf_check_report *report)
{
	char net[INET_ADDRSTRLEN];
	int len = __builtin_popcount(range.mask_be);
	struct rf_check_item *item;

	inet_ntop(AF_INET, &range.net_be, net, sizeof(net));
	look_at_interfaces(&range);
	look_at_routes(&range);
	if (range.worst == RF_RANGE_FREE) {
		rf_check_add(report, range.name, RF_CHECK_OK, "%s/%d is free for %s", net, len, range.what);
		return;
	}
	item = rf_check_add(report, range.name, range.worst == RF_RANGE_INSIDE ? RF_CHECK_FAIL : RF_CHECK_WARN,
			    range.worst == RF_RANGE_INSIDE ? "%s/%d for %s is in use: %s" : "%s/%d for %s would hide a part of: %s", net,
			    len, range.what, range.who);
	rf_check_fix(item, "choose another range, for example: export %s=10.%u.0.0/16", range.variable,
		     (ntohl(range.net_be) / 65536 + 20) % 256); /* some way off, and not what was just refused */
}

void rf_check_ranges(const struct rf_instance *instance, struct rf_check_report *report)
{
	check_range((struct range){.instance = instance,
				   .name = "pod-addresses",
				   .what = "pods",
				   .variable = "RINGFENCE_POD_CIDR",
				   .net_be = instance->pod_net_be,
				   .mask_be = instance->pod_mask_be},
		    report);
	check_range((struct range){.instance = instance,
				   .name = "service-addresses",
				   .what = "Services",
				   .variable = "RINGFENCE_SERVICE_CIDR",
				   .net_be = instance->service_net_be,
				   .mask_be = instance->service_mask_be},
		    report);
}
