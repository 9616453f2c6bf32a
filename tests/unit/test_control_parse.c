/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/request.c"

static char error[256];

static int parse(const char *text, cJSON **ret)
{
	error[0] = '\0';
	return rf_request_parse(text, strlen(text), ret, error, sizeof(error));
}

static void test_line(void **state)
{
	size_t len = 99;
	char *big = malloc(RF_REQUEST_MAX + 1);

	(void)state;
	assert_int_equal(rf_request_line("{}", 2, &len), -EAGAIN);
	assert_int_equal(len, 99);
	assert_int_equal(rf_request_line("{}\nrest", 7, &len), 0);
	assert_int_equal(len, 2);
	assert_int_equal(rf_request_line("", 0, &len), -EAGAIN);
	memset(big, ' ', RF_REQUEST_MAX + 1);
	assert_int_equal(rf_request_line(big, RF_REQUEST_MAX - 1, &len), -EAGAIN);
	assert_int_equal(rf_request_line(big, RF_REQUEST_MAX, &len), -EMSGSIZE);
	big[RF_REQUEST_MAX - 1] = '\n';
	assert_int_equal(rf_request_line(big, RF_REQUEST_MAX, &len), 0);
	big[RF_REQUEST_MAX - 1] = ' ';
	big[RF_REQUEST_MAX] = '\n';
	assert_int_equal(rf_request_line(big, RF_REQUEST_MAX + 1, &len), -EMSGSIZE);
	free(big);
}

static void test_not_a_request(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  "[]",
					  "\"op\"",
					  "{",
					  "{\"op\":1}",
					  "{\"op\":null}",
					  "{\"Op\":\"a\"}",
					  "{\"op\":\"a\"}x",
					  "{\"op\":\"a\"}{}",
					  "{'op':'a'}",
					  "null"};
	cJSON *request = NULL;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(bad[i], &request), -EINVAL);
		assert_true(error[0] != '\0');
	}
	assert_int_equal(rf_request_parse("{\"op\":\"a\0\"}", 11, &request, error, sizeof(error)), -EINVAL);
	assert_null(request);
}

static void test_depth_does_not_break_it(void **state)
{
	enum { DEPTH = 100000 };
	char *text = malloc(DEPTH + 8);
	cJSON *request = NULL;

	(void)state;
	memset(text, '[', DEPTH);
	text[DEPTH] = '\0';
	assert_int_equal(parse(text, &request), -EINVAL);
	free(text);
}

static void test_request(void **state)
{
	_cleanup_json_ cJSON *request = NULL;

	(void)state;
	assert_int_equal(parse(" {\"op\":\"status\"} \r", &request), 0);
	assert_string_equal(rf_json_text(request, "op", ""), "status");
}

static int pod(const char *text, struct rf_pod_request *ret)
{
	static cJSON *request; /* the answer points into it */

	cJSON_Delete(request);
	request = cJSON_Parse(text);
	assert_non_null(request);
	error[0] = '\0';
	return rf_request_pod(request, ret, error, sizeof(error));
}

static void test_pod(void **state)
{
	struct rf_pod_request p;

	(void)state;
	assert_int_equal(
		pod("{\"ns\":\"shop\",\"name\":\"web\",\"service_account\":\"sa\",\"deployment\":\"shop/web\",\"ip\":\"10.201.0.9\","
		    "\"labels\":{\"app\":\"web\",\"tier\":\"\"}}",
		    &p),
		0);
	assert_string_equal(p.ns, "shop");
	assert_string_equal(p.name, "web");
	assert_string_equal(p.service_account, "sa");
	assert_string_equal(p.deployment_ns, "shop");
	assert_string_equal(p.deployment, "web");
	assert_int_equal(p.addr_be, htonl(0x0ac90009));
	assert_int_equal(p.label_count, 2);
	assert_string_equal(p.labels[0].key, "app");
	assert_string_equal(p.labels[0].value, "web");
	assert_int_equal(pod("{\"name\":null,\"deployment\":\"web\"}", &p), 0);
	assert_string_equal(p.ns, "default");
	assert_string_equal(p.name, "");
	assert_string_equal(p.deployment_ns, "default");
	assert_int_equal(p.addr_be, 0);
}

