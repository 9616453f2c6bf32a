/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds against an oracle that reads the semantics table directly, and laws that hold for all of them: order never matters, a new
 * target never takes anything away, a removed one never gives anything, no TCPRoute widens what is checked per request. For UDP the first
 * UDPRoute of a destination takes away, as that is what protects it; after that the same law holds.
 */
#include "policy_world.h"

#include "core/cleanup.h"

#define WORLDS   60
#define ACCOUNTS 5 /* "n0/a" ... "n4/a"; n4 is not in the mesh */
#define TARGETS  6
#define OUTSIDE  4

static const uint16_t ports[] = {1000, 2000}; /* http, tcp */
static const char *const paths[] = {"/x", "/y", "/z"};
static const char *const methods[] = {"GET", "PUT"};

static const uint16_t udp_ports[] = {53, 99, 1000, 2000};

enum udp_rule { UDP_NONE, UDP_53, UDP_99, UDP_ALL, UDP_MISSING, _UDP_MAX };
enum tcp_rule { TCP_NONE, TCP_1000, TCP_2000, TCP_ALL, TCP_MISSING, _TCP_MAX };

struct spec { /* of one TrafficTarget */
	unsigned dst;
	unsigned sources; /* bit mask */
	bool group;
	bool group_missing;
	unsigned matches; /* bit 0: GET /x, bit 1: any /y, bit 2: GET /x|/y with a header condition */
	enum tcp_rule tcp;
	enum udp_rule udp;
};

static uint64_t seed;

static unsigned dice(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % sides;
}

static struct spec random_spec(void)
{
	return (struct spec){
		.dst = dice(ACCOUNTS),
		.sources = 1 + dice((1 << ACCOUNTS) - 1),
		.group = dice(4) != 0,
		.group_missing = dice(8) == 0,
		.matches = 1 + dice(7),
		.tcp = dice(2) ? TCP_NONE : dice(_TCP_MAX),
		.udp = dice(3) ? UDP_NONE : dice(_UDP_MAX),
	};
}

/* ---- the oracle: what the table says about one target ---- */

static bool tcp_passes(const struct spec *s, uint16_t port)
{
	switch (s->tcp) {
	case TCP_NONE:
		return s->group;
	case TCP_1000:
		return port == 1000;
	case TCP_2000:
		return port == 2000;
	case TCP_ALL:
		return true;
	default:
		return false;
	}
}

static bool applies(const struct spec *s, unsigned src, unsigned dst, uint16_t port)
{
	return s->dst == dst && (s->sources & 1u << src) && src != OUTSIDE && dst != OUTSIDE && tcp_passes(s, port);
}

/* secret: the request has the header that match h wants. */
static bool has_route(const struct spec *s, const char *method, const char *path, bool secret)
{
	const bool get = !strcmp(method, "GET"), x = !strcmp(path, "/x"), y = !strcmp(path, "/y");

	if (!s->group || s->group_missing)
		return false;
	return ((s->matches & 1) && get && x) || ((s->matches & 2) && y) || ((s->matches & 4) && get && secret && (x || y));
}

static bool has_any_route(const struct spec *s)
{
	return s->group && !s->group_missing && s->matches;
}

static enum rf_verdict expected_verdict(const struct spec *specs, size_t n, unsigned src, unsigned dst, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (applies(&specs[i], src, dst, port) && (port == 1000 || !specs[i].group || has_any_route(&specs[i])))
			return port == 1000 ? RF_VERDICT_L7 : RF_VERDICT_ALLOW;
	return RF_VERDICT_DENY;
}

static bool others_have_route(const struct spec *specs, size_t n, unsigned dst, const char *method, const char *path, bool secret)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned src = 0; src < ACCOUNTS; src++)
			if (applies(&specs[i], src, dst, 1000) && has_route(&specs[i], method, path, secret))
				return true;
	return false;
}

static enum rf_reason expected_reason(const struct spec *specs, size_t n, unsigned src, unsigned dst, const char *method, const char *path,
				      bool secret)
{
	if (src != OUTSIDE && dst == OUTSIDE)
		return RF_REASON_NO_EGRESS;
	if (expected_verdict(specs, n, src, dst, 1000) == RF_VERDICT_DENY)
		return RF_REASON_NO_RULE;
	for (size_t i = 0; i < n; i++)
		if (applies(&specs[i], src, dst, 1000) && has_route(&specs[i], method, path, secret))
			return RF_REASON_ALLOW_L7;
	return others_have_route(specs, n, dst, method, path, secret) ? RF_REASON_ROUTE_OTHERS : RF_REASON_NO_ROUTE;
}

