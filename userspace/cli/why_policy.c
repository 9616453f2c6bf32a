/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringfence/identity.h>
#include <ringfence/path.h>

#include "core/address_text.h"
#include "core/cleanup.h"

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

static size_t ns_len(const char *name)
{
	return strcspn(name, "/");
}

static const char *name_of(const char *name)
{
	return name + ns_len(name) + (name[ns_len(name)] == '/');
}

/* Length of the UTF-8 character at s, 0: none (RFC 3629). Only what a YAML reader takes as it is. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	const size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* A pattern in RE2 syntax that matches exactly this text, between single quotes of YAML: printable ASCII but for plain letters of other
 * scripts, so that a file of it can be read by anybody. */
static int write_pattern(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const unsigned char *s = (const unsigned char *)text + i;
		size_t n = 1;

		if (*s >= 0x80) {
			n = utf8_len(s, len - i);
			if (!n || (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe2 && s[1] == 0x80 && (s[2] & 0xfe) == 0xa8) ||
			    (s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf) || (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe))
				return -EILSEQ;
			fwrite(s, 1, n, out);
		} else if (*s < 0x20 || *s == 0x7f) {
			fprintf(out, "\\x%02x", *s);
		} else if (*s == '\'') {
			fputs("''", out);
		} else {
			fprintf(out, "%s%c", strchr("\\.+*?()|[]{}^$", *s) ? "\\" : "", *s);
		}
		i += n;
	}
	return 0;
}

static void write_meta(FILE *out, const char *version, const char *kind, const char *name, const char *ns)
{
	fprintf(out, "apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: %.*s\nspec:\n", version, kind, name, (int)ns_len(ns),
		ns);
}

static const char *method_word(const char *method)
{
	for (size_t i = 0; method && i < RF_ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i], method) == 0)
			return method;
	return "'*'";
}

static int write_headers(FILE *out, const struct rf_why_plan *p)
{
	int r = 0;

	if (p->header_count)
		fputs("    headers:\n", out);
	for (size_t i = 0; r == 0 && i < p->header_count; i++) {
		const struct rf_why_header *h = &p->headers[i];

		fprintf(out, "    - '%.*s': '", (int)h->name_len, h->name);
		r = write_pattern(out, h->value, h->value_len);
		fputs("'\n", out);
	}
	return r;
}

static int write_match(FILE *out, const struct rf_why_plan *p, const char *name, const char *path, size_t len)
{
	int r;

	fprintf(out, "  - name: %s\n    methods: [%s]\n    pathRegex: '", name, method_word(p->method));
	r = write_pattern(out, path, len);
	fputs("'\n", out);
	return r < 0 ? r : write_headers(out, p);
}

/* Both forms of the path must be granted (ringfence/path.h), so both are named where they differ. */
static int write_matches(FILE *out, const struct rf_why_plan *p)
{
	_cleanup_free_ char *canonical = NULL;
	__u32 raw_len, len = 0;
	int r;

	fputs("  matches:\n", out);
	if (!p->path) {
		fputs("  - name: everything\n    methods: ['*']\n    pathRegex: '.*'\n", out);
		return 0;
	}
	raw_len = rf_path_length(p->path, (__u32)strlen(p->path));
	canonical = malloc(raw_len + 1);
	if (!canonical)
		return -ENOMEM;
	if (rf_path_canonical(p->path, raw_len, canonical, raw_len, &len) < 0)
		return -EILSEQ;
	r = write_match(out, p, "request", p->path, raw_len);
	if (r == 0 && (len != raw_len || memcmp(canonical, p->path, len) != 0))
		r = write_match(out, p, "canonical", canonical, len);
	return r;
}

static int write_group(FILE *out, const struct rf_why_plan *p, const char *name, const char *ns)
{
	write_meta(out, "specs.smi-spec.io/v1alpha4", "HTTPRouteGroup", name, ns);
	return write_matches(out, p);
}

static void write_account(FILE *out, const char *account)
{
	fprintf(out, "kind: ServiceAccount\n%*sname: %s\n%*snamespace: %.*s\n", 4, "", name_of(account), 4, "", (int)ns_len(account),
		account);
}

static int write_target(FILE *out, const struct rf_why_plan *p, const char *name)
{
	const char *port_kind = p->udp ? "UDPRoute" : "TCPRoute";
	int r = 0;

	if (p->http) {
		r = write_group(out, p, name, p->dst);
		fputs("---\n", out);
	}
	if (p->tcp_route || p->udp) {
		write_meta(out, "specs.smi-spec.io/v1alpha4", port_kind, name, p->dst);
		fprintf(out, "  matches:\n    ports: [%u]\n---\n", p->port);
	}
	write_meta(out, "access.smi-spec.io/v1alpha3", "TrafficTarget", name, p->dst);
	fputs("  destination:\n    ", out);
	write_account(out, p->dst);
	fputs("  sources:\n  - ", out);
	write_account(out, p->src);
	fputs("  rules:\n", out);
	if (p->http)
		fprintf(out, "  - kind: HTTPRouteGroup\n    name: %s\n", name);
	if (p->tcp_route || p->udp)
		fprintf(out, "  - kind: %s\n    name: %s\n", port_kind, name);
	return r;
}

