/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_missing.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/why_labels.h"
#include "cli/why_policy.h"
#include "core/address_text.h"
#include "core/reason_text.h"

struct search {
	const struct rf_why_world *world;
	const struct rf_why_question *question;
	const struct rf_why_part *part;
	struct rf_why_missing *missing;
	const char *src; /* "ns/sa" or an address */
	struct rf_why_plan plan;
	struct rf_why_header headers[RF_WHY_FIELDS_MAX];
	struct rf_why_labels labels;
	bool wants_policy;
};

static void say(struct search *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct search *s, const char *format, ...)
{
	char *text = s->missing->sentence;
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + len, sizeof(s->missing->sentence) - len, format, ap);
	va_end(ap);
}

static const char *rule_text(const struct rf_why_world *w, uint32_t rule_id, char *room, size_t size)
{
	if (!rule_id || rf_datapath_rule(w->dp, rule_id, room, size) < 0)
		snprintf(room, size, "a TrafficTarget");
	return room;
}

/* ---- what a request adds to a plan ---- */

static bool is_host(const char *text, size_t len)
{
	char host[256];
	struct rf_addr addr;

	if (!len || len >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	return rf_addr_parse(host, &addr) < 0 && strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == len;
}

/* Does the Host name the port that is really connected to? Behind a Service it may be another one, and then no Egress would know it. */
static bool names_port(const char *authority, uint16_t port)
{
	const char *colon = strchr(authority, ':');

	return !colon || strtoul(colon + 1, NULL, 10) == port;
}

/* A header sent twice is judged joined, too, which a pattern for each of its values would not admit: such are left out. */
static void plan_request(struct search *s)
{
	const struct rf_why_question *q = s->question;

	s->plan.method = q->method;
	s->plan.path = q->path;
	s->plan.headers = s->headers;
	for (size_t i = 1; i < q->field_count; i++) {
		const struct rf_header_field *f = &q->fields[i];
		bool twice = false;

		for (size_t k = 1; k < q->field_count; k++)
			twice |=
				k != i && q->fields[k].name_len == f->name_len && strncasecmp(q->fields[k].name, f->name, f->name_len) == 0;
		if (!twice)
			s->headers[s->plan.header_count++] = (struct rf_why_header){f->name, f->value, f->name_len, f->value_len};
	}
}

/* A TrafficTarget speaks only of ports that a Service leads to: if none does, one comes with it. */
static void plan_service(struct search *s, const char *protocol)
{
	const struct rf_question *a = &s->part->asked;
	const uint8_t proto = IPPROTO_TCP;

	if (rf_why_is_served(s->world, a->dst, a->port, proto, NULL, NULL))
		return;
	if (!*s->part->to_pod || rf_why_labels_read(&s->world->instance, s->part->to_pod, &s->labels) < 0 || !s->labels.count) {
		say(s, "; no Service leads to port %u of %s, and a TrafficTarget speaks only of ports of Services", a->port,
		    s->part->to_account);
		s->wants_policy = false;
		return;
	}
	say(s, "; no Service leads to port %u of it, too", a->port);
	s->plan.labels = s->labels.items;
	s->plan.label_count = s->labels.count;
	s->plan.service_protocol = protocol;
	if (s->plan.kind != RF_PLAN_TARGET)
		return;
	s->plan.http = strcmp(protocol, "http") == 0; /* now that is known */
	s->plan.tcp_route = true;
	if (!s->plan.http)
		s->plan.header_count = 0;
}

static void plan_target(struct search *s)
{
	const struct rf_question *a = &s->part->asked;
	const enum rf_verdict kind = rf_why_port_kind(s->world, a->dst, a->port);
	uint16_t ports[RF_WHY_PORTS_MAX];

	s->plan.kind = RF_PLAN_TARGET;
	s->plan.src = s->src;
	s->plan.dst = s->part->to_account;
	s->plan.port = a->port;
	s->plan.udp = a->proto == IPPROTO_UDP;
	s->wants_policy = true;
	if (s->plan.udp)
		return;
	/* Where nothing says what the port speaks, a target with both kinds of routes admits it whatever it is. */
	s->plan.http = kind != RF_VERDICT_ALLOW;
	s->plan.tcp_route = kind != RF_VERDICT_L7 || rf_why_served_ports(s->world, a->dst, IPPROTO_TCP, ports) > 1;
	if (s->plan.http)
		plan_request(s);
	plan_service(s, s->question->path ? "http" : "tcp");
}

/* ---- sentences ---- */

/* The ports that the source has at this destination. Returns how many, and the rule of the first. */
static size_t ports_of(const struct search *s, char *ret, size_t size, uint32_t *ret_rule)
{
	const struct rf_question *a = &s->part->asked;
	size_t n = 0, len = 0;

	for (size_t i = 0; i < s->world->allow_count; i++) {
		const struct rf_why_allow *e = &s->world->allow[i];

		if (e->key.src != a->src || e->key.dst != a->dst || e->key.proto != a->proto || e->value.verdict == RF_VERDICT_DENY)
			continue;
		if (!n++)
			*ret_rule = e->value.rule_id;
		if (len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%u", n > 1 ? ", " : "", e->key.port);
	}
	return n;
}

static void no_rule(struct search *s)
{
	const struct rf_question *a = &s->part->asked;
	char ports[256] = "", rule[RF_RULE_TEXT_MAX];
	uint32_t rule_id = 0;
	size_t n;

	if (!a->dst) {
		say(s, "nobody known has the destination's address");
		return;
	}
	n = ports_of(s, ports, sizeof(ports), &rule_id);
	if (n)
		say(s, "%s names %s as a source of %s, but only %sport%s %s %s allowed, not %u",
		    rule_text(s->world, rule_id, rule, sizeof(rule)), s->src, s->part->to_account, a->proto == IPPROTO_UDP ? "UDP " : "",
		    n > 1 ? "s" : "", ports, n > 1 ? "are" : "is", a->port);
	else
		say(s, "no TrafficTarget in force in namespace %.*s names %s as a source of %s%s", (int)strcspn(s->part->to_account, "/"),
		    s->part->to_account, s->src, s->part->to_account,
		    a->proto == IPPROTO_UDP ? " with a UDPRoute, and another one protects its UDP" : "");
	plan_target(s);
}

static void no_route(struct search *s, bool for_others)
{
	char rule[RF_RULE_TEXT_MAX], pair[RF_RULE_TEXT_MAX];

	rule_text(s->world, s->part->kernel.rule_id, pair, sizeof(pair));
	if (for_others)
		say(s, "%s names %s as a source, but the route that matches %s %s (%s) is granted to other ServiceAccounts only", pair,
		    s->src, s->question->method, s->question->path, rule_text(s->world, s->part->rule_id, rule, sizeof(rule)));
	else
		say(s, "%s names %s as a source, but no route of it matches %s %s%s", pair, s->src, s->question->method, s->question->path,
		    s->question->field_count > 1 ? " with these headers" : "");
	plan_target(s);
	s->plan.http = true;
}

static void plan_egress(struct search *s)
{
	const struct rf_why_question *q = s->question;
	const struct rf_question *a = &s->part->asked;
	const size_t host_len = strcspn(q->authority, ":");
	const bool l7 = s->part->kernel.reason == RF_REASON_ALLOW_EGRESS_L7;
	const bool tls = l7 ? rf_routes_tls(s->world->routes, a->src, a->dst, a->port) : q->server_name != NULL;
	static char host[RF_IDENTITY_NAME_MAX];

	s->plan.kind = RF_PLAN_EGRESS;
	s->plan.src = s->src;
	s->plan.port = a->port;
	s->plan.addr = a->daddr;
	s->wants_policy = true;
	snprintf(host, sizeof(host), "%.*s", (int)host_len, q->authority);
	if (tls && q->server_name && is_host(q->server_name, strlen(q->server_name))) {
		s->plan.protocol = "https";
		s->plan.host = q->server_name;
	} else if (!tls && q->path && is_host(host, host_len) && names_port(q->authority, a->port)) {
		s->plan.protocol = "http";
		s->plan.host = host;
		plan_request(s);
	} else if (!l7) {
		s->plan.protocol = "tcp";
	} else {
		s->wants_policy = false; /* the port is checked, and what was asked has no name to allow */
	}
}

static void no_egress(struct search *s)
{
	char addr[RF_ADDR_TEXT_MAX], rule[RF_RULE_TEXT_MAX];
	const struct rf_why_part *p = s->part;

	rf_addr_text(&p->asked.daddr, addr, sizeof(addr));
	if (p->asked.dst)
		say(s, "the namespace of %s is not in the mesh, so it is outside; ", p->to_account);
	if (p->kernel.reason == RF_REASON_ALLOW_EGRESS_L7) {
		const bool tls = rf_routes_tls(s->world->routes, p->asked.src, p->asked.dst, p->asked.port);

		say(s, "%s lists other %s than %s", rule_text(s->world, p->kernel.rule_id, rule, sizeof(rule)),
		    tls ? "TLS server names" : "hosts or routes",
		    tls ? (s->question->server_name ? s->question->server_name : "none") : s->question->authority);
		if (!tls && s->question->path)
			say(s, " with %s %s", s->question->method, s->question->path);
		if (!tls && s->question->path && !is_host(s->question->authority, strcspn(s->question->authority, ":")))
			say(s, "; the name that a client would ask for is given with --host");
	} else {
		say(s, "no Egress in namespace %.*s lets %s reach %s port %u, and enableEgress is off", (int)strcspn(s->src, "/"), s->src,
		    s->src, addr, p->asked.port);
	}
	if (p->asked.proto == IPPROTO_UDP) {
		say(s, "; Egress objects speak of TCP only");
		snprintf(s->missing->command, sizeof(s->missing->command), "ringfence mesh set egress=true");
		return;
	}
	plan_egress(s);
}

static void no_ingress(struct search *s)
{
	const struct rf_question *a = &s->part->asked;
	char addr[RF_ADDR_TEXT_MAX];
	const char *service = NULL;

	rf_addr_text(&a->saddr, addr, sizeof(addr));
	if (s->question->from.identity && s->question->from.meshed)
		say(s, "an exclusion list takes this connection out of the mesh, so its source is outside; ");
	else if (s->question->from.identity)
		say(s, "the namespace of %s is not in the mesh, so it is outside; ", s->src);
	if (a->proto == IPPROTO_UDP) {
		say(s, "nothing admits UDP from outside the mesh");
		return;
	}
	say(s, "no IngressBackend in namespace %.*s names %s as a source for port %u of %s", (int)strcspn(s->part->to_account, "/"),
	    s->part->to_account, addr, a->port, s->part->to_account);
	if (rf_addr_is_none(&a->saddr)) /* an account of which nothing runs */
		return;
	s->plan.kind = RF_PLAN_INGRESS;
	s->plan.dst = s->part->to_account;
	s->plan.port = a->port;
	s->plan.addr = a->saddr;
	s->wants_policy = true;
	if (!rf_why_is_served(s->world, a->dst, a->port, IPPROTO_TCP, NULL, NULL)) {
		plan_service(s, s->question->path ? "http" : "tcp");
		return;
	}
	/* An IngressBackend speaks of Services of its own namespace, which is where their pods are. */
	if (rf_why_is_served(s->world, a->dst, a->port, IPPROTO_TCP, NULL, &service))
		s->plan.service = service;
}

static void no_service(struct search *s)
{
	const struct rf_why_question *q = s->question;
	const char *sep = "; it has ";

	if (q->to.kind != RF_WHY_SERVICE) {
		say(s, "the address is of the range of Services, but no Service has it");
		return;
	}
	say(s, "Service %s has no %s port %u", q->to.text, q->proto == IPPROTO_UDP ? "UDP" : "TCP", q->to.port);
	for (size_t i = 0; i < s->world->service_count; i++) {
		const struct rf_service_key *k = &s->world->services[i].key;

		if (k->proto != q->proto || !rf_addr_equal(&k->addr, &s->part->asked.dialed))
			continue;
		say(s, "%s%u", sep, k->port);
		sep = ", ";
	}
}

static void explain(struct search *s, uint32_t reason)
{
	switch (reason) {
	case RF_REASON_NO_RULE:
		return no_rule(s);
	case RF_REASON_NO_ROUTE:
	case RF_REASON_ROUTE_OTHERS:
		return s->part->asked.dst && s->part->kernel.reason == RF_REASON_ALLOW_L7 ? no_route(s, reason == RF_REASON_ROUTE_OTHERS)
											  : no_egress(s);
	case RF_REASON_NO_EGRESS:
	case RF_REASON_SERVER_NAME:
		return no_egress(s);
	case RF_REASON_NO_INGRESS:
		return no_ingress(s);
	case RF_REASON_NO_SERVICE:
		return no_service(s);
	case RF_REASON_NO_BACKEND:
		return say(s, "no pod behind %s%s runs: start one; see: ringfence get services", s->question->to.text,
			   s->part->weights ? " (a part of its TrafficSplit)" : "");
	case RF_REASON_AUTHORITY:
		return say(s, "'%s' is no name of a Service of %s, and strictAuthority is on: send one of its names as Host",
			   s->question->authority, s->part->to_account);
	case RF_REASON_BAD_PATH:
		return say(s, *s->question->path == '/' ? "no policy admits this path: servers resolve it in different ways"
							: "a path begins with /");
	case RF_REASON_CHECKER_DOWN:
		return say(s, "the checker does not listen in pod %s; see: ringfence status", s->part->from_pod);
	default:
		return say(s, "%s", rf_reason_text(reason));
	}
}

/* Behind a Service several pods may be denied for reasons of their own: each is told once, and all their policies are wanted. */
static int add_policy(struct rf_why_missing *m, char *policy)
{
	char *both = NULL;

	if (m->policy && strstr(m->policy, policy)) {
		free(policy);
		return 0;
	}
	if (m->policy && asprintf(&both, "%s---\n%s", m->policy, policy) < 0)
		both = NULL;
	if (!m->policy) {
		m->policy = policy;
		return 0;
	}
	free(policy);
	if (!both)
		return -ENOMEM;
	free(m->policy);
	m->policy = both;
	return 0;
}

static void add_sentence(struct rf_why_missing *m, const char *sentence)
{
	const size_t len = strlen(m->sentence);

	if (!strstr(m->sentence, sentence))
		snprintf(m->sentence + len, sizeof(m->sentence) - len, "%s%s", len ? ". And " : "", sentence);
}

static int add_part(const struct rf_why_world *world, const struct rf_why_answer *answer, const struct rf_why_part *part,
		    struct rf_why_missing *ret)
{
	static struct search s; /* large */
	struct rf_why_missing one = {};
	char *policy = NULL;
	int r = 0;

	s = (struct search){
		.world = world, .question = answer->question, .part = part, .missing = &one, .src = answer->question->from.text};
	explain(&s, part->decision == RF_WHY_AUDIT ? part->would : part->reason);
	if (s.wants_policy)
		r = rf_why_plan_text(&s.plan, &policy);
	if (r == -EILSEQ)
		say(&s, "; no pattern can name this path");
	add_sentence(ret, one.sentence);
	if (one.command[0])
		snprintf(ret->command, sizeof(ret->command), "%s", one.command);
	return policy ? add_policy(ret, policy) : r == -EILSEQ ? 0 : r;
}

int rf_why_missing(const struct rf_why_world *world, const struct rf_why_answer *answer, struct rf_why_missing *ret)
{
	struct rf_why_missing missing = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < answer->part_count; i++)
		if (answer->parts[i].decision <= RF_WHY_AUDIT)
			r = add_part(world, answer, &answer->parts[i], &missing);
	if (r < 0)
		rf_why_missing_done(&missing);
	else
		*ret = missing;
	return r;
}
