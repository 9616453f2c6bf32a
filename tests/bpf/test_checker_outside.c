/* SPDX-License-Identifier: Apache-2.0 */
/* Broker and checker together: headers, names, what goes outside the mesh over HTTP and TLS, and audit. */
#include "checker_world.h"

#include <openssl/ssl.h>

#define OUTSIDE 0 /* nobody that is known */

/* ---- objects ---- */

#define ROUTE(matches)                                                                                                                     \
	"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: more, namespace: shop}\nspec:\n"                   \
	"  destination: {kind: ServiceAccount, name: store, namespace: shop}\n  rules: [{kind: HTTPRouteGroup, name: more}]\n"             \
	"  sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]\n---\n"                                                         \
	"apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: more, namespace: shop}\nspec: {matches: " matches  \
	"}\n"
#define EGRESS_OF(ns, account, protocol, hosts)                                                                                            \
	"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: Egress\nmetadata: {name: out, namespace: " ns "}\nspec:\n"                  \
	"  sources: [{kind: ServiceAccount, name: " account ", namespace: " ns "}]\n  hosts: " hosts "\n"                                  \
	"  ports: [{number: 8080, protocol: " protocol "}]\n"
#define EGRESS(protocol, hosts) EGRESS_OF("shop", "buyer", protocol, hosts)
#define STRICT                                                                                                                             \
	"apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: osm-mesh-config, namespace: osm-system}\n"     \
	"spec: {traffic: {strictAuthority: true}}\n"
#define AUDITED_TARGET                                                                                                                     \
	"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\n"                                                                   \
	"metadata: {name: more, namespace: shop, annotations: {ringfence.io/audit: enabled}}\nspec:\n"                                     \
	"  destination: {kind: ServiceAccount, name: store, namespace: shop}\n  rules: [{kind: HTTPRouteGroup, name: theirs}]\n"           \
	"  sources: [{kind: ServiceAccount, name: other, namespace: shop}]\n"
#define WATCHED                                                                                                                            \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: watched, labels: {openservicemesh.io/monitored-by: osm}, "                      \
	"annotations: {ringfence.io/audit: enabled}}\n---\n"                                                                               \
	"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x, namespace: watched}\n---\n"

static int dial_out(rf_identity_t src)
{
	return dial_somebody(AF_INET, src, OUTSIDE, addr_of(AF_INET, SERVER_LAST), SERVER_PORT, true);
}

/* One request that passes; the server's answer is OK. *up: -1 at first, then the connection that the server has. */
static void passes(int client, int *up, const char *request)
{
	say(client, request);
	if (*up < 0)
		*up = take();
	hear(*up, request);
	say(*up, OK);
	hear(client, OK);
}

static void not_found(int client, const char *request, enum rf_reason reason)
{
	forget_records();
	say(client, request);
	hear(client, NOT_FOUND);
	assert_int_equal(next_record().reason, reason);
}

/* ---- headers and names ---- */

static void test_headers(void **state)
{
	int client, up = -1;

	(void)state;
	publish_with("/never", ROUTE("[{name: m, pathRegex: /h, headers: [{Client-App: 'book[a-z]*'}]}]"));
	client = dial();
	not_found(client, "GET /h HTTP/1.1\r\n" HOST "\r\n", RF_REASON_NO_ROUTE);
	not_found(client, "GET /h HTTP/1.1\r\n" HOST "client-app: thief\r\n\r\n", RF_REASON_NO_ROUTE);
	not_found(client, "GET /h HTTP/1.1\r\n" HOST "client-app: bookbuyer\r\nCLIENT-APP: thief\r\n\r\n", RF_REASON_NO_ROUTE);
	not_found(client, "GET /h HTTP/1.1\r\n" HOST "client-app: bookbuyer\r\nclient-app: bookthief\r\n\r\n", RF_REASON_NO_ROUTE);
	not_found(client, "GET /h HTTP/1.1\r\n" HOST "X: y\r\nclient-apps: bookbuyer\r\n\r\n", RF_REASON_NO_ROUTE);
	assert_nobody_came();
	passes(client, &up, "GET /h HTTP/1.1\r\n" HOST "CLIENT-app:\t bookbuyer \r\n\r\n");
	close(client);
	hear_end(up);
}

