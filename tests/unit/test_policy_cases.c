/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance cases that the compiled tables alone can answer (no pods, no kernel): what a connect and one request would get. The
 * runner in tests/conformance asks the same questions with real processes.
 */
#include "policy_world.h"

#include <cjson/cJSON.h>

static const char *const groups[] = {"tutorial", "rbac", "rules", "method", "regex", "tcp", "ingress"};

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return text ? text : "";
}

static int number_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(item) ? item->valueint : 0;
}

static cJSON *read_cases(void)
{
	static char text[1024 * 1024];
	FILE *f = fopen("tests/conformance/cases.json", "r");
	size_t n;
	cJSON *cases;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	cases = cJSON_Parse(text);
	assert_true(cJSON_IsArray(cases));
	return cases;
}

/* ---- the world of a case ---- */

static void add_namespaces(struct world *w, const cJSON *test)
{
	const cJSON *meshed = cJSON_GetObjectItemCaseSensitive(test, "mesh_namespaces"), *item;

	cJSON_ArrayForEach(item, meshed)
	{
		world_namespace(w, cJSON_GetStringValue(item), true);
	}
}

static const char *name_of(const char *account)
{
	const char *slash = strchr(account, '/');

	return slash ? slash + 1 : account;
}

static void add_service(struct world *w, const cJSON *s)
{
	const char *ns = text_of(s, "ns"), *name = text_of(s, "name"), *account = name_of(text_of(s, "sa")),
		   *app = text_of(s, "appProtocol");
	const cJSON *ip = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(s, "endpoint_ips"), 0);

	world_yamlf(
		w, "services.yaml",
		"apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec:\n  selector: {app: %s}\n"
		"  ports: [{port: %d, targetPort: %d%s%s}]\n---\n"
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec:\n  selector: {matchLabels: {app: %s}}\n"
		"  template:\n    metadata: {labels: {app: %s}}\n    spec: {serviceAccountName: %s, containers: [{name: c, image: i}]}\n",
		name, ns, name, number_of(s, "port"), number_of(s, "targetPort"), *app ? ", appProtocol: " : "", app, name, ns, name, name,
		account);
	world_pod(w, ns, name, account, name, ip ? cJSON_GetStringValue(ip) : "10.244.0.2");
}

/* The client runs too; nothing selects it. */
static void add_client(struct world *w, const char *account)
{
	const char *name = name_of(account);

	if (name != account)
		world_pod(w, rf_arena_strndup(w->arena, account, (size_t)(name - account - 1)), "client", name, "-", "10.244.0.3");
}

static void begin_case(struct world *w, const cJSON *test, const char *manifests)
{
	const cJSON *s, *services = cJSON_GetObjectItemCaseSensitive(test, "services");

	world_begin(w);
	add_namespaces(w, test);
	cJSON_ArrayForEach(s, services)
	{
		add_service(w, s);
	}
	add_client(w, text_of(test, "from_sa"));
	world_yaml(w, "case.yaml", manifests);
	world_compile(w);
}

/* ---- what would happen ---- */

static const char *const refused = "refused", *const open_ = "ok";

static uint16_t target_port(const cJSON *test, const char *account, int port)
{
	const cJSON *s, *services = cJSON_GetObjectItemCaseSensitive(test, "services");

	cJSON_ArrayForEach(s, services)
	{
		if (!strcmp(text_of(s, "sa"), account) && (number_of(s, "port") == port || number_of(s, "targetPort") == port))
			return (uint16_t)number_of(s, "targetPort");
	}
	return 0;
}

static bool ingress_admits(const struct world *w, const char *source, const char *dst, uint16_t port)
{
	for (size_t i = 0; i < w->policy->ingress_count; i++) {
		const struct rf_ingress_key *k = &w->policy->ingress_keys[i];
		struct rf_addr a = address(source);

		if (k->dst == id(dst) && k->port == port && world_in_prefix(&a, &k->addr, k->prefixlen - RF_INGRESS_FIXED_BITS))
			return true;
	}
	return false;
}

static bool meshed(const struct world *w, const char *account)
{
	for (size_t i = 0; i < w->policy->idents_count; i++)
		if (w->policy->idents_keys[i] == id(account))
			return true;
	return false;
}

