/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws that hold for every policy, on random ones: adding an allow never takes an admission away and removing one never gives any, L4 never
 * widens L7, empty lists admit nothing, and neither the order of objects nor the layout of files matters. Admissions are judged as kernel
 * and checker judge them: the allow list, and behind it the routes blob. The seed is printed; RINGFENCE_TEST_SEED repeats a run, and
 * RINGFENCE_LAW_POLICIES asks for more than so many policies a law.
 */
#include "policy_random.h"

#include <time.h>

#define POLICIES 500

static const uint16_t ports[] = {80, 8080, 81, 90, 53};
static const char *const methods[] = {"GET", "POST"};
static const char *const paths[] = {"/a", "/b", "/a/x", "/b/12", "/A?q"};

#define REQUESTS (RF_ARRAY_SIZE(methods) * RF_ARRAY_SIZE(paths))
#define PAIRS    (RANDOM_ACCOUNTS * RANDOM_ACCOUNTS)

struct admissions {
	bool tcp[PAIRS][RF_ARRAY_SIZE(ports)][REQUESTS];
	bool udp[PAIRS][RF_ARRAY_SIZE(ports)];
	bool guarded[PAIRS]; /* UDP to this destination is asked for at all */
};

static uint64_t seed, admitted, denied;
static unsigned policies;

static bool request_admitted(const struct world *w, const char *src, const char *dst, uint16_t port, size_t request_number)
{
	const enum rf_verdict v = verdict(w, src, dst, port);
	const char *method = methods[request_number % RF_ARRAY_SIZE(methods)], *path = paths[request_number / RF_ARRAY_SIZE(methods)];

	if (w->policy->config.permissive || v == RF_VERDICT_ALLOW)
		return true;
	return v == RF_VERDICT_L7 && rf_reason_admits(request(w, src, dst, port, method, path));
}

static void judge_pair(const struct world *w, size_t pair, struct admissions *a)
{
	const char *src = random_account[pair / RANDOM_ACCOUNTS], *dst = random_account[pair % RANDOM_ACCOUNTS];
	const struct rf_ident *to = ident(w, dst);

	a->guarded[pair] = !to || to->datagrams;
	for (size_t p = 0; p < RF_ARRAY_SIZE(ports); p++) {
		a->udp[pair][p] = verdict_of(w, src, dst, ports[p], IPPROTO_UDP) == RF_VERDICT_ALLOW;
		for (size_t k = 0; k < REQUESTS; k++) {
			a->tcp[pair][p][k] = request_admitted(w, src, dst, ports[p], k);
			admitted += a->tcp[pair][p][k];
			denied += !a->tcp[pair][p][k];
		}
	}
}

static void judge(const cJSON *all, struct admissions *a)
{
	struct world w;

	build_world(&w, all, ONE_YAML);
	for (size_t pair = 0; pair < PAIRS; pair++)
		judge_pair(&w, pair, a);
	world_end(&w);
}

static void show(const char *title, const cJSON *all)
{
	const cJSON *item;

	print_message("%s\n", title);
	cJSON_ArrayForEach(item, all)
	{
		const char *kind = rf_json_text(item, "kind", "");
		char *text = cJSON_PrintUnformatted(item);

		if (strcmp(kind, "Namespace") && strcmp(kind, "Deployment") && strcmp(kind, "Service"))
			print_message("  %s\n", text);
		cJSON_free(text);
	}
}

static void broken(const char *law, const cJSON *a, const cJSON *b, size_t pair, size_t port, size_t k)
{
	show("one policy:", a);
	show("the other:", b);
	fail_msg("%s: %s -> %s port %u, %s %s (RINGFENCE_TEST_SEED=%llu)", law, random_account[pair / RANDOM_ACCOUNTS],
		 random_account[pair % RANDOM_ACCOUNTS], ports[port], methods[k % RF_ARRAY_SIZE(methods)],
		 paths[k / RF_ARRAY_SIZE(methods)], (unsigned long long)seed);
}

/* Whatever `less` admits, `more` admits. Only where both guard UDP is it comparable: the first UDPRoute of a destination is what guards it.
 */