/* Every one of these would become a path, a cgroup, an interface or a line of a hosts file. */
static void test_pod_refused(void **state)
{
	static const char *const bad[] = {
		"{\"ns\":\"..\"}",
		"{\"ns\":\"a/b\"}",
		"{\"ns\":\"a_b\"}",
		"{\"ns\":\"a.b\"}",
		"{\"ns\":\"A\"}",
		"{\"ns\":\"-a\"}",
		"{\"ns\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		"{\"ns\":7}",
		"{\"name\":\"..\"}",
		"{\"name\":\"a/../b\"}",
		"{\"name\":\"a b\"}",
		"{\"name\":\"a\\nb\"}",
		"{\"name\":\"a_b\"}",
		"{\"name\":[]}",
		"{\"service_account\":\"a/b\"}",
		"{\"service_account\":{}}",
		"{\"deployment\":\"other/web\"}",
		"{\"deployment\":\"/web\"}",
		"{\"deployment\":\"default/\"}",
		"{\"deployment\":\"default/a/b\"}",
		"{\"ip\":\"10.201.0\"}",
		"{\"ip\":\"10.201.0.9/24\"}",
		"{\"ip\":\"::1\"}",
		"{\"ip\":9}",
		"{\"labels\":[]}",
		"{\"labels\":{\"a\":1}}",
		"{\"labels\":{\"\":\"x\"}}",
	};
	struct rf_pod_request p;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++) {
		if (pod(bad[i], &p) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_true(error[0] != '\0');
	}
}

/* excl-07-bad-annotation, as `ringfence run --annotation` meets it. */
static void test_annotations(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"{\"annotations\":{\"openservicemesh.io/outbound-port-exclusion-list\":\"80,abc\"}}",
		 "Invalid port value 'abc' specified for annotation 'openservicemesh.io/outbound-port-exclusion-list'"},
		{"{\"annotations\":{\"openservicemesh.io/inbound-port-exclusion-list\":\"\"}}", "Invalid port value ''"},
		{"{\"annotations\":{\"openservicemesh.io/outbound-ip-range-exclusion-list\":\"10.0.0.1\"}}",
		 "Invalid IP range value '10.0.0.1'"},
		{"{\"annotations\":{\"openservicemesh.io/outbound-ip-range-inclusion-list\":\"10.0.0.0/8\"}}", "is not enforced"},
		{"{\"annotations\":{\"ringfence.io/audit\":\"enabled\"}}", "no meaning on a pod"},
		{"{\"annotations\":{\"a b\":\"x\"}}", "'a b' is not the name of an annotation"},
		{"{\"annotations\":{\"a\":1}}", "annotation 'a' must have a name and a string"},
		{"{\"annotations\":[]}", "\"annotations\" must be an object of strings"},
	};
	struct rf_pod_request p;

	(void)state;
	assert_int_equal(pod("{\"annotations\":{\"openservicemesh.io/outbound-port-exclusion-list\":\"80, 443\",\"mine\":\"x\"}}", &p), 0);
	assert_int_equal(p.annotation_count, 2);
	assert_int_equal(p.label_count, 0);
	assert_string_equal(p.annotations[1].value, "x");
	for (size_t i = 0; i < RF_ARRAY_SIZE(bad); i++) {
		assert_int_equal(pod(bad[i].text, &p), -EINVAL);
		if (!strstr(error, bad[i].says))
			fail_msg("%s: %s", bad[i].text, error);
	}
}

static void test_too_many_labels(void **state)
{
	_cleanup_json_ cJSON *request = cJSON_CreateObject();
	cJSON *labels = cJSON_AddObjectToObject(request, "labels");
	struct rf_pod_request p;
	char key[16];

	(void)state;
	for (int i = 0; i < RF_LABELS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		cJSON_AddStringToObject(labels, key, "v");
	}
	assert_int_equal(rf_request_pod(request, &p, error, sizeof(error)), 0);
	assert_int_equal(p.label_count, RF_LABELS_MAX);
	cJSON_AddStringToObject(labels, "one-more", "v");
	assert_int_equal(rf_request_pod(request, &p, error, sizeof(error)), -EINVAL);
}

static void test_pod_name(void **state)
{
	_cleanup_json_ cJSON *good = cJSON_Parse("{\"ns\":\"a\",\"name\":\"b\"}"), *bad = cJSON_Parse("{\"ns\":\"a\",\"name\":\"../b\"}"),
			     *none = cJSON_Parse("{\"ns\":\"a\"}");
	const char *ns = "", *name = "";

	(void)state;
	assert_int_equal(rf_request_pod_name(good, &ns, &name, error, sizeof(error)), 0);
	assert_string_equal(name, "b");
	assert_int_equal(rf_request_pod_name(bad, &ns, &name, error, sizeof(error)), -EINVAL);
	assert_int_equal(rf_request_pod_name(none, &ns, &name, error, sizeof(error)), -EINVAL);
}

static void test_integers(void **state)
{
	_cleanup_json_ cJSON *o = cJSON_Parse("{\"a\":5,\"b\":5.5,\"c\":\"5\",\"d\":-1,\"e\":1e30}");
	int64_t v = 42;

	(void)state;
	assert_int_equal(rf_json_int(o, "missing", 0, 9, &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(rf_json_int(o, "a", 0, 9, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(rf_json_int(o, "b", 0, 9, &v), -EINVAL);
	assert_int_equal(rf_json_int(o, "c", 0, 9, &v), -EINVAL);
	assert_int_equal(rf_json_int(o, "d", 0, 9, &v), -EINVAL);
	assert_int_equal(rf_json_int(o, "e", 0, INT64_MAX / 1024, &v), -EINVAL);
	assert_int_equal(v, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_not_a_request),
		cmocka_unit_test(test_depth_does_not_break_it),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_pod_refused),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_too_many_labels),
		cmocka_unit_test(test_pod_name),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