static bool udp_passes(const struct spec *s, uint16_t port)
{
	switch (s->udp) {
	case UDP_53:
		return port == 53;
	case UDP_99:
		return port == 99 || port == 1000;
	case UDP_ALL:
		return true;
	default:
		return false;
	}
}

static bool expected_protected(const struct spec *specs, size_t n, unsigned dst)
{
	for (size_t i = 0; i < n; i++)
		if (specs[i].dst == dst && specs[i].udp != UDP_NONE)
			return true;
	return false;
}

static bool expected_datagram(const struct spec *specs, size_t n, unsigned src, unsigned dst, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (specs[i].dst == dst && (specs[i].sources & 1u << src) && udp_passes(&specs[i], port))
			return true;
	return !expected_protected(specs, n, dst);
}

/* ---- the same as objects ---- */

static void write_rules(FILE *f, const struct spec *s)
{
	static const char *const udp_names[] = {"", "u53", "u99", "uall", "missing"};
	static const char *const tcp_names[] = {"", "t1000", "t2000", "tall", "missing"};
	static const char *const names[] = {"x", "y", "h"};

	if (s->tcp != TCP_NONE)
		fprintf(f, "  - {kind: TCPRoute, name: %s}\n", tcp_names[s->tcp]);
	if (s->udp != UDP_NONE)
		fprintf(f, "  - {kind: UDPRoute, name: %s}\n", udp_names[s->udp]);
	if (!s->group)
		return;
	fprintf(f, "  - kind: HTTPRouteGroup\n    name: %s\n    matches: [", s->group_missing ? "missing" : "g");
	for (unsigned i = 0, first = 1; i < 3; i++)
		if (s->matches & 1u << i) {
			fprintf(f, "%s%s", first ? "" : ", ", names[i]);
			first = 0;
		}
	fprintf(f, "]\n");
}

static void add_target(struct world *w, const struct spec *s, size_t number)
{
	char *text = NULL, file[32];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fprintf(f,
		"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t%zu, namespace: n%u}\nspec:\n"
		"  destination: {kind: ServiceAccount, name: a, namespace: n%u}\n  sources:\n",
		number, s->dst, s->dst);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		if (s->sources & 1u << i)
			fprintf(f, "  - {kind: ServiceAccount, name: a, namespace: n%u}\n", i);
	fprintf(f, "  rules:%s\n", s->udp == UDP_NONE && !s->group && s->tcp == TCP_NONE ? " []" : "");
	write_rules(f, s);
	assert_int_equal(fclose(f), 0);
	snprintf(file, sizeof(file), "t%zu.yaml", number);
	world_yaml(w, file, text);
	free(text);
}

static void add_namespace(struct world *w, unsigned i)
{
	char ns[8];

	snprintf(ns, sizeof(ns), "n%u", i);
	world_namespace(w, ns, i != OUTSIDE);
	world_app(w, ns, "a", "  - {name: http-a, port: 80, targetPort: 1000}\n  - {name: tcp-a, port: 81, targetPort: 2000}\n");
	world_yamlf(w, "specs.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: g, namespace: %s}\nspec:\n  matches:\n"
		    "  - {name: x, pathRegex: /x, methods: [GET]}\n  - {name: y, pathRegex: '/y(/.*)?'}\n"
		    "  - {name: h, pathRegex: /x|/y, methods: [GET], headers: [{secret: .*}]}\n---\n"
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: t1000, namespace: %s}\nspec: {matches: "
		    "{ports: [1000]}}\n"
		    "---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: t2000, namespace: %s}\n"
		    "spec: {matches: {ports: [2000]}}\n---\n"
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: tall, namespace: %s}\nspec: {matches: "
		    "{ports: []}}\n",
		    ns, ns, ns, ns);
	world_yamlf(w, "udp.yaml",
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: u53, namespace: %s}\n"
		    "spec: {matches: {ports: [53]}}\n---\n"
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: u99, namespace: %s}\n"
		    "spec: {matches: {ports: [99, 1000]}}\n---\n"
		    "apiVersion: specs.smi-spec.io/v1alpha4\nkind: UDPRoute\nmetadata: {name: uall, namespace: %s}\nspec: {}\n",
		    ns, ns, ns);
	world_pod(w,
		  i == 0   ? "n0"
		  : i == 1 ? "n1"
		  : i == 2 ? "n2"
		  : i == 3 ? "n3"
			   : "n4",
		  "pod", "a", "a",
		  i == 0   ? "10.201.0.10"
		  : i == 1 ? "10.201.0.11"
		  : i == 2 ? "10.201.0.12"
		  : i == 3 ? "10.201.0.13"
			   : "10.201.0.14");
}