static void at_most(const char *law, const cJSON *less, const cJSON *more)
{
	static struct admissions a, b;

	judge(less, &a);
	judge(more, &b);
	for (size_t pair = 0; pair < PAIRS; pair++)
		for (size_t p = 0; p < RF_ARRAY_SIZE(ports); p++) {
			for (size_t k = 0; k < REQUESTS; k++)
				if (a.tcp[pair][p][k] && !b.tcp[pair][p][k])
					broken(law, less, more, pair, p, k);
			if (a.guarded[pair] && b.guarded[pair] && a.udp[pair][p] && !b.udp[pair][p])
				broken(law, less, more, pair, p, 0);
		}
}

static void same_requests(const char *law, const cJSON *one, const cJSON *other)
{
	static struct admissions a, b;

	judge(one, &a);
	judge(other, &b);
	for (size_t pair = 0; pair < PAIRS; pair++)
		for (size_t p = 0; p < RF_ARRAY_SIZE(ports); p++)
			for (size_t k = 0; k < REQUESTS; k++)
				if (a.tcp[pair][p][k] != b.tcp[pair][p][k])
					broken(law, one, other, pair, p, k);
}

/* ---- changes; each returns whether there was something to change ---- */

static bool add_target(cJSON *all)
{
	cJSON_AddItemToArray(all, random_target("more"));
	return true;
}

static bool add_source(cJSON *all)
{
	cJSON *sources = at(random_of(all, "TrafficTarget"), "spec.sources");

	return sources && cJSON_AddItemToArray(sources, random_source());
}

/* Rules of one kind are alternatives; a rule of another kind is a condition more (semantics: TCPRoute and HTTPRouteGroup must both pass).
 */
static bool add_rule(cJSON *all)
{
	cJSON *rules = at(random_of(all, "TrafficTarget"), "spec.rules"), *first = cJSON_GetArrayItem(rules, 0);

	return rules && cJSON_AddItemToArray(rules, random_rule(first ? kind_of(first) : NULL));
}

static bool add_match_name(cJSON *all)
{
	cJSON *rule, *matches;

	cJSON_ArrayForEach(rule, at(random_of(all, "TrafficTarget"), "spec.rules"))
	{
		matches = at(rule, "matches"); /* without the key all matches are meant */
		if (matches)
			return cJSON_AddItemToArray(matches, random_match_name());
	}
	return false;
}

static bool add_match(cJSON *all)
{
	cJSON *matches = at(random_of(all, "HTTPRouteGroup"), "spec.matches");

	return matches && cJSON_AddItemToArray(matches, random_match("m3"));
}

/* An empty list of methods or ports means any, as in OSM: only a list with something in it grows. */
static bool add_method(cJSON *all)
{
	cJSON *match, *list;

	cJSON_ArrayForEach(match, at(random_of(all, "HTTPRouteGroup"), "spec.matches"))
	{
		list = at(match, "methods");
		if (cJSON_GetArraySize(list) > 0)
			return cJSON_AddItemToArray(list, random_method());
	}
	return false;
}

static bool widen_path(cJSON *all)
{
	cJSON *match = cJSON_GetArrayItem(at(random_of(all, "HTTPRouteGroup"), "spec.matches"), 0), *path = at(match, "pathRegex");
	char text[64];

	if (!path || !*path->valuestring)
		return false;
	snprintf(text, sizeof(text), "%s|/b/\\d+", path->valuestring);
	return cJSON_SetValuestring(path, text) || cJSON_ReplaceItemInObject(match, "pathRegex", cJSON_CreateString(text));
}

static bool add_port(cJSON *all)
{
	cJSON *list = at(random_of(all, "TCPRoute"), "spec.matches.ports");

	return cJSON_GetArraySize(list) > 0 && cJSON_AddItemToArray(list, random_port());
}

/* What was named and missing. */
static bool add_missing(cJSON *all)
{
	const char *ns = random_ns[dice(RANDOM_ACCOUNTS)];

	return cJSON_AddItemToArray(all, dice(2) ? random_group(ns, 3) : random_ports("TCPRoute", ns, 3));
}

