/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_ask.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *rf_why_decision_text(enum rf_why_decision decision)
{
	static const char *const texts[] = {[RF_WHY_DENIED] = "denied",
					    [RF_WHY_AUDIT] = "would be denied: audit",
					    [RF_WHY_PER_REQUEST] = "allowed per request",
					    [RF_WHY_ALLOWED] = "allowed"};

	return texts[decision];
}

const char *rf_why_engine_text(enum rf_why_engine engine)
{
	static const char *const texts[] = {[RF_WHY_CONNECT] = "kernel at connect", [RF_WHY_TC] = "tc", [RF_WHY_CHECKER] = "checker"};

	return texts[engine];
}

enum rf_why_decision rf_why_overall(const struct rf_why_answer *answer)
{
	enum rf_why_decision worst = answer->part_count ? RF_WHY_ALLOWED : RF_WHY_DENIED;

	for (size_t i = 0; i < answer->part_count; i++)
		if (answer->parts[i].decision < worst)
			worst = answer->parts[i].decision;
	return worst;
}

bool rf_why_mixed(const struct rf_why_answer *answer)
{
	for (size_t i = 1; i < answer->part_count; i++)
		if (answer->parts[i].decision != answer->parts[0].decision)
			return true;
	return false;
}

/* ---- one part ---- */

static void deny(struct rf_why_part *p, uint32_t reason)
{
	p->reason = reason;
	p->decision = RF_WHY_DENIED;
}

static bool wants_request(const struct rf_why_question *q)
{
	return q->path || q->server_name;
}

/* What the checker would say. A TLS connection has no requests, one of HTTP no server name: then the connection is all there is to say. */
static void ask_checker(const struct rf_why_world *w, const struct rf_why_question *q, struct rf_why_part *p)
{
	const bool tls = rf_routes_tls(w->routes, p->asked.src, p->asked.dst, p->asked.port);
	const char *method = q->method ? q->method : "", *path = q->path ? q->path : "";
	const char *authority = tls && q->server_name ? q->server_name : q->authority;
	const struct rf_request_question request = {
		.src = p->asked.src,
		.dst = p->asked.dst,
		.addr = p->asked.daddr,
		.port = p->asked.port,
		.tls = tls,
		.method = method,
		.method_len = strlen(method),
		.target = path,
		.target_len = strlen(path),
		.authority = tls && !q->server_name ? "" : authority,
		.authority_len = tls && !q->server_name ? 0 : strlen(authority),
		.fields = q->fields,
		.field_count = q->field_count,
	};
	struct rf_request_answer answer = {};

	p->engine = RF_WHY_CHECKER;
	if (!wants_request(q)) {
		p->decision = RF_WHY_PER_REQUEST;
		return;
	}
	if (!tls && q->server_name) /* a ClientHello is no request */
		return deny(p, RF_REASON_BAD_REQUEST);
	rf_routes_decide(w->routes, &request, &answer);
	p->request_judged = true;
	p->reason = answer.reason;
	p->would = answer.would;
	p->rule_id = answer.rule_id;
	p->decision = !rf_reason_admits(answer.reason)         ? RF_WHY_DENIED
		      : answer.reason == RF_REASON_ALLOW_AUDIT ? RF_WHY_AUDIT
							       : RF_WHY_ALLOWED;
}

/* What connect() of a pod says before the policy is asked (rf_dial_judge): the pod's own addresses never leave it. Without a pod that runs
 * (from NULL) the question is about any pod of the account. 0: the policy is asked. */
static uint32_t stays_inside(const struct rf_why_question *q, const struct rf_pod_end *from, const struct rf_why_part *p)
{
	const struct rf_addr *to = &p->asked.daddr;
	const bool here = q->to.kind == RF_WHY_ADDRESS && (rf_addr_is_loopback(to) || rf_addr_is_any(to));
	const bool own = from && from->local && !rf_addr_is_none(to) && rf_addr_equal(&p->asked.saddr, to);

	if (from ? !from->local : !q->from.identity)
		return 0;
	if (from && p->asked.port == from->checker_port && (own ? q->proto == IPPROTO_TCP : here && rf_addr_is_any(to)))
		return RF_REASON_CHECKER_DIALED;
	return here || own ? RF_REASON_ALLOW_SELF : 0;
}

/* What connect() says after it. */
static uint32_t kind_refused(const struct rf_pod_end *from, const struct rf_why_part *p)
{
	if (!from->local)
		return 0;
	if (rf_addr_is_none(&p->asked.saddr) || rf_addr_is_odd(&p->asked.daddr))
		return RF_REASON_FAMILY;
	return rf_addr_is_multicast(&p->asked.daddr) ? RF_REASON_MULTICAST : 0;
}

