/* SPDX-License-Identifier: Apache-2.0 */
/* The request decision (design.md, "L7 verdicts"): one pure function over a validated blob. */
#include <stdlib.h>
#include <string.h>

#include <ringfence/path.h>

#include "automaton/holds.h"
#include "automaton/run.h"
#include "automaton/search.h"
#include "core/cleanup.h"

/* What finding the routes of one path may cost, in the steps of holds.h: a tenth of a second. Only an NFA comes near it, of routes that
 * each keep thousands of states at once: nobody else is served meanwhile. */
#define PATH_WORK_MAX (32 * 1024 * 1024)

#define PATH_ON_STACK 4096 /* longer paths get memory of their own */

/* The atoms that match one subject, as far as the decision needs them. */
struct matches {
	const char *base;
	const struct rf_automaton *automaton;
	const uint64_t *granted;
	const struct rf_request_question *question;
	size_t work;     /* left for conditions */
	uint32_t own;    /* the first that is granted, RF_NO_ATOM = none */
	uint32_t others; /* the first that is not; only kept while there is none that is */
};
#define RF_NO_ATOM UINT32_MAX

/* Conditions cost time, so they are looked at only where they can change the answer. */
static void see_atom(struct matches *m, uint32_t atom)
{
	const bool granted = m->granted[atom / 64] >> (atom % 64) & 1;

	if (granted ? atom >= m->own : m->own != RF_NO_ATOM || atom >= m->others)
		return;
	if (!rf_atom_holds(m->base, m->automaton, atom, m->question, &m->work))
		return;
	if (granted)
		m->own = atom;
	else
		m->others = atom;
}

static void see_set(void *arg, uint32_t set)
{
	struct matches *m = arg;
	const uint32_t *first = (const uint32_t *)(m->base + m->automaton->sets_off), *atoms = first + m->automaton->accept_sets + 2;

	for (uint32_t i = first[set]; i < first[set + 1]; i++)
		see_atom(m, atoms[i]);
}

/* One form of the path. *rule is the atom's, untouched if there is none. */
static enum rf_reason judge(const char *base, const struct rf_route_grant *grant, const struct rf_request_question *question,
			    const struct rf_subject *subject, uint32_t *rule)
{
	struct matches m = {.base = base, .question = question, .work = RF_COND_WORK_MAX, .own = RF_NO_ATOM, .others = RF_NO_ATOM};
	const struct rf_atom_info *atoms;
	size_t path_work = PATH_WORK_MAX;

	if (grant->automaton_off == 0)
		return RF_REASON_NO_ROUTE;
	m.automaton = (const struct rf_automaton *)(base + grant->automaton_off);
	m.granted = (const uint64_t *)(base + grant->atoms_off);
	atoms = (const struct rf_atom_info *)(base + m.automaton->atoms_off);
	rf_run_subject(m.automaton, base, subject, &path_work, see_set, &m);
	if (m.own != RF_NO_ATOM) {
		*rule = atoms[m.own].rule_id;
		return RF_REASON_ALLOW_L7;
	}
	if (!m.work || !path_work)
		return RF_REASON_BAD_REQUEST; /* not all of it could be judged */
	if (m.others == RF_NO_ATOM)
		return RF_REASON_NO_ROUTE;
	*rule = atoms[m.others].rule_id;
	return RF_REASON_ROUTE_OTHERS;
}

/* Both forms must be allowed; of two denials "no route" wins, which tells the client less. */
static enum rf_reason judge_both(const char *base, const struct rf_route_grant *grant, const struct rf_request_question *question,
				 const struct rf_subject *raw, const struct rf_subject *canonical, uint32_t *rule)
{
	const bool same = raw->path_len == canonical->path_len && memcmp(raw->path, canonical->path, raw->path_len) == 0;
	uint32_t raw_rule = *rule, canonical_rule = *rule;
	enum rf_reason by_raw, by_canonical;

	by_canonical = judge(base, grant, question, canonical, &canonical_rule);
	if (same) { /* nearly always */
		*rule = canonical_rule;
		return by_canonical;
	}
	by_raw = judge(base, grant, question, raw, &raw_rule);
	if (by_raw == RF_REASON_NO_ROUTE || by_canonical == RF_REASON_NO_ROUTE)
		return RF_REASON_NO_ROUTE;
	if (by_raw != RF_REASON_ALLOW_L7) {
		*rule = raw_rule;
		return by_raw;
	}
	*rule = canonical_rule;
	return by_canonical;
}

static const struct rf_route_grant *grant_of(const char *base, uint32_t routes_id)
{
	return (const struct rf_route_grant *)(base + ((const struct rf_routes_head *)base)->grants_off) + routes_id;
}

/* Does the request name the destination as this grant asks for? Else *reason is why not. */
static bool names_it(const char *base, uint64_t authority_off, const struct rf_request_question *q, enum rf_reason *reason)
{
	size_t work = RF_COND_WORK_MAX;

	if (!authority_off || rf_authority_holds(base, authority_off, q, &work))
		return true;
	*reason = !work ? RF_REASON_BAD_REQUEST : q->tls ? RF_REASON_SERVER_NAME : RF_REASON_AUTHORITY;
	return false;
}

static enum rf_reason decide_request(const char *base, uint32_t routes_id, const struct rf_request_question *q, uint32_t *rule)
{
	const struct rf_route_grant *grant = grant_of(base, routes_id);
	struct rf_subject raw = {q->method, q->method_len, q->target, q->target_len}, canonical = raw;
	_cleanup_free_ char *heap = NULL;
	char stack[PATH_ON_STACK], *out = stack;
	enum rf_reason reason;
	uint32_t len;