/* "refused", "ok", or the status code as text */
static const char *outcome(const struct world *w, const cJSON *test, bool permissive)
{
	const cJSON *r = cJSON_GetObjectItemCaseSensitive(test, "request");
	const char *src = text_of(test, "from_sa"), *dst = text_of(test, "to_sa"), *source_ip = text_of(r, "source_ip");
	uint16_t port = target_port(test, dst, number_of(r, "port"));

	if (*source_ip)
		return ingress_admits(w, source_ip, dst, port) ? "200" : refused;
	if (permissive && meshed(w, src) && meshed(w, dst))
		return *text_of(r, "method") ? "200" : open_;
	switch (verdict(w, src, dst, port)) {
	case RF_VERDICT_DENY:
		return refused;
	case RF_VERDICT_ALLOW:
		return *text_of(r, "method") ? "200" : open_;
	case RF_VERDICT_L7:
		break;
	}
	switch (request(w, src, dst, port, text_of(r, "method"), text_of(r, "path"))) {
	case RF_REASON_ALLOW_L7:
		return "200";
	case RF_REASON_NO_ROUTE:
		return "404";
	case RF_REASON_ROUTE_OTHERS:
		return "403";
	default:
		return "400";
	}
}

/* refused and reset are one result: denied (semantics row 30). */
static bool meets(const cJSON *expect, const char *got)
{
	const char *connect = text_of(expect, "connect");
	char status[16];

	if (!strcmp(got, refused))
		return !strcmp(connect, "refused") || !strcmp(connect, "reset");
	if (*connect)
		return !strcmp(connect, got);
	snprintf(status, sizeof(status), "%d", number_of(expect, "http"));
	return !strcmp(status, got);
}

static bool meets_any(const cJSON *expect, const cJSON *accept, const char *got)
{
	const cJSON *item;

	if (meets(expect, got))
		return true;
	cJSON_ArrayForEach(item, accept)
	{
		if (meets(item, got))
			return true;
	}
	return false;
}

static bool check(const cJSON *test, const char *manifests, bool permissive, const cJSON *expect)
{
	struct world w;
	const char *got;
	bool ok;

	begin_case(&w, test, manifests);
	got = outcome(&w, test, permissive);
	ok = meets_any(expect, cJSON_GetObjectItemCaseSensitive(test, "accept"), got);
	if (!ok)
		print_message("%s: got %s\n", text_of(test, "id"), got);
	world_end(&w);
	return ok;
}

static bool run_case(const cJSON *test)
{
	const cJSON *steps = cJSON_GetObjectItemCaseSensitive(test, "steps"), *step;
	bool ok = true;

	if (!steps)
		return check(test, text_of(test, "manifests"), cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(test, "permissive")),
			     cJSON_GetObjectItemCaseSensitive(test, "expect"));
	cJSON_ArrayForEach(step, steps)
	{
		ok &= check(test, text_of(step, "manifests"), cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(step, "permissive")),
			    cJSON_GetObjectItemCaseSensitive(step, "expect"));
	}
	return ok;
}

/* Rejected objects are the parser's business; ingress-11 is one that we reject and OSM does not (semantics row 19). */
static bool concerns_tables(const cJSON *test)
{
	const cJSON *expect = cJSON_GetObjectItemCaseSensitive(test, "expect");

	if (cJSON_GetObjectItemCaseSensitive(expect, "apply") || !strcmp(text_of(test, "id"), "ingress-11-principal-only-http"))
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!strcmp(text_of(test, "group"), groups[i]))
			return true;
	return false;
}

static void test_cases(void **state)
{
	cJSON *cases = read_cases(), *test;
	size_t ran = 0, failed = 0;

	(void)state;
	cJSON_ArrayForEach(test, cases)
	{
		if (!concerns_tables(test))
			continue;
		ran++;
		failed += !run_case(test);
	}
	cJSON_Delete(cases);
	print_message("%zu cases, %zu failed\n", ran, failed);
	assert_true(ran >= 50);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("policy_cases", tests, NULL, NULL);
}
