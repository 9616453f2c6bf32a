/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/address_text.h"
#include "core/cleanup.h"

static void write_address(FILE *f, const struct rf_addr *addr)
{
	char text[RF_ADDR_TEXT_MAX];

	fprintf(f, "%s\t", rf_addr_text(addr, text, sizeof(text)));
}

static void write_service(FILE *f, const struct rf_service_address *s, const struct rf_addr *addr, const char *pod_ns)
{
	if (rf_addr_is_none(addr))
		return;
	write_address(f, addr);
	if (!strcmp(s->ns, pod_ns))
		fprintf(f, "%s ", s->name);
	fprintf(f, "%s.%s %s.%s.svc %s.%s.svc.cluster.local\n", s->name, s->ns, s->name, s->ns, s->name, s->ns);
}

/* Without an address of its own it stands for its pods. */
static bool is_headless(const struct rf_service_address *s)
{
	return rf_addr_is_none(&s->addr4) && rf_addr_is_none(&s->addr6);
}

static void write_headless(FILE *f, const struct rf_service_address *s, const char *pod_ns)
{
	for (size_t i = 0; i < s->endpoint_count; i++) {
		if (s->family4)
			write_service(f, s, &s->endpoints[i].addr4, pod_ns);
		if (s->family6)
			write_service(f, s, &s->endpoints[i].addr6, pod_ns);
	}
}

static void write_own(FILE *f, const char *hostname, const struct rf_addr *addr)
{
	if (!addr || rf_addr_is_none(addr))
		return;
	write_address(f, addr);
	fprintf(f, "%s\n", hostname);
}

static void write_hosts(FILE *f, const struct rf_policy *policy, const char *pod_ns, const char *hostname, const struct rf_addr *pod4,
			const struct rf_addr *pod6)
{
	fputs("127.0.0.1\tlocalhost\n", f);
	if (pod6 && !rf_addr_is_none(pod6))
		fputs("::1\tlocalhost\n", f);
	write_own(f, hostname, pod4);
	write_own(f, hostname, pod6);
	for (size_t i = 0; i < policy->address_count; i++) {
		const struct rf_service_address *s = &policy->addresses[i];

		write_service(f, s, &s->addr4, pod_ns);
		write_service(f, s, &s->addr6, pod_ns);
		if (is_headless(s))
			write_headless(f, s, pod_ns);
	}
}

int rf_hosts_text(const struct rf_policy *policy, const char *pod_ns, const char *hostname, const struct rf_addr *pod4,
		  const struct rf_addr *pod6, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int failed;

	if (!f)
		return -ENOMEM;
	write_hosts(f, policy, pod_ns, hostname, pod4, pod6);
	failed = ferror(f);
	if (fclose(f) || failed)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