static void test_names(void **state)
{
	int client, up = -1;

	(void)state;
	publish_with(EVERY, STRICT);
	client = dial();
	not_found(client, "GET / HTTP/1.1\r\nHost: s\r\n\r\n", RF_REASON_AUTHORITY);
	not_found(client, "GET / HTTP/1.1\r\nHost: store.shop:8081\r\n\r\n", RF_REASON_AUTHORITY);
	not_found(client, "GET http://elsewhere/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n", RF_REASON_AUTHORITY);
	not_found(client, "GET / HTTP/1.1\r\nHost:\r\n\r\n", RF_REASON_AUTHORITY);
	assert_nobody_came();
	passes(client, &up, "GET / HTTP/1.1\r\nHost: store.shop\r\n\r\n");
	passes(client, &up, "GET / HTTP/1.1\r\nHost: Store.Shop.svc.cluster.local:8080\r\n\r\n");
	passes(client, &up, "GET http://store/ HTTP/1.1\r\nHost: store\r\n\r\n"); /* of the same namespace */
	close(client);
	hear_end(up);
}

/* A tunnel is asked about again with the headers it began with. */
static void test_tunnel_by_header(void **state)
{
	static const char *const upgrade = "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\nkey: one\r\n\r\n";
	static const char *const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
	struct rf_access_record record;
	int client, up;

	(void)state;
	publish_with("/never", ROUTE("[{name: m, pathRegex: /ws, headers: [{key: one}, {host: s}]}]"));
	forget_records();
	client = dial();
	say(client, upgrade);
	up = take();
	hear(up, upgrade);
	say(up, switched);
	hear(client, switched);
	publish_with("/never", ROUTE("[{name: m, pathRegex: /ws, headers: [{key: one|two}, {host: s}]}]"));
	say(client, "on");
	hear(up, "on");
	publish_with("/never", ROUTE("[{name: m, pathRegex: /ws, headers: [{key: two}, {host: s}]}]"));
	hear_reset(client);
	hear_reset(up);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_NO_ROUTE);
	assert_int_equal(record.status, 101);
}

/* ---- HTTP to outside ---- */

static void test_http_outside(void **state)
{
	struct rf_access_record record;
	int client, up = -1;

	(void)state;
	publish_with(EVERY, EGRESS("http", "[one.example]"));
	client = dial_out(buyer);
	not_found(client, "GET / HTTP/1.1\r\nHost: two.example\r\n\r\n", RF_REASON_NO_ROUTE);
	assert_nobody_came();
	forget_records();
	passes(client, &up, "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n");
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(record.dst, OUTSIDE);
	assert_int_equal(record.would, RF_REASON_UNSPEC);
	passes(client, &up, "GET http://ONE.example:8080/x HTTP/1.1\r\nHost: one.example:8080\r\n\r\n");
	publish(EVERY); /* closed altogether: what a connect would get now */
	forget_records();
	say(client, "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n");
	hear_reset(client);
	assert_int_equal(next_record().reason, RF_REASON_NO_EGRESS);
	hear_reset(up);
	/* nobody else's */
	publish_with(EVERY, EGRESS("http", "[one.example]"));
	client = dial_out(store);
	say(client, "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n");
	hear_reset(client);
	assert_nobody_came();
}

/* ---- TLS to outside ---- */

/* What a client begins a connection with. name: NULL = none. */
static size_t client_hello(const char *name, char *out, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int n;

	assert_non_null(ssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (name)
		assert_int_equal(SSL_set_tlsext_host_name(ssl, name), 1);
	assert_int_equal(SSL_connect(ssl), -1); /* nobody answers */
	n = BIO_read(SSL_get_wbio(ssl), out, (int)size);
	assert_in_range(n, 100, size - 1);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)n;
}