static bool remove_any(cJSON *array, int least)
{
	const int n = cJSON_GetArraySize(array);

	if (n <= least)
		return false;
	cJSON_DeleteItemFromArray(array, (int)dice((unsigned)n));
	return true;
}

static bool remove_object(cJSON *all, const char *kind)
{
	cJSON *object = random_of(all, kind);

	if (!object)
		return false;
	cJSON_Delete(cJSON_DetachItemViaPointer(all, object));
	return true;
}

static bool remove_target(cJSON *all)
{
	return remove_object(all, "TrafficTarget");
}

static bool remove_group(cJSON *all)
{
	return remove_object(all, "HTTPRouteGroup");
}

static bool remove_tcp_route(cJSON *all)
{
	return remove_object(all, "TCPRoute");
}

static bool remove_source(cJSON *all)
{
	return remove_any(at(random_of(all, "TrafficTarget"), "spec.sources"), 0);
}

/* One that others of its kind, or nobody, stand beside: see add_rule. */
static bool remove_rule(cJSON *all)
{
	cJSON *rules = at(random_of(all, "TrafficTarget"), "spec.rules"), *rule;

	cJSON_ArrayForEach(rule, rules) if (strcmp(kind_of(rule), kind_of(rules->child))) return false;
	return remove_any(rules, 0);
}

static bool remove_match(cJSON *all)
{
	return remove_any(at(random_of(all, "HTTPRouteGroup"), "spec.matches"), 0);
}

static bool remove_match_name(cJSON *all)
{
	cJSON *rule;

	cJSON_ArrayForEach(rule, at(random_of(all, "TrafficTarget"), "spec.rules")) if (remove_any(at(rule, "matches"), 0)) return true;
	return false;
}

static bool remove_method(cJSON *all)
{
	cJSON *match;

	cJSON_ArrayForEach(match,
			   at(random_of(all, "HTTPRouteGroup"), "spec.matches")) if (remove_any(at(match, "methods"), 1)) return true;
	return false;
}

static bool remove_port(cJSON *all)
{
	return remove_any(at(random_of(all, "TCPRoute"), "spec.matches.ports"), 1);
}

/* There may be nothing to change where it looked first. */
static bool change(bool (*how)(cJSON *), cJSON *all)
{
	for (int i = 0; i < 30; i++)
		if (how(all))
			return true;
	return false;
}

static void test_adding(void **state)
{
	static bool (*const changes[])(cJSON *) = {add_target, add_source, add_rule, add_match_name, add_match,
						   add_method, widen_path, add_port, add_missing};
	size_t done[RF_ARRAY_SIZE(changes)] = {0};

	(void)state;
	for (unsigned i = 0; i < policies; i++) {
		const size_t which = i % RF_ARRAY_SIZE(changes);
		cJSON *less, *more;

		random_seed(seed + i);
		less = random_policy();
		more = cJSON_Duplicate(less, 1);
		if (change(changes[which], more)) {
			at_most("adding took something away", less, more);
			done[which]++;
		}
		cJSON_Delete(less);
		cJSON_Delete(more);
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(changes); i++) {
		print_message("change %zu: %zu policies\n", i, done[i]);
		assert_true(done[i] > policies / RF_ARRAY_SIZE(changes) / 10);
	}
}

static void test_removing(void **state)
{
	static bool (*const changes[])(cJSON *) = {remove_target, remove_group,      remove_tcp_route, remove_source, remove_rule,
						   remove_match,  remove_match_name, remove_method,    remove_port};
	size_t done[RF_ARRAY_SIZE(changes)] = {0};

	(void)state;
	for (unsigned i = 0; i < policies; i++) {
		const size_t which = i % RF_ARRAY_SIZE(changes);
		cJSON *less, *more;

		random_seed(seed + i + 1000000);
		more = random_policy();
		less = cJSON_Duplicate(more, 1);
		if (change(changes[which], less)) {
			at_most("removing gave something", less, more);
			done[which]++;
		}
		cJSON_Delete(less);
		cJSON_Delete(more);
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(changes); i++) {
		print_message("change %zu: %zu policies\n", i, done[i]);
		assert_true(done[i] > policies / RF_ARRAY_SIZE(changes) / 10);
	}
}