static int judge(struct rf_why_world *w, const struct rf_why_question *q, const struct rf_pod_end *from, struct rf_why_part *p)
{
	uint32_t reason;
	int r;

	p->engine = from && from->local ? RF_WHY_CONNECT : q->from.identity ? RF_WHY_CONNECT : RF_WHY_TC;
	r = rf_datapath_ask(w->dp, &p->asked, RF_ASK_CONNECT, &p->kernel);
	if (r < 0)
		return r;
	if (p->kernel.epoch != w->epoch && p->kernel.reason != RF_REASON_NO_POLICY)
		return -ESTALE;
	p->reason = p->kernel.reason;
	p->would = p->kernel.would;
	p->rule_id = p->kernel.rule_id;
	p->decision = p->kernel.verdict == RF_VERDICT_DENY        ? RF_WHY_DENIED
		      : p->kernel.reason == RF_REASON_ALLOW_AUDIT ? RF_WHY_AUDIT
								  : RF_WHY_ALLOWED;
	reason = stays_inside(q, from, p);
	if (reason) {
		p->decision = rf_reason_admits(reason) ? RF_WHY_ALLOWED : RF_WHY_DENIED;
		p->reason = reason;
		p->rule_id = p->would = 0;
		return 0;
	}
	reason = from ? kind_refused(from, p) : 0;
	if (reason && !(reason == RF_REASON_MULTICAST && p->reason == RF_REASON_ALLOW_UNMESHED)) {
		deny(p, reason);
		return 0;
	}
	if (p->kernel.verdict != RF_VERDICT_L7)
		return 0;
	if (from && from->local && !from->checker_ready)
		deny(p, RF_REASON_CHECKER_DOWN);
	else
		ask_checker(w, q, p);
	return 0;
}

/* From several pods of one account the answer is nearly always the same: then once is enough. */
static bool told_already(const struct rf_why_answer *a, const struct rf_why_part *p)
{
	for (size_t i = 0; i < a->part_count; i++) {
		const struct rf_why_part *o = &a->parts[i];

		if (rf_addr_equal(&o->asked.daddr, &p->asked.daddr) && o->asked.port == p->asked.port && o->decision == p->decision &&
		    o->reason == p->reason && o->rule_id == p->rule_id && o->weight == p->weight)
			return true;
	}
	return false;
}

static void keep(struct rf_why_answer *a, const struct rf_why_part *p)
{
	if (told_already(a, p))
		return;
	if (a->part_count == RF_WHY_PARTS_MAX)
		a->more++;
	else
		a->parts[a->part_count++] = *p;
}

struct target {              /* where a connection may lead to */
	struct rf_addr addr; /* none: an account without a pod */
	uint16_t port;
	rf_identity_t identity; /* of an account without a pod */
	uint32_t weight, weights;
	struct rf_addr dialed;
	uint16_t dialed_port;
};

static void name_target(const struct rf_why_world *w, const struct target *t, struct rf_why_part *p)
{
	const struct rf_why_pod *pod = rf_why_pod_by_addr(w, &t->addr);
	struct rf_peer peer;
	const char *account;

	p->asked.dst = t->identity;
	if (pod)
		snprintf(p->to_pod, sizeof(p->to_pod), "%s/%s", pod->ns, pod->name);
	if (!rf_addr_is_none(&t->addr) && rf_datapath_peer(w->dp, &t->addr, &peer) == 0)
		p->asked.dst = peer.identity;
	account = rf_why_account(w, p->asked.dst);
	snprintf(p->to_account, sizeof(p->to_account), "%s", account ? account : p->asked.dst ? "unknown" : "");
}

static int ask_from(struct rf_why_world *w, const struct rf_why_question *q, const struct rf_pod_end *from, const struct target *t,
		    struct rf_why_answer *a)
{
	const bool ipv6 = rf_addr_is_none(&t->addr) ? q->ipv6 : !rf_addr_is4(&t->addr);
	struct rf_why_part p = {.weight = t->weight, .weights = t->weights};
	int r;

	name_target(w, t, &p);
	if (from)
		snprintf(p.from_pod, sizeof(p.from_pod), "%s", from->name);
	p.asked.src = q->from.identity;
	p.asked.saddr = from ? *rf_why_addr(from, ipv6) : (struct rf_addr){};
	p.asked.daddr = t->addr;
	p.asked.port = t->port;
	p.asked.dialed = t->dialed;
	p.asked.dialed_port = t->dialed_port;
	p.asked.proto = q->proto;
	r = judge(w, q, from, &p);
	if (r == 0)
		keep(a, &p);
	return r;
}

static int ask_target(struct rf_why_world *w, const struct rf_why_question *q, const struct target *t, struct rf_why_answer *a)
{
	int r = q->from.pod_count ? 0 : ask_from(w, q, NULL, t, a);

	for (size_t i = 0; r == 0 && i < q->from.pod_count; i++)
		r = ask_from(w, q, &q->from.pods[i], t, a);
	return r;
}

/* ---- a Service ---- */