static void build(struct world *w, const struct spec *specs, size_t n)
{
	world_begin(w);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		add_namespace(w, i);
	world_yaml(w, "door.yaml",
		   "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {name: door, namespace: n0}\nspec:\n"
		   "  backends: [{name: a, port: {number: 1000, protocol: http}}]\n"
		   "  sources: [{kind: Service, name: a, namespace: n4}, {kind: IPRange, name: 10.0.0.0/8}]\n");
	for (size_t i = 0; i < n; i++)
		add_target(w, &specs[i], i);
	world_compile(w);
}

static const char *account(unsigned i)
{
	static const char *const names[] = {"n0/a", "n1/a", "n2/a", "n3/a", "n4/a"};

	return names[i];
}

/* Calls once for every question one can ask a world. */
typedef void (*ask_fn)(unsigned src, unsigned dst, const char *method, const char *path, void *arg);
static void ask_all(ask_fn ask, void *arg)
{
	for (unsigned src = 0; src < ACCOUNTS; src++)
		for (unsigned dst = 0; dst < ACCOUNTS; dst++)
			for (size_t m = 0; m < 2; m++)
				for (size_t p = 0; p < 3; p++)
					ask(src, dst, methods[m], paths[p], arg);
}

struct pair_of_worlds {
	struct world *a;
	struct world *b;
	const struct spec *specs;
	size_t count;
};

static enum rf_reason secret_request(const struct world *w, const char *src, const char *dst, const char *method, const char *path)
{
	const struct rf_header_field field = {.name = "Secret", .name_len = 6, .value = "", .value_len = 0};
	struct rf_request_question q = question(src, dst, 1000, method, path);

	q.fields = &field;
	q.field_count = 1;
	return answer(w, &q).reason;
}

static void compare_with_oracle(unsigned src, unsigned dst, const char *method, const char *path, void *arg)
{
	const struct pair_of_worlds *x = arg;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(verdict(x->a, account(src), account(dst), ports[i]),
				 expected_verdict(x->specs, x->count, src, dst, ports[i]));
	assert_int_equal(request(x->a, account(src), account(dst), 1000, method, path),
			 expected_reason(x->specs, x->count, src, dst, method, path, false));
	assert_int_equal(secret_request(x->a, account(src), account(dst), method, path),
			 expected_reason(x->specs, x->count, src, dst, method, path, true));
	assert_int_equal(verdict(x->a, account(src), account(dst), 80), RF_VERDICT_DENY);
}

/* As the kernel decides about a datagram of one pod of the mesh to another. */
static bool datagram(const struct world *w, unsigned src, unsigned dst, uint16_t port)
{
	return !ident(w, account(dst))->datagrams || verdict_of(w, account(src), account(dst), port, IPPROTO_UDP) == RF_VERDICT_ALLOW;
}

static void compare_datagrams(const struct world *w, const struct spec *specs, size_t n)
{
	for (unsigned src = 0; src < ACCOUNTS; src++)
		for (unsigned dst = 0; dst < ACCOUNTS; dst++)
			for (size_t i = 0; i < RF_ARRAY_SIZE(udp_ports); i++) {
				if (src == OUTSIDE || dst == OUTSIDE)
					assert_int_equal(verdict_of(w, account(src), account(dst), udp_ports[i], IPPROTO_UDP),
							 RF_VERDICT_DENY);
				else
					assert_int_equal(datagram(w, src, dst, udp_ports[i]),
							 expected_datagram(specs, n, src, dst, udp_ports[i]));
				/* What UDPRoutes grant is not in what the checker reads. */
				assert_int_equal(request(w, account(src), account(dst), 53, "GET", "/x"),
						 dst == OUTSIDE && src != OUTSIDE ? RF_REASON_NO_EGRESS : RF_REASON_NO_RULE);
			}
}