/* A target with nothing but TCPRoutes: on HTTP ports no request passes that did not pass before, and no connection without the checker. */
static void test_l4_never_widens_l7(void **state)
{
	static struct admissions a, b;

	(void)state;
	for (unsigned i = 0; i < policies; i++) {
		cJSON *before, *after, *target = NULL;

		random_seed(seed + i + 2000000);
		before = random_policy();
		after = cJSON_Duplicate(before, 1);
		target = random_target("l4");
		cJSON_ReplaceItemInObject(at(target, "spec"), "rules", cJSON_CreateArray());
		for (unsigned n = 1 + dice(2); n > 0; n--)
			cJSON_AddItemToArray(at(target, "spec.rules"), random_rule("TCPRoute"));
		cJSON_AddItemToArray(after, target);
		judge(before, &a);
		judge(after, &b);
		for (size_t pair = 0; pair < PAIRS; pair++)
			for (size_t p = 0; p < 2; p++) /* 80 and 8080 */
				for (size_t k = 0; k < REQUESTS; k++)
					if (a.tcp[pair][p][k] != b.tcp[pair][p][k])
						broken("a TCPRoute widened HTTP", before, after, pair, p, k);
		cJSON_Delete(before);
		cJSON_Delete(after);
	}
}

/* Empties one list of a policy; `without` is what the policy then has to be worth. False: this policy has nothing of the kind. */
static bool empty_one(unsigned what, cJSON *with, cJSON *without)
{
	static const char *const lists[] = {"spec.sources", "spec.rules"};
	cJSON *target = random_of(with, what == 3 ? "HTTPRouteGroup" : "TrafficTarget"), *rule, *list;
	int index = 0;

	if (!target)
		return false;
	for (cJSON *item = with->child; item != target; item = item->next)
		index++;
	if (what < 2 || what == 3) {
		list = at(target, what == 3 ? "spec.matches" : lists[what]);
		while (remove_any(list, 0))
			;
		cJSON_DeleteItemFromArray(without, index); /* as if it were not there */
		return true;
	}
	/* matches: [] of a rule: as if the rule were not there, or with no other of its kind (which makes it a condition) the target */
	rule = cJSON_GetArrayItem(at(target, "spec.rules"), 0);
	if (!rule || kind_of(rule)[0] != 'H')
		return false;
	cJSON_DeleteItemFromObject(rule, "matches");
	cJSON_AddArrayToObject(rule, "matches");
	if (rule->next && kind_of(rule->next)[0] == 'H')
		cJSON_DeleteItemFromArray(at(cJSON_GetArrayItem(without, index), "spec.rules"), 0);
	else
		cJSON_DeleteItemFromArray(without, index);
	return true;
}

static void test_empty_lists(void **state)
{
	unsigned done[4] = {0};

	(void)state;
	for (unsigned i = 0; i < policies; i++) {
		cJSON *with, *without;

		random_seed(seed + i + 3000000);
		with = random_policy();
		without = cJSON_Duplicate(with, 1);
		if (empty_one(i % 4, with, without)) {
			same_requests("an empty list admits", with, without);
			done[i % 4]++;
		}
		cJSON_Delete(with);
		cJSON_Delete(without);
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(done); i++)
		assert_true(done[i] > policies / 40);
}

/* ---- the ingress ---- */