	if (q->target_len > INT32_MAX)
		return RF_REASON_BAD_PATH;
	raw.path_len = rf_path_length(q->target, (uint32_t)q->target_len);
	if (raw.path_len > sizeof(stack)) {
		heap = malloc(raw.path_len);
		out = heap;
	}
	if (!out || rf_path_canonical(raw.path, (uint32_t)raw.path_len, out, (uint32_t)raw.path_len, &len) < 0)
		return RF_REASON_BAD_PATH;
	canonical.path = out;
	canonical.path_len = len;
	if (!names_it(base, grant->authority_off, q, &reason))
		return reason;
	return judge_both(base, grant, q, &raw, &canonical, rule);
}

/* Which TLS connection it is only its server name says, and where it goes. */
static enum rf_reason decide_tls(const char *base, uint32_t routes_id, const struct rf_request_question *q, uint32_t *rule)
{
	static const struct rf_subject any = {"CONNECT", 7, "/", 1};
	const struct rf_route_grant *grant = grant_of(base, routes_id);
	enum rf_reason reason;

	if (!names_it(base, grant->authority_off, q, &reason))
		return reason;
	return judge(base, grant, q, &any, rule) == RF_REASON_ALLOW_L7 ? RF_REASON_ALLOW_EGRESS_L7 : RF_REASON_SERVER_NAME;
}

static enum rf_reason decide_outside(const char *base, const struct rf_request_question *q, uint32_t *rule)
{
	const struct rf_route_egress *egress;
	enum rf_reason reason;

	if (((const struct rf_routes_head *)base)->flags & RF_ROUTES_EGRESS)
		return RF_REASON_ALLOW_EGRESS;
	egress = rf_routes_egress(base, q->src, q->port);
	if (!egress || egress->kind != (q->tls ? RF_EGRESS_HTTPS : RF_EGRESS_HTTP))
		return RF_REASON_NO_EGRESS;
	*rule = egress->rule_id;
	if (q->tls)
		return decide_tls(base, egress->routes_id, q, rule);
	reason = decide_request(base, egress->routes_id, q, rule);
	return reason == RF_REASON_ALLOW_L7 ? RF_REASON_ALLOW_EGRESS_L7 : reason;
}

/* Everything is allowed, but strictAuthority asks for a name of the destination. */
static enum rf_reason decide_permissive(const char *base, const struct rf_request_question *q, bool local)
{
	const struct rf_route_pair *pair = rf_routes_pair(base, 0, q->dst, q->port);
	const struct rf_route_grant *grant = pair ? grant_of(base, local ? pair->local_id : pair->routes_id) : NULL;
	enum rf_reason reason = RF_REASON_ALLOW_PERMISSIVE;

	if (grant)
		(void)names_it(base, grant->authority_off, q, &reason);
	return reason;
}

static enum rf_reason decide_inside(const char *base, const struct rf_request_question *q, bool local, uint32_t *rule)
{
	const struct rf_route_pair *pair;

	if (q->tls)
		return RF_REASON_NO_RULE;
	if (((const struct rf_routes_head *)base)->flags & RF_ROUTES_PERMISSIVE)
		return decide_permissive(base, q, local);
	pair = rf_routes_pair(base, q->src, q->dst, q->port);
	if (!pair)
		return RF_REASON_NO_RULE;
	*rule = pair->rule_id;
	if (pair->verdict == RF_VERDICT_ALLOW)
		return RF_REASON_ALLOW_RULE;
	return pair->verdict == RF_VERDICT_L7 ? decide_request(base, pair->routes_id, q, rule) : RF_REASON_NO_RULE;
}

/* What a policy says passes under audit. Not what cannot be judged. */
static bool is_auditable(enum rf_reason reason)
{
	switch (reason) {
	case RF_REASON_NO_RULE:
	case RF_REASON_NO_EGRESS:
	case RF_REASON_AUTHORITY:
	case RF_REASON_SERVER_NAME:
	case RF_REASON_NO_ROUTE:
	case RF_REASON_ROUTE_OTHERS:
		return true;
	default:
		return false;
	}
}

void rf_routes_decide(const void *blob, const struct rf_request_question *q, struct rf_request_answer *ret)
{
	const struct rf_route_ident *src = rf_routes_ident(blob, q->src), *dst = rf_routes_ident(blob, q->dst);
	uint32_t audit;

	*ret = (struct rf_request_answer){.reason = RF_REASON_NO_RULE, .would = RF_REASON_UNSPEC};
	if (!src)
		return; /* nobody's request: there is no audit for it either */
	ret->reason = dst ? decide_inside(blob, q, src->ns == dst->ns, &ret->rule_id) : decide_outside(blob, q, &ret->rule_id);
	audit = dst ? dst->audit & RF_AUDIT_TO : src->audit & RF_AUDIT_FROM;
	if (!audit || !is_auditable(ret->reason))
		return;
	ret->would = ret->reason;
	ret->reason = RF_REASON_ALLOW_AUDIT;
}

bool rf_routes_tls(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port)
{
	const struct rf_route_egress *egress;

	if (!rf_routes_ident(blob, src) || rf_routes_ident(blob, dst))
		return false;
	egress = rf_routes_egress(blob, src, port);
	return egress && egress->kind == RF_EGRESS_HTTPS;
}
