/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/record.c"
#include "agent/registry.c"
#include "agent/template.c"

static const char manifests[] = "apiVersion: v1\n"
				"kind: Namespace\n"
				"metadata: {name: shop}\n"
				"---\n"
				"apiVersion: v1\n"
				"kind: ServiceAccount\n"
				"metadata: {name: seller, namespace: shop}\n"
				"---\n"
				"apiVersion: apps/v1\n"
				"kind: Deployment\n"
				"metadata: {name: store, namespace: shop}\n"
				"spec:\n"
				"  selector: {matchLabels: {app: store}}\n"
				"  template:\n"
				"    metadata: {labels: {app: store, tier: front}}\n"
				"    spec:\n"
				"      serviceAccountName: seller\n"
				"      containers:\n"
				"        - name: store\n"
				"          image: x\n"
				"          env: [{name: COLOR, value: blue}]\n";

struct fixture {
	struct rf_objects *objects;
	struct rf_registry pods;
	struct rf_pod_request request;
	struct rf_local_pod *pod;
	char error[256], hint[256];
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	if (rf_objects_new(&x->objects) < 0 || rf_objects_add(x->objects, "m.yaml", manifests, sizeof(manifests) - 1) < 0 ||
	    rf_objects_check(x->objects) < 0 || x->objects->diags.error_count)
		return -1;
	x->request = (struct rf_pod_request){.ns = "shop", .name = "", .service_account = "", .deployment_ns = "shop", .deployment = ""};
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	rf_local_pod_free(x->pod);
	rf_registry_done(&x->pods);
	rf_objects_free(x->objects);
	free(x);
	return 0;
}

static int apply(struct fixture *x)
{
	rf_local_pod_free(TAKE_PTR(x->pod));
	return rf_template_apply(x->objects, &x->pods, &x->request, &x->pod, x->error, x->hint, sizeof(x->error));
}

static const char *label(const struct rf_local_pod *pod, const char *key)
{
	for (size_t i = 0; i < pod->label_count; i++)
		if (strcmp(pod->labels[i].key, key) == 0)
			return pod->labels[i].value;
	return NULL;
}

static void test_deployment(void **state)
{
	struct fixture *x = *state;

	x->request.deployment = "store";
	x->request.labels[x->request.label_count++] = (struct rf_pair_text){.key = "tier", .value = "back"};
	x->request.labels[x->request.label_count++] = (struct rf_pair_text){.key = "mine", .value = "1"};
	assert_int_equal(apply(x), 0);
	assert_string_equal(x->pod->name, "store");
	assert_string_equal(x->pod->service_account, "seller");
	assert_string_equal(x->pod->deployment, "store");
	assert_int_equal(x->pod->label_count, 3);
	assert_string_equal(label(x->pod, "app"), "store");
	assert_string_equal(label(x->pod, "tier"), "back");
	assert_string_equal(label(x->pod, "mine"), "1");
	assert_int_equal(cJSON_GetArraySize(x->pod->env), 1);
	assert_string_equal(cJSON_GetArrayItem(x->pod->env, 0)->valuestring, "COLOR=blue");
}

static void test_account_of_the_deployment_cannot_be_changed(void **state)
{
	struct fixture *x = *state;

	x->request.deployment = "store";
	x->request.service_account = "default";
	assert_int_equal(apply(x), -ENOENT);
	assert_null(x->pod);
	x->request.service_account = "seller";
	assert_int_equal(apply(x), 0);
}

static void test_missing_objects_are_named(void **state)
{
	struct fixture *x = *state;

	x->request.deployment = "nothing";
	assert_int_equal(apply(x), -ENOENT);
	assert_non_null(strstr(x->error, "Deployment shop/nothing"));
	assert_non_null(strstr(x->hint, "ringfence apply"));
	x->request.deployment = "";
	x->request.service_account = "stranger";
	assert_int_equal(apply(x), -ENOENT);
	assert_non_null(strstr(x->error, "ServiceAccount shop/stranger"));
	x->request.service_account = "";
	x->request.ns = "nowhere";
	assert_int_equal(apply(x), -ENOENT);
	assert_non_null(strstr(x->error, "Namespace nowhere"));
	assert_null(x->pod);
}

