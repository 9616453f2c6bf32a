/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_entry.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/address_text.h"

static const char *proto_text(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

static const char *account(const struct rf_why_world *w, rf_identity_t identity)
{
	const char *name = rf_why_account(w, identity);

	return name ? name : identity ? "unknown" : "outside";
}

static const char *verdict_text(uint32_t verdict)
{
	return verdict == RF_VERDICT_ALLOW ? "allow" : verdict == RF_VERDICT_L7 ? "l7" : "deny";
}

/* "bpftool map lookup pinned PIN key hex ..": what the sentence says, as the kernel has it. */
static void set_command(const struct rf_why_world *w, struct rf_why_entry *e, const char *table, const void *key, size_t size)
{
	unsigned char bytes[64] = {0};
	size_t n;

	if (key && size <= sizeof(bytes))
		memcpy(bytes, key, size);
	snprintf(e->table, sizeof(e->table), "%s", table);
	snprintf(e->pin, sizeof(e->pin), "%.3900s/live/%s", w->instance.bpffs_dir, table);
	n = (size_t)snprintf(e->command, sizeof(e->command), "bpftool map %s pinned %.3900s", key ? "lookup" : "dump", e->pin);
	for (size_t i = 0; key && i < size && i < sizeof(bytes) && n + 12 < sizeof(e->command); i++)
		n += (size_t)snprintf(e->command + n, sizeof(e->command) - n, i ? " %02x" : " key hex %02x", bytes[i]);
}

static void rule_value(const struct rf_why_world *w, uint32_t rule_id, char *ret, size_t size)
{
	char rule[RF_RULE_TEXT_MAX];

	if (rf_datapath_rule(w->dp, rule_id, rule, sizeof(rule)) < 0)
		snprintf(rule, sizeof(rule), "?");
	snprintf(ret, size, "rule_id %u (%s)", rule_id, rule);
}

static int allow_entry(const struct rf_why_world *w, const struct rf_why_part *p, struct rf_why_entry *e)
{
	struct rf_allow_key key = {.src = p->asked.src, .dst = p->asked.dst, .port = p->asked.port, .proto = p->asked.proto};
	struct rf_allow_value v;
	char rule[RF_RULE_TEXT_MAX + 32];
	int r = rf_datapath_allow_entry(w->dp, &key, &v);

	if (r == -ENOENT) {
		key.port = 0;
		r = rf_datapath_allow_entry(w->dp, &key, &v);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	e->found = r == 0;
	if (!e->found)
		key.port = p->asked.port;
	set_command(w, e, "allow", &key, sizeof(key));
	snprintf(e->key, sizeof(e->key), "src %s, dst %s, port %u%s, proto %s", account(w, key.src), account(w, key.dst), key.port,
		 e->found && !key.port ? " (any)" : "", proto_text(key.proto));
	if (!e->found)
		return 0;
	rule_value(w, v.rule_id, rule, sizeof(rule));
	snprintf(e->value, sizeof(e->value), "verdict %s, %s, hits %llu", verdict_text(v.verdict), rule, (unsigned long long)v.hits);
	return 0;
}

static int ingress_entry(const struct rf_why_world *w, const struct rf_why_part *p, struct rf_why_entry *e)
{
	struct rf_ingress_key key = {.prefixlen = RF_INGRESS_FIXED_BITS + 128,
				     .port = p->asked.port,
				     .proto = p->asked.proto,
				     .dst = p->asked.dst,
				     .addr = p->asked.saddr};
	struct rf_ingress_value v;
	char addr[RF_ADDR_TEXT_MAX], rule[RF_RULE_TEXT_MAX + 32];
	int r = rf_datapath_ingress_entry(w->dp, &key, &v);
	unsigned bits;

	if (r < 0 && r != -ENOENT)
		return r;
	e->found = r == 0;
	bits = key.prefixlen - RF_INGRESS_FIXED_BITS - (rf_addr_is4(&key.addr) ? 96 : 0);
	set_command(w, e, "ingress", &key, sizeof(key));
	snprintf(e->key, sizeof(e->key), "dst %s, port %u, proto %s, source %s/%u", account(w, key.dst), key.port, proto_text(key.proto),
		 rf_addr_text(&key.addr, addr, sizeof(addr)), bits);
	if (!e->found)
		return 0;
	rule_value(w, v.rule_id, rule, sizeof(rule));
	snprintf(e->value, sizeof(e->value), "%s, hits %llu", rule, (unsigned long long)v.hits);
	return 0;
}

static int egress_entry(const struct rf_why_world *w, const struct rf_why_part *p, struct rf_why_entry *e)
{
	struct rf_egress_key key = {.prefixlen = RF_EGRESS_FIXED_BITS + 128,
				    .port = p->asked.port,
				    .proto = p->asked.proto,
				    .src = p->asked.src,
				    .addr = p->asked.daddr};
	struct rf_egress_value v;
	char range[RF_ADDR_TEXT_MAX + 8] = "any address", rule[RF_RULE_TEXT_MAX + 32], addr[RF_ADDR_TEXT_MAX];
	int r = rf_datapath_egress_entry(w->dp, &key, &v);
	unsigned bits;

	if (r < 0 && r != -ENOENT)
		return r;
	e->found = r == 0;
	bits = key.prefixlen - RF_EGRESS_FIXED_BITS;
	if (bits)
		snprintf(range, sizeof(range), "%s/%u", rf_addr_text(&key.addr, addr, sizeof(addr)),
			 bits - (rf_addr_is4(&key.addr) ? 96 : 0));
	set_command(w, e, "egress", &key, sizeof(key));
	snprintf(e->key, sizeof(e->key), "src %s, port %u, proto %s, destination %s", account(w, key.src), key.port, proto_text(key.proto),
		 range);
	if (!e->found)
		return 0;
	rule_value(w, v.rule_id, rule, sizeof(rule));
	snprintf(e->value, sizeof(e->value), "verdict %s, %s, hits %llu", verdict_text(v.verdict), rule, (unsigned long long)v.hits);
	return 0;
}

/* Of the exclusion lists of all pods and of one: the first that answers, in the order of enum rf_exclusion_kind. */
static int exclusion_entry(const struct rf_why_world *w, const struct rf_why_part *p, struct rf_why_entry *e)
{
	static const char *const kinds[] = {[RF_EXCLUSION_PORT_OUT] = "outbound port",
					    [RF_EXCLUSION_RANGE_OUT] = "outbound range",
					    [RF_EXCLUSION_PORT_IN] = "inbound port"};
	const bool dialed = p->asked.proto == IPPROTO_TCP && !rf_addr_is_none(&p->asked.dialed);

	for (int i = 0; i < 6; i++) {
		struct rf_exclusion_key key = {.prefixlen = RF_EXCLUSION_FIXED_BITS + 128, .kind = (__u8)(RF_EXCLUSION_PORT_OUT + i / 2)};
		const bool in = key.kind == RF_EXCLUSION_PORT_IN;
		struct rf_exclusion_value v;
		char pod[RF_ADDR_TEXT_MAX], addr[RF_ADDR_TEXT_MAX];
		int r;

		if (i % 2)
			key.pod = in ? p->asked.daddr : p->asked.saddr;
		if (key.kind == RF_EXCLUSION_RANGE_OUT)
			key.addr = dialed ? p->asked.dialed : p->asked.daddr;
		else
			key.port = in || !dialed ? p->asked.port : p->asked.dialed_port;
		r = i % 2 && rf_addr_is_none(&key.pod) ? -ENOENT : rf_datapath_exclusion_entry(w->dp, &key, &v);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		e->found = true;
		set_command(w, e, "exclusions", &key, sizeof(key));
		snprintf(e->key, sizeof(e->key), "%s of %s, port %u, range %s", kinds[key.kind],
			 rf_addr_is_none(&key.pod) ? "every pod (MeshConfig)" : rf_addr_text(&key.pod, pod, sizeof(pod)), key.port,
			 rf_addr_text(&key.addr, addr, sizeof(addr)));
		rule_value(w, v.rule_id, e->value, sizeof(e->value));
		return 0;
	}
	return 0;
}

static int ident_entry(const struct rf_why_world *w, rf_identity_t identity, struct rf_why_entry *e)
{
	struct rf_ident ident = {};
	int r = rf_datapath_ident(w->dp, identity, &ident);

	if (r < 0 && r != -ENOENT)
		return r;
	e->found = r == 0;
	set_command(w, e, "idents", &identity, sizeof(identity));
	snprintf(e->key, sizeof(e->key), "%s", account(w, identity));
	if (e->found)
		snprintf(e->value, sizeof(e->value), "meshed %u, datagrams %u, audit %u", ident.meshed, ident.datagrams, ident.audit);
	return 0;
}

static int config_entry(const struct rf_why_world *w, struct rf_why_entry *e)
{
	set_command(w, e, "config", NULL, 0);
	e->found = true;
	snprintf(e->key, sizeof(e->key), "0");
	snprintf(e->value, sizeof(e->value), "permissive %u, egress %u, exclusions 0x%x", w->config.permissive, w->config.egress,
		 w->config.exclusions);
	return 0;
}

static int service_entry(const struct rf_why_world *w, const struct rf_why_part *p, struct rf_why_entry *e)
{
	struct rf_service_key key = {.addr = p->asked.dialed, .port = p->asked.dialed_port, .proto = p->asked.proto};
	char text[RF_ADDR_PORT_TEXT_MAX];
	struct rf_service_value v;
	int r;

	if (!key.port)
		key.port = p->asked.port;
	r = rf_datapath_service(w->dp, &key, &v);
	if (r < 0 && r != -ENOENT)
		return r;
	e->found = r == 0;
	set_command(w, e, "services", &key, sizeof(key));
	snprintf(e->key, sizeof(e->key), "%s, proto %s", rf_addr_port_text(&key.addr, key.port, text, sizeof(text)), proto_text(key.proto));
	if (e->found)
		snprintf(e->value, sizeof(e->value), "count %u, parts %u", v.count, v.parts);
	return 0;
}

/* The rule of a request is in the blob, which has no entries to look up; the pair that led there is what can be looked at. */
int rf_why_entry(const struct rf_why_world *world, const struct rf_why_part *part, struct rf_why_entry *ret)
{
	*ret = (struct rf_why_entry){};
	switch (part->reason == RF_REASON_ALLOW_AUDIT ? part->would : part->reason) {
	case RF_REASON_ALLOW_RULE:
	case RF_REASON_ALLOW_L7:
	case RF_REASON_NO_RULE:
		return allow_entry(world, part, ret);
	case RF_REASON_NO_ROUTE:
	case RF_REASON_ROUTE_OTHERS:
	case RF_REASON_BAD_PATH:
	case RF_REASON_AUTHORITY:
		return part->kernel.reason == RF_REASON_ALLOW_EGRESS_L7 ? egress_entry(world, part, ret) : allow_entry(world, part, ret);
	case RF_REASON_ALLOW_INGRESS:
	case RF_REASON_NO_INGRESS:
		return ingress_entry(world, part, ret);
	case RF_REASON_ALLOW_EGRESS_RULE:
	case RF_REASON_ALLOW_EGRESS_L7:
	case RF_REASON_SERVER_NAME:
	case RF_REASON_NO_EGRESS:
		return egress_entry(world, part, ret);
	case RF_REASON_ALLOW_EXCLUDED:
		return exclusion_entry(world, part, ret);
	case RF_REASON_ALLOW_PERMISSIVE:
	case RF_REASON_ALLOW_EGRESS:
		return config_entry(world, ret);
	case RF_REASON_ALLOW_DATAGRAM:
		return ident_entry(world, part->asked.dst, ret);
	case RF_REASON_ALLOW_UNMESHED:
		return ident_entry(world, part->asked.src, ret);
	case RF_REASON_NO_SERVICE:
	case RF_REASON_NO_BACKEND:
		return service_entry(world, part, ret);
	default:
		return 0; /* no table has a say */
	}
}
