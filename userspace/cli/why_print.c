/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_print.h"

#include <netinet/in.h>
#include <string.h>

#include "cli/why_entry.h"
#include "cli/why_routes.h"
#include "core/address_text.h"
#include "core/reason_text.h"

static const char *rule_of(const struct rf_why_world *w, const struct rf_why_part *p, char *room, size_t size)
{
	return p->rule_id && rf_datapath_rule(w->dp, p->rule_id, room, size) == 0 ? room : NULL;
}

/* "bookstore/bookstore at 10.201.0.2:3000 (pod bookstore/bookstore)" */
static void target_text(const struct rf_why_part *p, char *ret, size_t size)
{
	char addr[RF_ADDR_PORT_TEXT_MAX] = "";
	size_t n;

	if (rf_addr_is_none(&p->asked.daddr))
		snprintf(addr, sizeof(addr), "port %u, no pod of it runs", p->asked.port);
	else
		rf_addr_port_text(&p->asked.daddr, p->asked.port, addr, sizeof(addr));
	n = (size_t)snprintf(ret, size, "%s%s%s", p->to_account, *p->to_account ? " at " : "", addr);
	if (*p->to_pod && n < size)
		n += (size_t)snprintf(ret + n, size - n, " (pod %s)", p->to_pod);
	if (p->weights && n < size)
		snprintf(ret + n, size - n, ", weight %u of %u", p->weight, p->weights);
}

static const char *request_text(const struct rf_why_question *q, char *ret, size_t size)
{
	if (q->server_name)
		snprintf(ret, size, ", TLS server name %s", q->server_name);
	else if (q->path)
		snprintf(ret, size, ", %s %s", q->method, q->path);
	else
		ret[0] = '\0';
	return ret;
}

static void destination_text(const struct rf_why_question *q, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s port %u%s", q->to.kind == RF_WHY_SERVICE ? "Service " : "", q->to.text,
		 q->to.kind == RF_WHY_ADDRESS && !q->to.identity ? " (outside)" : "", q->to.port, q->proto == IPPROTO_UDP ? ", UDP" : "");
}

struct listing {
	FILE *out;
	size_t count;
};

static void print_route(void *arg, const char *rule)
{
	struct listing *l = arg;

	fprintf(l->out, "%s%s\n", l->count++ ? "             " : "  granted    ", rule);
}

static void print_entry(const struct rf_why_world *w, const struct rf_why_part *p, FILE *out)
{
	struct rf_why_entry e;

	if (rf_why_entry(w, p, &e) < 0) {
		fputs("  entry      cannot be read\n", out);
		return;
	}
	if (!e.table[0])
		return;
	fprintf(out, "  entry      %s: %s%s%s%s\n", e.table, e.found ? "" : "none for ", e.key, e.found ? " -> " : "",
		e.found ? e.value : "");
	fprintf(out, "             %s\n             %s\n", e.pin, e.command);
}

static void print_part(const struct rf_why_world *w, const struct rf_why_answer *a, const struct rf_why_part *p, FILE *out)
{
	char text[1024], rule[RF_RULE_TEXT_MAX];
	struct listing l = {.out = out};

	target_text(p, text, sizeof(text));
	fprintf(out, "  to         %s\n", text);
	if (a->question->from.pod_count > 1)
		fprintf(out, "  from pod   %s\n", p->from_pod);
	if (a->part_count > 1)
		fprintf(out, "  decision   %s\n", rf_why_decision_text(p->decision));
	fprintf(out, "  engine     %s\n", rf_why_engine_text(p->engine));
	fprintf(out, "  reason     %s: %s\n", rf_reason_name(p->reason), rf_reason_text(p->reason));
	if (p->would)
		fprintf(out, "  would be   %s: %s\n", rf_reason_name(p->would), rf_reason_text(p->would));
	if (rule_of(w, p, rule, sizeof(rule)))
		fprintf(out, "  rule       %s\n", rule);
	print_entry(w, p, out);
	if (p->decision == RF_WHY_PER_REQUEST) {
		rf_why_routes_each(w, p, print_route, &l);
		if (!l.count)
			fputs("  granted    no route at all: every request gets 404\n", out);
	}
}

static void print_missing(const struct rf_why_missing *m, FILE *out)
{
	if (m->sentence[0])
		fprintf(out, "missing: %s\n", m->sentence);
	if (m->command[0])
		fprintf(out, "this would admit it:\n  %s\n", m->command);
	if (m->policy)
		fprintf(out, "the smallest policy that would admit it:\n%s", m->policy);
}