static void test_defaults(void **state)
{
	struct fixture *x = *state;

	x->request.ns = "default";
	assert_int_equal(apply(x), 0);
	assert_string_equal(x->pod->service_account, "default");
	assert_string_equal(x->pod->name, "default");
	assert_int_equal(x->pod->label_count, 0);
}

static void test_name_of_a_living_pod_is_counted_up(void **state)
{
	struct fixture *x = *state;
	struct rf_local_pod *first = NULL;

	x->request.deployment = "store";
	assert_int_equal(rf_local_pod_new("shop", "store", "seller", &first), 0);
	assert_int_equal(rf_registry_add(&x->pods, first), 0);
	assert_int_equal(apply(x), 0);
	assert_string_equal(x->pod->name, "store-2");
	first->state = RF_POD_EXITED;
	assert_int_equal(apply(x), 0);
	assert_string_equal(x->pod->name, "store");
	x->request.name = "given";
	assert_int_equal(apply(x), 0);
	assert_string_equal(x->pod->name, "given");
}

static void test_registry_is_sorted_and_lists_the_living(void **state)
{
	static const char *const names[] = {"c", "a", "b"};
	struct fixture *x = *state;
	_cleanup_free_ struct rf_endpoint *endpoints = NULL;
	const struct rf_addr net6 = {{1, 2, 3, 0}}, none = {};
	struct rf_addr addr = rf_addr4(3);
	size_t count = 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(names); i++) {
		struct rf_local_pod *pod = NULL;

		assert_int_equal(rf_local_pod_new("shop", names[i], "seller", &pod), 0);
		pod->addr_be = (uint32_t)i + 1;
		if (i)
			pod->addr6 = rf_addr_embed(&net6, pod->addr_be);
		assert_int_equal(rf_registry_add(&x->pods, pod), 0);
	}
	rf_registry_find(&x->pods, "shop", "b")->state = RF_POD_EXITED;
	assert_int_equal(rf_registry_endpoints(&x->pods, &endpoints, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(endpoints[0].name, "a");
	assert_string_equal(endpoints[0].deployment, "");
	assert_string_equal(endpoints[1].name, "c");
	assert_true(endpoints[0].addr4.be[3] == 2 && rf_addr_is4(&endpoints[0].addr4) && endpoints[0].addr6.be[3] == 2);
	assert_true(endpoints[1].addr4.be[3] == 1 && rf_addr_is_none(&endpoints[1].addr6)); /* a pod without IPv6 */
	assert_null(rf_registry_by_address(&x->pods, &addr));
	addr = rf_addr4(1);
	assert_ptr_equal(rf_registry_by_address(&x->pods, &addr), rf_registry_find(&x->pods, "shop", "c"));
	addr = rf_addr_embed(&net6, 2);
	assert_ptr_equal(rf_registry_by_address(&x->pods, &addr), rf_registry_find(&x->pods, "shop", "a"));
	addr = rf_addr_embed(&net6, 1);
	assert_null(rf_registry_by_address(&x->pods, &addr));
	assert_null(rf_registry_by_address(&x->pods, &none)); /* not the one that has none */
	rf_registry_drop(&x->pods, rf_registry_find(&x->pods, "shop", "a"));
	assert_null(rf_registry_find(&x->pods, "shop", "a"));
	assert_int_equal(x->pods.count, 2);
}

static void test_annotations_are_the_pods_own(void **state)
{
	_cleanup_free_ struct rf_endpoint *endpoints = NULL;
	struct fixture *x = *state;
	struct rf_local_pod *back = NULL, *pod;
	char dir[] = "/tmp/rf-record-XXXXXX", path[64];
	size_t count = 0;

	assert_non_null(mkdtemp(dir));
	x->request.deployment = "store";
	x->request.annotations[x->request.annotation_count++] = (struct rf_pair_text){.key = "k", .value = "v"};
	assert_int_equal(apply(x), 0);
	strcpy(x->pod->room.dir, dir);
	x->pod->addr_be = htonl(0x0ac90007);
	x->pod->state = RF_POD_RUNNING;
	assert_int_equal(rf_local_pod_save(x->pod), 0);
	snprintf(path, sizeof(path), "%s/pod.json", dir);
	assert_int_equal(rf_local_pod_load(path, &back), 0);
	assert_int_equal(back->annotation_count, 1);
	assert_string_equal(back->annotations[0].key, "k");
	assert_string_equal(back->annotations[0].value, "v");
	rf_local_pod_free(back);
	back = NULL;
	/* the record of an agent that knew no annotations */
	assert_int_equal(write_file(path, "{\"version\":1,\"ns\":\"n\",\"name\":\"x\",\"service_account\":\"y\",\"address\":\"10.1.0.7\"}"),
			 0);
	assert_int_equal(rf_local_pod_load(path, &back), 0);
	assert_int_equal(back->annotation_count, 0);
	rf_local_pod_free(back);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);

	pod = TAKE_PTR(x->pod);
	assert_int_equal(rf_registry_add(&x->pods, pod), 0);
	assert_int_equal(rf_registry_endpoints(&x->pods, &endpoints, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(endpoints[0].deployment, "shop/store");
	assert_int_equal(endpoints[0].annotation_count, 1);
	assert_ptr_equal(endpoints[0].annotations, pod->annotations);
}

static void test_record_survives(void **state)
{
	struct fixture *x = *state;
	struct rf_local_pod *back = NULL;
	char dir[] = "/tmp/rf-record-XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	x->request.deployment = "store";
	assert_int_equal(apply(x), 0);
	x->pod->addr_be = htonl(0x0ac90007);
	x->pod->addr6 = (struct rf_addr){{htonl(0xfd720000), 0, 0, htonl(0x0ac90007)}};
	x->pod->state = RF_POD_RUNNING;
	x->pod->pid = 77;
	x->pod->net_raw = true;
	x->pod->created_ns = 5000000000;
	strcpy(x->pod->room.dir, dir);
	assert_int_equal(rf_local_pod_save(x->pod), 0);
	snprintf(path, sizeof(path), "%s/pod.json", dir);
	assert_int_equal(rf_local_pod_load(path, &back), 0);
	assert_string_equal(back->name, "store");
	assert_string_equal(back->service_account, "seller");
	assert_string_equal(back->deployment, "store");
	assert_int_equal(back->addr_be, x->pod->addr_be);
	assert_int_equal(back->state, RF_POD_RUNNING);
	assert_int_equal(back->pid, 77);
	assert_true(back->net_raw);
	assert_true(back->created_ns == 5000000000);
	assert_string_equal(label(back, "tier"), "front");
	assert_true(rf_addr_equal(&back->addr6, &x->pod->addr6));
	rf_local_pod_free(back);
	back = NULL;
	x->pod->addr6 = (struct rf_addr){}; /* as in a record of an agent that knew no IPv6 */
	assert_int_equal(rf_local_pod_save(x->pod), 0);
	assert_int_equal(rf_local_pod_load(path, &back), 0);
	assert_true(rf_addr_is_none(&back->addr6));
	rf_local_pod_free(back);
	back = NULL;
#define RECORD(addresses) "{\"version\":1,\"ns\":\"n\",\"name\":\"x\",\"service_account\":\"y\"," addresses "}"
	assert_int_equal(write_file(path, RECORD("\"address\":\"fd72::7\"")), 0);
	assert_int_equal(rf_local_pod_load(path, &back), -EBADMSG);
	assert_int_equal(write_file(path, RECORD("\"address\":\"10.201.0.7\",\"address6\":\"10.201.0.7\"")), 0);
	assert_int_equal(rf_local_pod_load(path, &back), -EBADMSG);
	assert_int_equal(write_file(path, "{\"version\":1,\"ns\":\"..\",\"name\":\"x\",\"service_account\":\"y\"}"), 0);
	assert_int_equal(rf_local_pod_load(path, &back), -EBADMSG);
	assert_int_equal(write_file(path, "{"), 0);
	assert_int_equal(rf_local_pod_load(path, &back), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rf_local_pod_load(path, &back), -ENOENT);
	assert_null(back);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_deployment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_of_the_deployment_cannot_be_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_objects_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_of_a_living_pod_is_counted_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registry_is_sorted_and_lists_the_living, setup, teardown),
		cmocka_unit_test_setup_teardown(test_annotations_are_the_pods_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record_survives, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
