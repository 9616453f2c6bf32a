/* SPDX-License-Identifier: Apache-2.0 */
/* What `why` suggests is read as a newcomer's file would be: without an error, and with the very path, port and names that were asked for.
 */
#include "objects_world.h"

#include "automaton/automaton.h"
#include "cli/why_policy.c"

static struct rf_objects *suggested(const struct rf_why_plan *plan)
{
	_cleanup_free_ char *text = NULL;
	struct rf_objects *o;

	assert_int_equal(rf_why_plan_text(plan, &text), 0);
	o = world_checked(text);
	for (size_t i = 0; i < o->diags.count; i++)
		if (o->diags.items[i].is_error)
			fail_msg("%s\n%s", world_diag(o, i), text);
	return o;
}

/* A pattern of our making matches its own text and nothing with a byte more. */
static void assert_matches(const char *pattern, const char *path)
{
	RF_CLEANUP(rf_automaton_image_freep) struct rf_automaton_image *image = NULL;
	struct rf_route_atom atom = {.path_pattern = pattern};
	char longer[1024];

	assert_int_equal(rf_automaton_build(&atom, 1, RF_DFA_STATES_MAX, &image), 0);
	assert_int_not_equal(rf_automaton_image_run(image, "GET", 3, path, strlen(path)), 0);
	snprintf(longer, sizeof(longer), "%sx", path);
	assert_int_equal(rf_automaton_image_run(image, "GET", 3, longer, strlen(longer)), 0);
}

static void a_request(void **state)
{
	static const struct rf_why_plan plan = {.kind = RF_PLAN_TARGET,
						.src = "buyers/buyer",
						.dst = "shop/store",
						.port = 8080,
						.http = true,
						.tcp_route = true,
						.method = "POST",
						.path = "/buy?how=many"};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);
	const struct rf_traffic_target *t = &o->targets[0];

	(void)state;
	assert_int_equal(o->targets_count, 1);
	assert_string_equal(t->destination.name, "store");
	assert_string_equal(t->meta.ns, "shop");
	assert_string_equal(t->sources[0].ns, "buyers");
	assert_int_equal(t->rule_count, 2);
	assert_int_equal(o->tcp_routes[0].ports[0], 8080);
	assert_string_equal(o->route_groups[0].matches[0].path_regex, "/buy");
	assert_int_equal(o->route_groups[0].match_count, 1);
	assert_string_equal(o->route_groups[0].matches[0].methods[0], "POST");
}

static void odd_paths(void **state)
{
	static const char *const paths[] = {"/a.b+c(d)", "/it's", "/a/../b", "/%61", "/$x^{1}|[z]", "//a", "/a;b"};

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(paths); i++) {
		const struct rf_why_plan plan = {
			.kind = RF_PLAN_TARGET, .src = "a/b", .dst = "c/d", .port = 1, .http = true, .method = "GET", .path = paths[i]};
		RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);
		const struct rf_http_route_group *group = &o->route_groups[0];
		char canonical[64];
		__u32 len = 0;

		assert_int_equal(rf_path_canonical(paths[i], (__u32)strlen(paths[i]), canonical, sizeof(canonical), &len), 0);
		canonical[len] = '\0';
		assert_int_equal(group->match_count, strcmp(canonical, paths[i]) == 0 ? 1 : 2);
		assert_matches(group->matches[0].path_regex, paths[i]);
		assert_matches(group->matches[group->match_count - 1].path_regex, canonical);
	}
}

static void paths_that_nothing_admits(void **state)
{
	static const char *const paths[] = {"*", "/%zz", "/../x", "/%00", "/%e4"};
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(paths); i++) {
		const struct rf_why_plan plan = {
			.kind = RF_PLAN_TARGET, .src = "a/b", .dst = "c/d", .port = 1, .http = true, .method = "GET", .path = paths[i]};

		assert_int_equal(rf_why_plan_text(&plan, &text), -EILSEQ);
	}
	assert_null(text);
}

static void other_scripts(void **state)
{
	static const struct rf_why_plan plan = {
		.kind = RF_PLAN_TARGET, .src = "a/b", .dst = "c/d", .port = 1, .http = true, .method = "PURGE", .path = "/stra%c3%9fe"};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);

	(void)state;
	assert_matches(o->route_groups[0].matches[0].path_regex, "/stra%c3%9fe");
	assert_matches(o->route_groups[0].matches[1].path_regex, "/stra\xc3\x9f"
								 "e");
	assert_int_equal(o->route_groups[0].matches[0].method_count, 0); /* a method of no list: any */
}

