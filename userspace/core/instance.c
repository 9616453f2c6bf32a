/* SPDX-License-Identifier: Apache-2.0 */
#include "core/instance.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"

int rf_cidr_parse(const char *text, uint32_t *ret_net_be, uint32_t *ret_mask_be)
{
	char address[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct in_addr net;
	uint32_t mask;
	char *end;
	long len;

	if (!slash || (size_t)(slash - text) >= sizeof(address) || slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	len = strtol(slash + 1, &end, 10);
	if (*end || len < 0 || len > 32 || inet_pton(AF_INET, address, &net) != 1)
		return -EINVAL;
	mask = len ? htonl(~0u << (32 - len)) : 0;
	if (net.s_addr & ~mask)
		return -EINVAL;
	*ret_net_be = net.s_addr;
	*ret_mask_be = mask;
	return 0;
}

int rf_cidr6_parse(const char *text, struct rf_addr *ret_net)
{
	static const char length[] = "/96";
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct rf_addr net;

	if (strcmp(text, "none") == 0) {
		*ret_net = (struct rf_addr){};
		return 0;
	}
	if (!slash || strcmp(slash, length) != 0 || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	/* Neither "none" nor the range of the v4-mapped addresses can be meant, nor what has more than one receiver. */
	if (inet_pton(AF_INET6, address, &net) != 1 || net.be[3] || rf_addr_is_none(&net) || rf_addr_is4(&net) ||
	    rf_addr_is_multicast(&net))
		return -EINVAL;
	*ret_net = net;
	return 0;
}

struct rf_range rf_instance_part6(const struct rf_addr *net6, uint32_t net_be, uint32_t mask_be)
{
	return (struct rf_range){.net = rf_addr_embed(net6, net_be), .mask = {{~0u, ~0u, ~0u, mask_be}}};
}

static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= RF_INSTANCE_NAME_MAX && name[0] != '-' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* mountinfo(5): "36 35 98:0 /root /mount/point options - type source superoptions"; octal escapes never occur in these mount points. */
static int find_cgroup2(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[2048];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		const char *type = strstr(line, " - ");

		if (!type || strncmp(type, " - cgroup2 ", 11) != 0 || sscanf(line, "%*s %*s %*s / %2047s", point) != 1)
			continue;
		snprintf(ret, size, "%s", point);
		return 0;
	}
	return -ENOENT;
}

static int read_cidr(const char *variable, const char *fallback, uint32_t *ret_net_be, uint32_t *ret_mask_be)
{
	const char *text = getenv(variable);

	return rf_cidr_parse(text && *text ? text : fallback, ret_net_be, ret_mask_be);
}

/* Where the kernel has no IPv6, nothing asks for it. */
static int read_cidr6(const char *variable, const char *fallback, struct rf_addr *ret_net)
{
	const char *text = getenv(variable);
	struct rf_addr net;
	int r = rf_cidr6_parse(text && *text ? text : fallback, &net);

	if (r < 0)
		return r;
	*ret_net = access("/proc/sys/net/ipv6", F_OK) == 0 ? net : (struct rf_addr){};
	return 0;
}

static int read_ranges(struct rf_instance *i)
{
	int r = read_cidr("RINGFENCE_POD_CIDR", "10.201.0.0/16", &i->pod_net_be, &i->pod_mask_be);

	if (r == 0)
		r = read_cidr("RINGFENCE_SERVICE_CIDR", "10.202.0.0/16", &i->service_net_be, &i->service_mask_be);
	if (r == 0)
		r = read_cidr6("RINGFENCE_POD_CIDR6", "fd72:6e67:66:1::/96", &i->pod_net6);
	if (r == 0)
		r = read_cidr6("RINGFENCE_SERVICE_CIDR6", "fd72:6e67:66:2::/96", &i->service_net6);
	if (r == 0 && !rf_addr_is_none(&i->pod_net6) && rf_addr_equal(&i->pod_net6, &i->service_net6) &&
	    !((i->pod_net_be ^ i->service_net_be) & i->pod_mask_be & i->service_mask_be))
		return -EINVAL;
	if (rf_addr_is_none(&i->pod_net6)) /* nobody would be behind a Service's IPv6 address */
		i->service_net6 = i->pod_net6;
	return r;
}

#define FILL(field, ...) snprintf((field), sizeof(field), __VA_ARGS__)
#pragma GCC diagnostic ignored "-Wformat-truncation" /* every input is bounded far below PATH_MAX: name 31, mount point 2047 */

int rf_instance_init(struct rf_instance *instance, const char *name)
{
	struct rf_instance i = {.checker_port = RF_CHECKER_PORT_DEFAULT};
	int r;

	if (!name)
		name = getenv("RINGFENCE_INSTANCE");
	if (!name || !*name)
		name = "ringfence";
	if (!name_is_valid(name))
		return -EINVAL;
	r = read_ranges(&i);
	if (r < 0)
		return r;
	FILL(i.name, "%s", name);
	FILL(i.bpffs_dir, "/sys/fs/bpf/%s", name);
	FILL(i.run_dir, "/run/%s", name);
	FILL(i.control_path, "%s/control.sock", i.run_dir);
	FILL(i.sockd_path, "%s/sockd.sock", i.run_dir);
	r = find_cgroup2(i.cgroup_mount, sizeof(i.cgroup_mount));
	if (r == 0) {
		FILL(i.cgroup_dir, "%s/%s", i.cgroup_mount, name);
		FILL(i.pods_cgroup, "%s/pods", i.cgroup_dir);
		FILL(i.sockd_cgroup, "%s/sockd", i.cgroup_dir);
	}
	*instance = i;
	return r;
}

const char *rf_instance_problem(const char *name, char *ret, size_t size)
{
	static const char *const ipv4[] = {"RINGFENCE_POD_CIDR", "RINGFENCE_SERVICE_CIDR"};
	static const char *const ipv6[] = {"RINGFENCE_POD_CIDR6", "RINGFENCE_SERVICE_CIDR6"};
	const char *text = name ? name : getenv("RINGFENCE_INSTANCE");
	struct rf_addr net6;
	uint32_t net, mask;

	if (text && *text && !name_is_valid(text)) {
		snprintf(ret, size, "\"%.64s\" cannot be an instance's name: at most %d of a-z 0-9 -, not beginning with -", text,
			 RF_INSTANCE_NAME_MAX);
		return ret;
	}
	for (int i = 0; i < 2; i++) {
		text = getenv(ipv4[i]);
		if (text && *text && rf_cidr_parse(text, &net, &mask) < 0) {
			snprintf(ret, size, "%s=%.64s is not a range of IPv4 addresses: like 10.201.0.0/16, with nothing behind the %s",
				 ipv4[i], text, "prefix but zeros");
			return ret;
		}
		text = getenv(ipv6[i]);
		if (text && *text && rf_cidr6_parse(text, &net6) < 0) {
			snprintf(ret, size, "%s=%.64s is neither a /96 of IPv6 addresses, like fd72:6e67:66:1::/96, nor \"none\"", ipv6[i],
				 text);
			return ret;
		}
	}
	snprintf(ret, size, "the ranges of pods and Services overlap: set RINGFENCE_POD_CIDR and RINGFENCE_SERVICE_CIDR to different ones");
	return ret;
}
