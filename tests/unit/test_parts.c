/* SPDX-License-Identifier: Apache-2.0 */
/* Sets joined of files: as if all were read at once, each file parsed once, and no set changes under its owner. */
#include "objects_world.h"

#include "objects/parts.h"
#include "objects/texts.h"

#define SERVICE                                                                                                                            \
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {app: web}\n"                           \
	"  ports: [{port: 80, targetPort: main, name: http-web}]\n"
#define POD(port)                                                                                                                          \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec:\n"                                   \
	"  serviceAccountName: web\n  containers: [{name: c, image: i, ports: [{name: main, containerPort: " port "}]}]\n"
#define GROUP                                                                                                                              \
	"apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: routes, namespace: shop}\nspec:\n  matches:\n"     \
	"  - {name: all, pathRegex: /.*, methods: [GET], headers: [{x-who: a.*}]}\n"
#define ACCOUNT(name) "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " name ", namespace: shop}\n"
#define BROKEN        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: UPPER, namespace: shop}\n"

static struct rf_part_text file(const char *name, const char *text, uint64_t version)
{
	return (struct rf_part_text){.name = name, .text = text, .len = strlen(text), .version = version};
}

static struct rf_objects *join(struct rf_parts *parts, const struct rf_part_text *files, size_t count)
{
	struct rf_objects *o = NULL;

	assert_int_equal(rf_parts_join(parts, files, count, &o), 0);
	assert_int_equal(rf_objects_check(o), 0);
	return o;
}

static struct rf_parts *new_parts(void)
{
	struct rf_parts *parts = NULL;

	assert_int_equal(rf_parts_new(&parts), 0);
	return parts;
}

static void assert_same_meta(const struct rf_meta *a, const struct rf_meta *b)
{
	assert_string_equal(a->kind, b->kind);
	assert_string_equal(a->ns, b->ns);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->place.file, b->place.file);
	assert_int_equal(a->place.line, b->place.line);
	assert_int_equal(a->label_count, b->label_count);
	for (size_t i = 0; i < a->label_count; i++) {
		assert_string_equal(a->labels[i].key, b->labels[i].key);
		assert_string_equal(a->labels[i].value, b->labels[i].value);
	}
}

static void test_as_if_read_at_once(void **state)
{
	const struct rf_part_text files[] = {file("a.yaml", SERVICE "---\n" ACCOUNT("web"), 1), file("b.yaml", POD("8080"), 2),
					     file("c.yaml", GROUP "---\n" BROKEN, 3)};
	RF_CLEANUP(rf_parts_freep) struct rf_parts *parts = new_parts();
	RF_CLEANUP(rf_objects_freep) struct rf_objects *joined = join(parts, files, 3), *whole = NULL;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		whole = world_add(whole, files[i].name, files[i].text);
	assert_int_equal(rf_objects_check(whole), 0);
	assert_int_equal(joined->all_count, 4);
	assert_int_equal(joined->all_count, whole->all_count);
	for (size_t i = 0; i < whole->all_count; i++) {
		assert_same_meta(&joined->all[i].meta, &whole->all[i].meta);
		assert_null(joined->all[i].node);
		assert_null(joined->all[i].document);
	}
	assert_int_equal(joined->diags.error_count, 1);
	assert_int_equal(joined->diags.count, whole->diags.count);
	for (size_t i = 0; i < whole->diags.count; i++)
		assert_string_equal(world_diag(joined, i), world_diag(whole, i));
	/* what hangs on keys of the dropped trees */
	assert_string_equal(joined->route_groups[0].matches[0].headers[0].name, "x-who");
	assert_string_equal(joined->workloads[0].pod_labels[0].key, "app");
}