static void keep_refusal(struct rf_why_answer *a, const struct target *t, uint8_t proto, uint32_t reason)
{
	struct rf_why_part p = {.engine = RF_WHY_CONNECT, .weight = t->weight, .weights = t->weights};

	p.asked = (struct rf_question){
		.src = a->question->from.identity, .daddr = t->dialed, .dialed = t->dialed, .port = t->dialed_port, .proto = proto};
	deny(&p, reason);
	keep(a, &p);
}

static int ask_run(struct rf_why_world *w, const struct rf_why_question *q, const struct rf_split_part *run, struct target t,
		   struct rf_why_answer *a)
{
	int r = 0;

	if (!run->count)
		keep_refusal(a, &t, q->proto, RF_REASON_NO_BACKEND);
	for (uint32_t i = 0; r == 0 && i < run->count; i++) {
		struct rf_backend b;

		r = rf_datapath_backend(w->dp, run->first + i, &b);
		t.addr = b.addr;
		t.port = b.port;
		if (r == 0)
			r = ask_target(w, q, &t, a);
	}
	return r;
}

static int ask_split(struct rf_why_world *w, const struct rf_why_question *q, const struct rf_service_value *v, struct target t,
		     struct rf_why_answer *a)
{
	struct rf_split_part part, last;
	uint32_t before = 0;
	int r = rf_datapath_split_part(w->dp, v->parts_first + v->parts - 1, &last);

	for (uint32_t i = 0; r == 0 && i < v->parts; i++) {
		r = rf_datapath_split_part(w->dp, v->parts_first + i, &part);
		if (r < 0)
			return r;
		t.weight = part.until - before;
		t.weights = last.until;
		before = part.until;
		r = ask_run(w, q, &part, t, a);
	}
	return r;
}

static int ask_service(struct rf_why_world *w, const struct rf_why_question *q, struct rf_why_answer *a)
{
	const bool ipv6 = rf_addr_is_none(&q->to.service4) || (q->ipv6 && !rf_addr_is_none(&q->to.service6));
	struct target t = {.dialed = ipv6 ? q->to.service6 : q->to.service4, .dialed_port = q->to.port};
	const struct rf_service_key key = {.addr = t.dialed, .port = q->to.port, .proto = q->proto};
	struct rf_service_value v;
	int r = rf_datapath_service(w->dp, &key, &v);

	if (r == -ENOENT) {
		keep_refusal(a, &t, q->proto, RF_REASON_NO_SERVICE);
		return 0;
	}
	if (r < 0)
		return r;
	if (v.parts)
		return ask_split(w, q, &v, t, a);
	return ask_run(w, q, &(struct rf_split_part){.first = v.first, .count = v.count}, t, a);
}

/* An address of the service range that no Service has never gets as far as a decision. */
static bool is_lost_service(const struct rf_why_world *w, const struct rf_addr *addr)
{
	for (int i = 0; i < 2 && i < w->config.service_ranges; i++)
		if (rf_range_has(&w->config.service[i], addr))
			return true;
	return false;
}

static int ask_end(struct rf_why_world *w, const struct rf_why_question *q, struct rf_why_answer *a)
{
	struct target t = {.port = q->to.port, .dialed_port = q->to.port, .identity = q->to.identity};
	int r = 0;

	if (!q->to.pod_count)
		return ask_target(w, q, &t, a);
	for (size_t i = 0; r == 0 && i < q->to.pod_count; i++) {
		const struct rf_pod_end *pod = &q->to.pods[i];

		t.addr = *rf_why_addr(pod, q->ipv6 || rf_addr_is_none(&pod->addr4));
		t.dialed = t.addr;
		if (q->to.kind == RF_WHY_ADDRESS && q->from.pod_count && q->from.pods[0].local && is_lost_service(w, &t.addr))
			keep_refusal(a, &t, q->proto, RF_REASON_NO_SERVICE);
		else
			r = ask_target(w, q, &t, a);
	}
	return r;
}

int rf_why_ask(struct rf_why_world *world, const struct rf_why_question *question, struct rf_why_answer *ret, char error[RF_WHY_ERROR_MAX])
{
	int r = -ESTALE;

	/* A revision that is published meanwhile: asked once more, so that all parts are of one. */
	for (int tries = 0; r == -ESTALE && tries < 8; tries++) {
		r = rf_why_world_refresh(world);
		ret->question = question;
		ret->part_count = ret->more = 0;
		ret->epoch = world->epoch;
		if (r == 0)
			r = question->to.kind == RF_WHY_SERVICE ? ask_service(world, question, ret) : ask_end(world, question, ret);
		if (r == -ENOENT && world->epoch)
			r = -ESTALE; /* an index of the revision before */
	}
	if (r == -ENOENT)
		snprintf(error, RF_WHY_ERROR_MAX, "no policy has been published yet: everything is denied; see: ringfence status");
	else if (r < 0)
		snprintf(error, RF_WHY_ERROR_MAX, "cannot ask the kernel: %s",
			 *rf_datapath_error(world->dp) ? rf_datapath_error(world->dp) : strerror(-r));
	return r;
}