static void say_bytes(int fd, const char *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void hear_bytes(int fd, const char *data, size_t len)
{
	char got[RF_RECORD_PATH_MAX + 16384];

	assert_true(len <= sizeof(got));
	assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
	assert_memory_equal(got, data, len);
}

/* A tunnel that was allowed by this name. */
static int open_tls(rf_identity_t src, const char *name, int *ret_up)
{
	char hello[4096];
	size_t len = client_hello(name, hello, sizeof(hello));
	int client = dial_out(src);

	say_bytes(client, hello, len);
	*ret_up = take();
	hear_bytes(*ret_up, hello, len);
	return client;
}

static void test_tls(void **state)
{
	struct rf_access_record record;
	int client, up;

	(void)state;
	publish_with(EVERY, EGRESS("https", "[one.example, '*.two.example']"));
	forget_records();
	client = open_tls(buyer, "a.two.example", &up);
	say(up, "\x16\x03\x03 whatever the server says");
	hear(client, "\x16\x03\x03 whatever the server says");
	say(client, "GET / HTTP/1.1\r\n\r\n"); /* never looked at */
	hear(up, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(recv(up, (char[1]){0}, 1, 0), 0);
	say(up, "last words");
	hear(client, "last words");
	close(up);
	hear_end(client);
	record = next_record();
	assert_int_equal(record.reason, RF_REASON_ALLOW_EGRESS_L7);
	assert_int_equal(record.status, 0);
	assert_string_equal(record.method, "TLS");
	assert_string_equal(record.path, "a.two.example");
	assert_int_equal(record.response_bytes, strlen("\x16\x03\x03 whatever the server says") + strlen("last words"));
	assert_true(record.request_bytes > 100);
}

static void test_tls_in_pieces(void **state)
{
	char hello[4096];
	size_t len = client_hello("one.example", hello, sizeof(hello));
	int client = dial_out(buyer), up;

	(void)state;
	forget_records();
	for (size_t i = 0; i + 1 < len; i++)
		say_bytes(client, hello + i, 1);
	assert_nobody_came();
	say_bytes(client, hello + len - 1, 1);
	up = take();
	hear_bytes(up, hello, len);
	close(client);
	hear_end(up);
	assert_int_equal(next_record().reason, RF_REASON_ALLOW_EGRESS_L7);
}

/* Closed, and never with an HTTP answer. */
static void tls_is_refused(const char *data, size_t len, bool half_close)
{
	int client = dial_out(buyer);

	forget_records();
	say_bytes(client, data, len);
	if (half_close)
		assert_int_equal(shutdown(client, SHUT_WR), 0);
	hear_reset(client);
	assert_int_equal(next_record().reason, RF_REASON_SERVER_NAME);
	assert_nobody_came();
}

static void test_tls_refused(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n";
	static char large[20000];
	char hello[4096];
	size_t len;

	(void)state;
	len = client_hello("three.example", hello, sizeof(hello));
	tls_is_refused(hello, len, false);
	len = client_hello(NULL, hello, sizeof(hello));
	tls_is_refused(hello, len, false);
	len = client_hello("one.example", hello, sizeof(hello));
	tls_is_refused(hello, len / 2, true);
	tls_is_refused(request, strlen(request), false);
	memcpy(large, "\x16\x03\x01\xff\xff\x01", 6);
	tls_is_refused(large, sizeof(large), false); /* a hello that does not end */
}

static void test_tls_without_a_server(void **state)
{
	char hello[4096];
	size_t len = client_hello("one.example", hello, sizeof(hello));
	int client = dial_out(buyer);

	(void)state;
	close(server);
	forget_records();
	say_bytes(client, hello, len);
	hear_reset(client);
	assert_int_equal(next_record().reason, RF_REASON_UPSTREAM_FAILED);
	server = listen_on(AF_INET, SERVER_PORT);
	assert_true(server >= 0);
}

static void test_tls_and_a_policy_that_changes(void **state)
{
	int client, up;

	(void)state;
	client = open_tls(buyer, "one.example", &up);
	publish_with(EVERY, EGRESS("https", "[one.example]"));
	say(client, "on");
	hear(up, "on");
	forget_records();
	publish_with(EVERY, EGRESS("https", "[four.example]")); /* without a word from either */
	hear_reset(client);
	hear_reset(up);
	assert_int_equal(next_record().reason, RF_REASON_SERVER_NAME);
	/* the port becomes one of HTTP */
	client = open_tls(buyer, "four.example", &up);
	publish_with(EVERY, EGRESS("http", "[four.example]"));
	hear_reset(client);
	hear_reset(up);
	/* and one of TLS again, under an HTTP connection */
	client = dial_out(buyer);
	up = -1;
	passes(client, &up, "GET / HTTP/1.1\r\nHost: four.example\r\n\r\n");
	publish_with(EVERY, EGRESS("https", "[four.example]"));
	say(client, "GET / HTTP/1.1\r\nHost: four.example\r\n\r\n");
	hear_reset(client);
	hear_reset(up);
}

/* ---- audit ---- */

static void audited(enum rf_reason would)
{
	const struct rf_access_record record = next_record();

	assert_int_equal(record.reason, RF_REASON_ALLOW_AUDIT);
	assert_int_equal(record.would, would);
}

static void test_audit_of_a_destination(void **state)
{
	int client, up = -1;

	(void)state;
	publish_with("/ok", AUDITED_TARGET);
	client = dial();
	forget_records();
	passes(client, &up, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(next_record().reason, RF_REASON_ALLOW_L7);
	passes(client, &up, "GET /no HTTP/1.1\r\n" HOST "\r\n");
	audited(RF_REASON_NO_ROUTE);
	passes(client, &up, "GET /others HTTP/1.1\r\n" HOST "\r\n");
	audited(RF_REASON_ROUTE_OTHERS);
	say(client, "GET /%00 HTTP/1.1\r\n" HOST "\r\n"); /* this cannot be judged */
	hear_refusal(client, "HTTP/1.1 400 ");
	assert_int_equal(next_record().reason, RF_REASON_BAD_PATH);
	hear_end(up);
}

static void test_audit_of_a_source(void **state)
{
	rf_identity_t watched = identity("watched/x");
	int client, up = -1;

	(void)state;
	publish_with(EVERY, WATCHED EGRESS_OF("watched", "x", "https", "[one.example]"));
	forget_records();
	client = open_tls(watched, "five.example", &up);
	close(client);
	hear_end(up);
	audited(RF_REASON_SERVER_NAME);
	/* not even TLS */
	client = dial_out(watched);
	say(client, "GET /plain HTTP/1.1\r\n\r\n");
	up = take();
	hear(up, "GET /plain HTTP/1.1\r\n\r\n");
	close(client);
	hear_end(up);
	audited(RF_REASON_SERVER_NAME);
	publish_with(EVERY, WATCHED EGRESS_OF("watched", "x", "http", "[one.example]"));
	client = dial_out(watched);
	up = -1;
	passes(client, &up, "GET / HTTP/1.1\r\nHost: five.example\r\n\r\n");
	audited(RF_REASON_NO_ROUTE);
	close(client);
	hear_end(up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tunnel_by_header),
		cmocka_unit_test(test_http_outside),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_in_pieces),
		cmocka_unit_test(test_tls_refused),
		cmocka_unit_test(test_tls_without_a_server),
		cmocka_unit_test(test_tls_and_a_policy_that_changes),
		cmocka_unit_test(test_audit_of_a_destination),
		cmocka_unit_test(test_audit_of_a_source),
	};

	return cmocka_run_group_tests_name("checker_outside", tests, open_world, close_world);
}