static void headers(void **state)
{
	static const struct rf_why_header h[] = {{"X-User", "a.b'c", 6, 5}};
	static const struct rf_why_plan plan = {.kind = RF_PLAN_TARGET,
						.src = "a/b",
						.dst = "c/d",
						.port = 1,
						.http = true,
						.method = "GET",
						.path = "/",
						.headers = h,
						.header_count = 1};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);

	(void)state;
	assert_int_equal(o->route_groups[0].matches[0].header_count, 1);
}

static void datagrams(void **state)
{
	static const struct rf_why_plan plan = {.kind = RF_PLAN_TARGET, .src = "a/b", .dst = "c/d", .port = 53, .udp = true};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);

	(void)state;
	assert_int_equal(o->udp_routes[0].ports[0], 53);
	assert_int_equal(o->route_groups_count, 0);
}

static void assert_source(struct rf_addr addr, const char *range)
{
	const struct rf_why_plan plan = {.kind = RF_PLAN_INGRESS, .dst = "c/d", .port = 80, .service = "c/web", .addr = addr};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);

	assert_string_equal(o->ingress_backends[0].backends[0].service, "web");
	assert_string_equal(o->ingress_backends[0].sources[0].name, range);
}

static void ingress(void **state)
{
	(void)state;
	assert_source(rf_addr4(RF_BE32(0xc6336407u)), "198.51.100.7/32");
	assert_source((struct rf_addr){{RF_BE32(0x20010db8u), 0, 0, RF_BE32(1u)}}, "2001:db8::1/128");
}

static void egress(void **state)
{
	const struct rf_addr addr = rf_addr4(RF_BE32(0xc6336407u));
	const struct rf_why_plan tcp = {.kind = RF_PLAN_EGRESS, .src = "a/b", .port = 443, .protocol = "tcp", .addr = addr};
	const struct rf_why_plan tls = {.kind = RF_PLAN_EGRESS, .src = "a/b", .port = 443, .protocol = "https", .host = "x.example"};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&tcp);
	RF_CLEANUP(rf_objects_freep) struct rf_objects *h = suggested(&tls);

	(void)state;
	assert_int_equal(o->egresses[0].ranges[0].prefix_len, 128);
	assert_string_equal(h->egresses[0].hosts[0].name, "x.example");
}

static void a_service_comes_with_it(void **state)
{
	static const struct rf_why_label labels[] = {{"app", "store"}, {"on", "true"}};
	static const struct rf_why_plan plan = {.kind = RF_PLAN_TARGET,
						.src = "a/b",
						.dst = "c/d",
						.port = 9000,
						.tcp_route = true,
						.labels = labels,
						.label_count = 2,
						.service_protocol = "tcp"};
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = suggested(&plan);

	(void)state;
	assert_int_equal(o->services_count, 1);
	assert_int_equal(o->services[0].ports[0].target_port, 9000);
	assert_int_equal(o->services[0].ports[0].kind, RF_PORT_TCP);
}

static void half_a_plan(void **state)
{
	static const struct rf_why_plan plans[] = {{.kind = RF_PLAN_TARGET, .src = "a/b"},
						   {.kind = RF_PLAN_TARGET, .dst = "a/b"},
						   {.kind = RF_PLAN_EGRESS, .src = "a/b"},
						   {.kind = RF_PLAN_INGRESS}};
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(plans); i++)
		assert_int_equal(rf_why_plan_text(&plans[i], &text), -EINVAL);
	assert_null(text);
}

/* Applied one after the other, two suggestions must not replace each other; the same one twice must. */
static void names_differ(void **state)
{
	struct rf_why_plan one = {
		.kind = RF_PLAN_TARGET, .src = "a/b", .dst = "c/d", .port = 1, .http = true, .method = "GET", .path = "/1"};
	struct rf_why_plan two = one;
	char a[96], b[96];

	(void)state;
	two.path = "/2";
	make_name(&one, a, sizeof(a));
	make_name(&two, b, sizeof(b));
	assert_string_not_equal(a, b);
	two.path = "/1";
	make_name(&two, b, sizeof(b));
	assert_string_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request),     cmocka_unit_test(odd_paths),    cmocka_unit_test(paths_that_nothing_admits),
		cmocka_unit_test(other_scripts), cmocka_unit_test(headers),      cmocka_unit_test(datagrams),
		cmocka_unit_test(ingress),       cmocka_unit_test(egress),       cmocka_unit_test(a_service_comes_with_it),
		cmocka_unit_test(half_a_plan),   cmocka_unit_test(names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