static void write_ingress(FILE *out, const struct rf_why_plan *p, const char *name, const char *service)
{
	char addr[RF_ADDR_TEXT_MAX];

	write_meta(out, "policy.openservicemesh.io/v1alpha1", "IngressBackend", name, p->dst);
	fprintf(out, "  backends:\n  - name: %s\n    port:\n      number: %u\n      protocol: http\n", service, p->port);
	fprintf(out, "  sources:\n  - kind: IPRange\n    name: '%s/%d'\n", rf_addr_text(&p->addr, addr, sizeof(addr)),
		rf_addr_is4(&p->addr) ? 32 : 128);
}

static int write_egress(FILE *out, const struct rf_why_plan *p, const char *name)
{
	const bool http = strcmp(p->protocol, "http") == 0;
	char addr[RF_ADDR_TEXT_MAX];
	int r = 0;

	if (http && p->path) {
		r = write_group(out, p, name, p->src);
		fputs("---\n", out);
	}
	write_meta(out, "policy.openservicemesh.io/v1alpha1", "Egress", name, p->src);
	fputs("  sources:\n  - ", out);
	write_account(out, p->src);
	if (p->host)
		fprintf(out, "  hosts: ['%s']\n", p->host);
	else
		fprintf(out, "  ipAddresses: ['%s/%d']\n", rf_addr_text(&p->addr, addr, sizeof(addr)), rf_addr_is4(&p->addr) ? 32 : 128);
	fprintf(out, "  ports:\n  - number: %u\n    protocol: %s\n", p->port, p->protocol);
	if (http && p->path)
		fprintf(out, "  matches:\n  - apiGroup: specs.smi-spec.io/v1alpha4\n    kind: HTTPRouteGroup\n    name: %s\n", name);
	return r;
}

static void write_service(FILE *out, const struct rf_why_plan *p, const char *name)
{
	write_meta(out, "v1", "Service", name, p->dst);
	fputs("  selector:\n", out);
	for (size_t i = 0; i < p->label_count; i++)
		fprintf(out, "    '%s': '%s'\n", p->labels[i].key, p->labels[i].value);
	fprintf(out, "  ports:\n  - port: %u\n    targetPort: %u\n    name: %s-%u\n    appProtocol: %s\n---\n", p->port, p->port,
		p->service_protocol, p->port, p->service_protocol);
}

/* The same question gets the same names, another one others: applied one after the other they do not replace each other. */
static void make_name(const struct rf_why_plan *p, char *ret, size_t size)
{
	char text[4096], addr[RF_ADDR_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%d %s %s %u %d %d %d %s %s %s %.1000s %.1000s %.300s", p->kind, p->src ? p->src : "",
			 p->dst ? p->dst : "", p->port, p->udp, p->http, p->tcp_route, p->protocol ? p->protocol : "",
			 rf_addr_text(&p->addr, addr, sizeof(addr)), p->method ? p->method : "", p->path ? p->path : "",
			 p->host ? p->host : "", p->header_count ? p->headers[0].name : "");
	const rf_identity_t hash = rf_identity_hash(text, (__u32)(n < (int)sizeof(text) ? n : (int)sizeof(text) - 1));
	const char *who = p->src ? name_of(p->src) : "outside";

	snprintf(ret, size, "allow-%.60s-%08x", who, (unsigned)(hash ^ hash >> 32));
}

int rf_why_plan_text(const struct rf_why_plan *plan, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	char name[96];
	FILE *out;
	int r = 0;

	if ((plan->kind != RF_PLAN_INGRESS && !plan->src) || (plan->kind != RF_PLAN_EGRESS && !plan->dst) ||
	    (plan->kind == RF_PLAN_EGRESS && !plan->protocol))
		return -EINVAL;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	make_name(plan, name, sizeof(name));
	if (plan->label_count && !plan->service && plan->dst)
		write_service(out, plan, name);
	if (plan->kind == RF_PLAN_TARGET)
		r = write_target(out, plan, name);
	else if (plan->kind == RF_PLAN_EGRESS)
		r = write_egress(out, plan, name);
	else
		write_ingress(out, plan, name, plan->service ? name_of(plan->service) : name);
	if (fclose(out) != 0)
		r = -ENOMEM;
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}