static void specs_of(struct spec *specs, uint64_t world)
{
	seed = 0x9e3779b97f4a7c15ULL * (world + 1);
	for (size_t i = 0; i < TARGETS; i++)
		specs[i] = random_spec();
}

static void test_oracle(void **state)
{
	size_t admitted = 0;

	(void)state;
	for (uint64_t n = 0; n < WORLDS; n++) {
		struct spec specs[TARGETS];
		struct world w;

		specs_of(specs, n);
		build(&w, specs, TARGETS);
		admitted += w.policy->allow_count;
		ask_all(compare_with_oracle, &(struct pair_of_worlds){.a = &w, .specs = specs, .count = TARGETS});
		compare_datagrams(&w, specs, TARGETS);
		world_end(&w);
	}
	assert_true(admitted > 5 * WORLDS); /* the worlds are not all empty */
}

/* b is a with one more target: whatever a admits, b admits. Read backwards: removing a target never opens anything. */
static void only_more(unsigned src, unsigned dst, const char *method, const char *path, void *arg)
{
	const struct pair_of_worlds *x = arg;
	const char *s = account(src), *d = account(dst);

	for (size_t i = 0; i < 2; i++)
		if (verdict(x->a, s, d, ports[i]) != RF_VERDICT_DENY)
			assert_int_equal(verdict(x->a, s, d, ports[i]), verdict(x->b, s, d, ports[i]));
	if (rf_reason_admits(request(x->a, s, d, 1000, method, path)))
		assert_true(rf_reason_admits(request(x->b, s, d, 1000, method, path)));
}

static void only_more_datagrams(const struct world *a, const struct world *b)
{
	for (unsigned dst = 0; dst < OUTSIDE; dst++) {
		if (ident(a, account(dst))->datagrams)
			assert_true(ident(b, account(dst))->datagrams);
		for (unsigned src = 0; src < OUTSIDE; src++)
			for (size_t i = 0; i < RF_ARRAY_SIZE(udp_ports); i++)
				if (ident(a, account(dst))->datagrams == ident(b, account(dst))->datagrams &&
				    datagram(a, src, dst, udp_ports[i]))
					assert_true(datagram(b, src, dst, udp_ports[i]));
	}
}

static void test_adding_never_removes(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < WORLDS; n++) {
		struct spec specs[TARGETS];
		struct rf_policy_diff diff;
		struct world a, b;

		specs_of(specs, n);
		build(&a, specs, TARGETS - 1);
		build(&b, specs, TARGETS);
		ask_all(only_more, &(struct pair_of_worlds){.a = &a, .b = &b});
		only_more_datagrams(&a, &b);
		rf_policy_diff(a.policy, b.policy, &diff);
		assert_int_equal(diff.removed, 0);
		assert_int_equal(diff.added, b.policy->allow_count - a.policy->allow_count);
		world_end(&a);
		world_end(&b);
	}
}

/* b is a with a target that has TCPRoutes only: no request is admitted in b that was not admitted in a. */
static void no_wider_request(unsigned src, unsigned dst, const char *method, const char *path, void *arg)
{
	const struct pair_of_worlds *x = arg;

	if (!rf_reason_admits(request(x->a, account(src), account(dst), 1000, method, path)))
		assert_false(rf_reason_admits(request(x->b, account(src), account(dst), 1000, method, path)));
	assert_int_not_equal(verdict(x->b, account(src), account(dst), 1000), RF_VERDICT_ALLOW);
}

static void test_l4_never_widens_l7(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < WORLDS; n++) {
		struct spec specs[TARGETS];
		struct world a, b;

		specs_of(specs, n);
		specs[TARGETS - 1].group = false;
		specs[TARGETS - 1].tcp = n % 2 ? TCP_ALL : TCP_1000;
		build(&a, specs, TARGETS - 1);
		build(&b, specs, TARGETS);
		ask_all(no_wider_request, &(struct pair_of_worlds){.a = &a, .b = &b});
		world_end(&a);
		world_end(&b);
	}
}