static void test_only_what_changed_is_parsed(void **state)
{
	struct rf_part_text files[] = {file("a.yaml", ACCOUNT("a"), 1), file("b.yaml", BROKEN, 2), file("c.yaml", ACCOUNT("c"), 3)};
	RF_CLEANUP(rf_parts_freep) struct rf_parts *parts = new_parts();
	RF_CLEANUP(rf_objects_freep) struct rf_objects *first = join(parts, files, 3), *second = NULL, *third = NULL, *fourth = NULL;

	(void)state;
	assert_int_equal(rf_parts_parsed(parts), 3);
	files[0] = file("a.yaml", ACCOUNT("other"), 4);
	second = join(parts, files, 3);
	assert_int_equal(rf_parts_parsed(parts), 1);
	assert_string_equal(second->service_accounts[0].meta.name, "other");
	assert_int_equal(second->diags.error_count, 1); /* of the file that did not change */
	assert_string_equal(world_diag(second, 0), world_diag(first, 0));
	/* a file gone, another in between, one without a number */
	files[1] = file("bb.yaml", ACCOUNT("bb"), 5);
	files[2].version = 0;
	third = join(parts, files, 3);
	assert_int_equal(rf_parts_parsed(parts), 2);
	assert_int_equal(third->service_accounts_count, 3);
	assert_string_equal(third->service_accounts[1].meta.name, "bb");
	assert_int_equal(third->diags.error_count, 0);
	/* the name of one file with the number of another */
	files[0].version = 5;
	files[1].version = 4;
	fourth = join(parts, files, 2);
	assert_int_equal(rf_parts_parsed(parts), 2);
	assert_string_equal(first->service_accounts[0].meta.name, "a"); /* still is what it was */
}

static void test_ports_by_name_are_of_each_set(void **state)
{
	struct rf_part_text files[] = {file("a.yaml", SERVICE, 1), file("b.yaml", POD("8080"), 2)};
	RF_CLEANUP(rf_parts_freep) struct rf_parts *parts = new_parts();
	RF_CLEANUP(rf_objects_freep) struct rf_objects *first = join(parts, files, 2), *second = NULL, *third = NULL;

	(void)state;
	assert_int_equal(first->services[0].ports[0].target_port, 8080);
	files[1] = file("b.yaml", POD("9090"), 3);
	second = join(parts, files, 2);
	assert_int_equal(rf_parts_parsed(parts), 1);
	assert_int_equal(second->services[0].ports[0].target_port, 9090);
	assert_int_equal(first->services[0].ports[0].target_port, 8080);
	third = join(parts, files, 1);
	assert_int_equal(third->services[0].ports[0].target_port, 0);
	assert_int_equal(third->diags.count, 1);
}

static void test_sets_outlive_the_parts(void **state)
{
	const struct rf_part_text files[] = {file("a.yaml", GROUP, 1)};
	struct rf_parts *parts = new_parts();
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = join(parts, files, 1), *none = NULL;

	(void)state;
	none = join(parts, NULL, 0);
	assert_int_equal(none->all_count, 0);
	rf_parts_free(parts);
	assert_string_equal(o->route_groups[0].meta.name, "routes");
	assert_string_equal(o->all[0].meta.place.file, "a.yaml");
}

static void test_texts(void **state)
{
	struct rf_arena *arena = rf_arena_new();
	struct rf_texts texts = {};
	const char *a = rf_texts_keep(&texts, arena, "namespace: x", 9), *nul;
	char long_text[100], name[32];

	(void)state;
	assert_string_equal(a, "namespace");
	assert_ptr_equal(rf_texts_keep(&texts, arena, "namespace", 9), a);
	assert_ptr_not_equal(rf_texts_keep(&texts, arena, "names", 5), a);
	nul = rf_texts_keep(&texts, arena, "a\0b", 3);
	assert_memory_equal(nul, "a\0b", 4);
	assert_ptr_not_equal(rf_texts_keep(&texts, arena, "a", 1), nul);
	memset(long_text, 'x', sizeof(long_text));
	assert_memory_equal(rf_texts_keep(&texts, arena, long_text, sizeof(long_text)), long_text, sizeof(long_text));
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			size_t len = (size_t)snprintf(name, sizeof(name), "name-%d", i);

			assert_string_equal(rf_texts_keep(&texts, arena, name, len), name);
		}
	assert_int_equal(texts.count, 1000 + 4);
	assert_ptr_equal(rf_texts_keep(&texts, arena, "namespace", 9), a);
	rf_texts_done(&texts);
	assert_string_equal(a, "namespace");
	rf_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_if_read_at_once),
		cmocka_unit_test(test_only_what_changed_is_parsed),
		cmocka_unit_test(test_ports_by_name_are_of_each_set),
		cmocka_unit_test(test_sets_outlive_the_parts),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