static bool lets_in(const struct world *w, const struct rf_ingress_key *key)
{
	for (size_t i = 0; i < w->policy->ingress_count; i++)
		if (memcmp(&w->policy->ingress_keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void all_of(const struct world *less, const struct world *more)
{
	for (size_t i = 0; i < less->policy->ingress_count; i++)
		assert_true(lets_in(more, &less->policy->ingress_keys[i]));
}

/* One IngressBackend more only adds entries, and adds none if it names nobody or nothing. */
static void test_doors(void **state)
{
	size_t more = 0;

	(void)state;
	for (unsigned i = 0; i < policies / 4; i++) {
		struct world without, with, empty;
		cJSON *all, *door;

		random_seed(seed + i + 5000000);
		all = random_policy();
		build_world(&without, all, ONE_YAML);
		door = random_door(random_ns[dice(RANDOM_ACCOUNTS)]);
		cJSON_SetValuestring(at(door, "metadata.name"), "more");
		cJSON_AddItemToArray(all, door);
		build_world(&with, all, ONE_YAML);
		while (remove_any(at(door, i % 2 ? "spec.sources" : "spec.backends"), 0))
			;
		build_world(&empty, all, ONE_YAML);
		all_of(&without, &with);
		all_of(&without, &empty);
		all_of(&empty, &without);
		more += with.policy->ingress_count > without.policy->ingress_count;
		world_end(&without);
		world_end(&with);
		world_end(&empty);
		cJSON_Delete(all);
	}
	assert_true(more > policies / 40);
}

/* ---- order and layout ---- */

#define SAME(a, b, items, n) same((a)->items, (b)->items, (a)->n, (b)->n, sizeof(*(a)->items))
static void same(const void *a, const void *b, size_t count_a, size_t count_b, size_t size)
{
	assert_int_equal(count_a, count_b);
	if (count_a)
		assert_memory_equal(a, b, count_a * size);
}

/* A rule's text ends with its place, which is what differs. */
static void same_rules(const struct rf_policy *a, const struct rf_policy *b)
{
	assert_int_equal(a->rule_count, b->rule_count);
	for (size_t i = 1; i < a->rule_count; i++) {
		const char *place = strrchr(a->rules[i].text, '(');

		assert_non_null(place);
		assert_memory_equal(a->rules[i].text, b->rules[i].text, (size_t)(place - a->rules[i].text) + 1);
	}
}

static void same_policy(const struct rf_policy *a, const struct rf_policy *b)
{
	assert_memory_equal(&a->config, &b->config, sizeof(a->config));
	SAME(a, b, idents_keys, idents_count);
	SAME(a, b, idents_values, idents_count);
	SAME(a, b, allow_keys, allow_count);
	SAME(a, b, allow_values, allow_count);
	SAME(a, b, ingress_keys, ingress_count);
	SAME(a, b, ingress_values, ingress_count);
	SAME(a, b, services_keys, services_count);
	SAME(a, b, services_values, services_count);
	SAME(a, b, names_keys, names_count);
	SAME(a, b, names_values, names_count);
	SAME(a, b, backends, backend_count);
	SAME(a, b, grant_digests, grant_count);
	assert_int_equal(a->routes_size, b->routes_size);
	assert_memory_equal(a->routes, b->routes, a->routes_size);
	same_rules(a, b);
}

static void test_order_and_layout(void **state)
{
	(void)state;
	for (unsigned i = 0; i < policies; i++) {
		struct world a, b;
		cJSON *all;

		random_seed(seed + i + 4000000);
		all = random_policy();
		build_world(&a, all, ONE_YAML);
		if (i % 3)
			shuffle_array(all);
		build_world(&b, all, i % 5 ? i % _LAYOUT_MAX : A_FILE_EACH);
		same_policy(a.policy, b.policy);
		world_end(&a);
		world_end(&b);
		cJSON_Delete(all);
	}
}

static int begin(void **state)
{
	const char *given = getenv("RINGFENCE_TEST_SEED"), *count = getenv("RINGFENCE_LAW_POLICIES");

	(void)state;
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	policies = count ? (unsigned)strtoul(count, NULL, 10) : POLICIES;
	print_message("RINGFENCE_TEST_SEED=%llu, %u policies a law\n", (unsigned long long)seed, policies);
	return 0;
}

/* Laws about admissions say nothing where nothing, or everything, is admitted. */
static int end(void **state)
{
	(void)state;
	print_message("%llu admitted, %llu not\n", (unsigned long long)admitted, (unsigned long long)denied);
	return admitted * 50 > denied ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adding),      cmocka_unit_test(test_removing), cmocka_unit_test(test_l4_never_widens_l7),
		cmocka_unit_test(test_empty_lists), cmocka_unit_test(test_doors),    cmocka_unit_test(test_order_and_layout),
	};

	return cmocka_run_group_tests_name("policy_laws", tests, begin, end);
}