void rf_why_print(const struct rf_why_world *world, const struct rf_why_answer *answer, const struct rf_why_missing *missing, FILE *out)
{
	char to[RF_IDENTITY_NAME_MAX + 64], request[1024];

	destination_text(answer->question, to, sizeof(to));
	fprintf(out, "%s: %s to %s%s\n", rf_why_mixed(answer) ? "it depends on the pod" : rf_why_decision_text(rf_why_overall(answer)),
		answer->question->from.text, to, request_text(answer->question, request, sizeof(request)));
	for (size_t i = 0; i < answer->part_count; i++)
		print_part(world, answer, &answer->parts[i], out);
	if (answer->more)
		fprintf(out, "  and %zu more pods\n", answer->more);
	print_missing(missing, out);
}

/* ---- JSON ---- */

static void add_text(cJSON *o, const char *name, const char *text)
{
	if (text && *text)
		cJSON_AddStringToObject(o, name, text);
}

static void add_route(void *arg, const char *rule)
{
	cJSON_AddItemToArray(arg, cJSON_CreateString(rule));
}

static void add_entry(const struct rf_why_world *w, const struct rf_why_part *p, cJSON *o)
{
	struct rf_why_entry e;
	cJSON *item;

	if (rf_why_entry(w, p, &e) < 0 || !e.table[0])
		return;
	item = cJSON_AddObjectToObject(o, "entry");
	cJSON_AddStringToObject(item, "table", e.table);
	cJSON_AddBoolToObject(item, "found", e.found);
	cJSON_AddStringToObject(item, "key", e.key);
	add_text(item, "value", e.value);
	cJSON_AddStringToObject(item, "pin", e.pin);
	cJSON_AddStringToObject(item, "command", e.command);
}

static cJSON *part_json(const struct rf_why_world *w, const struct rf_why_part *p)
{
	char addr[RF_ADDR_TEXT_MAX], rule[RF_RULE_TEXT_MAX];
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "decision", rf_why_decision_text(p->decision));
	cJSON_AddStringToObject(o, "engine", rf_why_engine_text(p->engine));
	cJSON_AddStringToObject(o, "reason", rf_reason_name(p->reason));
	cJSON_AddStringToObject(o, "reason_text", rf_reason_text(p->reason));
	if (p->would)
		cJSON_AddStringToObject(o, "would", rf_reason_name(p->would));
	add_text(o, "rule", rule_of(w, p, rule, sizeof(rule)));
	add_text(o, "account", p->to_account);
	add_text(o, "pod", p->to_pod);
	add_text(o, "from_pod", p->from_pod);
	if (!rf_addr_is_none(&p->asked.daddr))
		cJSON_AddStringToObject(o, "address", rf_addr_text(&p->asked.daddr, addr, sizeof(addr)));
	cJSON_AddNumberToObject(o, "port", p->asked.port);
	if (p->weights) {
		cJSON_AddNumberToObject(o, "weight", p->weight);
		cJSON_AddNumberToObject(o, "weights", p->weights);
	}
	add_entry(w, p, o);
	if (p->decision == RF_WHY_PER_REQUEST)
		rf_why_routes_each(w, p, add_route, cJSON_AddArrayToObject(o, "granted"));
	return o;
}

cJSON *rf_why_json(const struct rf_why_world *world, const struct rf_why_answer *answer, const struct rf_why_missing *missing)
{
	const struct rf_why_question *q = answer->question;
	cJSON *o = cJSON_CreateObject(), *parts;

	cJSON_AddStringToObject(o, "source", q->from.text);
	cJSON_AddBoolToObject(o, "source_meshed", q->from.meshed);
	cJSON_AddStringToObject(o, "destination", q->to.text);
	cJSON_AddNumberToObject(o, "port", q->to.port);
	cJSON_AddStringToObject(o, "protocol", q->proto == IPPROTO_UDP ? "udp" : "tcp");
	add_text(o, "method", q->method);
	add_text(o, "path", q->path);
	add_text(o, "server_name", q->server_name);
	cJSON_AddNumberToObject(o, "revision", answer->epoch);
	cJSON_AddStringToObject(o, "decision", rf_why_mixed(answer) ? "mixed" : rf_why_decision_text(rf_why_overall(answer)));
	cJSON_AddBoolToObject(o, "allowed", rf_why_overall(answer) != RF_WHY_DENIED);
	parts = cJSON_AddArrayToObject(o, "answers");
	for (size_t i = 0; i < answer->part_count; i++)
		cJSON_AddItemToArray(parts, part_json(world, &answer->parts[i]));
	if (answer->more)
		cJSON_AddNumberToObject(o, "more", (double)answer->more);
	add_text(o, "missing", missing->sentence);
	add_text(o, "run", missing->command);
	add_text(o, "policy", missing->policy);
	return o;
}