/* ---- order ---- */

static void shuffle(void *items, size_t count, size_t size)
{
	char *at = items, spare[512];

	assert_true(size <= sizeof(spare));
	for (size_t i = count; i > 1; i--) {
		size_t j = dice((unsigned)i);

		memcpy(spare, at + (i - 1) * size, size);
		memmove(at + (i - 1) * size, at + j * size, size);
		memcpy(at + j * size, spare, size);
	}
}

static void shuffle_world(struct world *w)
{
	struct rf_objects *o = w->objects;

	shuffle(o->namespaces, o->namespaces_count, sizeof(*o->namespaces));
	shuffle(o->service_accounts, o->service_accounts_count, sizeof(*o->service_accounts));
	shuffle(o->workloads, o->workloads_count, sizeof(*o->workloads));
	shuffle(o->services, o->services_count, sizeof(*o->services));
	shuffle(o->targets, o->targets_count, sizeof(*o->targets));
	shuffle(o->route_groups, o->route_groups_count, sizeof(*o->route_groups));
	shuffle(o->tcp_routes, o->tcp_routes_count, sizeof(*o->tcp_routes));
	shuffle(o->udp_routes, o->udp_routes_count, sizeof(*o->udp_routes));
	shuffle(o->ingress_backends, o->ingress_backends_count, sizeof(*o->ingress_backends));
	shuffle(w->pods, w->pod_count, sizeof(*w->pods));
	for (size_t i = 0; i < o->targets_count; i++) {
		shuffle(o->targets[i].sources, o->targets[i].source_count, sizeof(*o->targets[i].sources));
		shuffle(o->targets[i].rules, o->targets[i].rule_count, sizeof(*o->targets[i].rules));
	}
}

#define SAME(a, b, items, n) same((a)->items, (b)->items, (a)->n, (b)->n, sizeof(*(a)->items))
static void same(const void *a, const void *b, size_t count_a, size_t count_b, size_t size)
{
	assert_int_equal(count_a, count_b);
	if (count_a)
		assert_memory_equal(a, b, count_a * size);
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
	SAME(a, b, rules, rule_count);
	SAME(a, b, grant_digests, grant_count);
	assert_int_equal(a->routes_size, b->routes_size);
	assert_memory_equal(a->routes, b->routes, a->routes_size);
}

static void test_order_never_matters(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < WORLDS; n++) {
		struct spec specs[TARGETS];
		struct world a, b;

		specs_of(specs, n);
		build(&a, specs, TARGETS);
		build(&b, specs, TARGETS);
		same_policy(a.policy, b.policy);
		shuffle_world(&b);
		world_compile(&b);
		same_policy(a.policy, b.policy);
		assert_true(a.policy->ingress_count > 0);
		world_end(&a);
		world_end(&b);
	}
}

/* ---- differences ---- */

static void test_diff(void **state)
{
	struct spec specs[] = {
		{.dst = 0, .sources = 1 << 1 | 1 << 2, .group = true, .matches = 1},
		{.dst = 3, .sources = 1 << 1, .tcp = TCP_2000},
		{.dst = 3, .sources = 1 << 2, .group = true, .matches = 3},
	};
	struct world a, b;
	struct rf_policy_diff diff;

	(void)state;
	build(&a, specs, 3);
	rf_policy_diff(NULL, a.policy, &diff);
	assert_int_equal(diff.added, a.policy->allow_count + a.policy->ingress_count);
	rf_policy_diff(a.policy, a.policy, &diff);
	assert_int_equal(diff.added + diff.removed + diff.changed, 0);

	specs[0].matches = 3;      /* n1 and n2 get /y: on the http port a change, on the tcp port none */
	specs[1].sources = 1 << 2; /* n1 loses n3's tcp port, n2 has it already */
	build(&b, specs, 3);
	rf_policy_diff(a.policy, b.policy, &diff);
	assert_int_equal(diff.added, 0);
	assert_int_equal(diff.removed, 1);
	assert_int_equal(diff.changed, 2);
	world_end(&a);
	world_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_adding_never_removes),
		cmocka_unit_test(test_l4_never_widens_l7),
		cmocka_unit_test(test_order_never_matters),
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests_name("policy_properties", tests, NULL, NULL);
}
