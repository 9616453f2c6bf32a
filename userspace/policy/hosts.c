/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"

static void write_address(FILE *f, uint32_t addr_be)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &(struct in_addr){.s_addr = addr_be}, text, sizeof(text));
	fprintf(f, "%s\t", text);
}

static void write_service(FILE *f, const struct rf_service_address *s, uint32_t addr_be, const char *pod_ns)
{
	write_address(f, addr_be);
	if (!strcmp(s->ns, pod_ns))
		fprintf(f, "%s ", s->name);
	fprintf(f, "%s.%s %s.%s.svc %s.%s.svc.cluster.local\n", s->name, s->ns, s->name, s->ns, s->name, s->ns);
}

static void write_hosts(FILE *f, const struct rf_policy *policy, const char *pod_ns, const char *hostname, uint32_t pod_addr_be)
{
	fputs("127.0.0.1\tlocalhost\n", f);
	if (pod_addr_be) {
		write_address(f, pod_addr_be);
		fprintf(f, "%s\n", hostname);
	}
	for (size_t i = 0; i < policy->address_count; i++) {
		const struct rf_service_address *s = &policy->addresses[i];

		if (s->addr_be)
			write_service(f, s, s->addr_be, pod_ns);
		for (size_t j = 0; !s->addr_be && j < s->endpoint_count; j++)
			write_service(f, s, s->endpoints_be[j], pod_ns);
	}
}

int rf_hosts_text(const struct rf_policy *policy, const char *pod_ns, const char *hostname, uint32_t pod_addr_be, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int failed;

	if (!f)
		return -ENOMEM;
	write_hosts(f, policy, pod_ns, hostname, pod_addr_be);
	failed = ferror(f);
	if (fclose(f) || failed)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
