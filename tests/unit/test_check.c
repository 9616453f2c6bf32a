/* SPDX-License-Identifier: Apache-2.0 */
/* What only a whole set of files shows: duplicates and references. */
#include "objects_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/print.h"

#define TARGET(rules)                                                                                                                      \
	"apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: t, namespace: shop}\nspec:\n"                      \
	"  destination: {kind: ServiceAccount, name: web, namespace: shop}\n  sources: [{kind: ServiceAccount, name: v, namespace: "       \
	"street}]\n  rules: [" rules "]\n"
#define GROUP                                                                                                                              \
	"---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: r, namespace: shop}\nspec: {matches: "        \
	"[{name: one}]}\n"
#define ACCOUNT(ns, name) "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " name ", namespace: " ns "}\n"

static void test_duplicates(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_add(NULL, "a.yaml", ACCOUNT("shop", "web"));

	(void)state;
	world_add(o, "b.yaml", "\n" ACCOUNT("street", "web") ACCOUNT("shop", "web"));
	assert_int_equal(rf_objects_check(o), 0);
	assert_int_equal(o->diags.count, 1);
	assert_string_equal(o->diags.items[0].place.file, "b.yaml");
	assert_string_equal(world_diag(o, 0),
			    "8:1: ServiceAccount shop/web is already in a.yaml:3: remove one of the two, or give it another name");
}

static void test_references(void **state)
{
	(void)state;
	assert_clean(TARGET("{kind: HTTPRouteGroup, name: r, matches: [one]}") GROUP);
	assert_clean(TARGET("{kind: HTTPRouteGroup, name: r}") GROUP);
	assert_warning(TARGET("{kind: HTTPRouteGroup, name: r, matches: [one, two]}") GROUP,
		       "has no match \"two\": it admits nothing; there are: one");
	assert_warning(TARGET("{kind: HTTPRouteGroup, name: r, matches: []}") GROUP, "matches is empty: this rule admits nothing");
	assert_warning(TARGET("{kind: HTTPRouteGroup, name: x}") GROUP, "HTTPRouteGroup shop/x does not exist: this rule admits nothing");
	assert_warning(TARGET("{kind: TCPRoute, name: r}") GROUP, "TCPRoute shop/r does not exist");
	assert_warning(TARGET(""), "spec.rules is empty: this TrafficTarget admits nothing");
	/* a group of another namespace does not count */
	assert_warning(TARGET("{kind: HTTPRouteGroup, name: r}") "---\napiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\n"
								 "metadata: {name: r, namespace: street}\nspec: {matches: []}\n",
		       "HTTPRouteGroup shop/r does not exist");
}

static void test_accounts(void **state)
{
	(void)state;
	assert_clean(TARGET("{kind: HTTPRouteGroup, name: r}") GROUP ACCOUNT("street", "v"));
	assert_warning(TARGET("{kind: HTTPRouteGroup, name: r}") GROUP ACCOUNT("street", "w"), "ServiceAccount street/v does not exist");
}

static void test_ingress_backend(void **state)
{
	static const char text[] =
		"apiVersion: policy.openservicemesh.io/v1alpha1\nkind: IngressBackend\nmetadata: {name: b, namespace: shop}\n"
		"spec: {backends: [{name: web, port: {number: 1, protocol: http}}], sources: [{kind: Service, name: in, "
		"namespace: edge}]}\n";

	(void)state;
	assert_warning(text, "Service shop/web does not exist: this backend admits nothing");
	assert_warning(text, "Service edge/in does not exist: the whole IngressBackend admits nobody");
}

static void test_errors_silence_references(void **state)
{
	RF_CLEANUP(rf_objects_freep)
	struct rf_objects *o =
		world_checked(TARGET("{kind: HTTPRouteGroup, name: r}") "---\napiVersion: specs.smi-spec.io/v1alpha4\n"
									"kind: HTTPRouteGroup\nmetadata: {name: r, namespace: shop}\n"
									"spec: {matches: [{}]}\n");

	(void)state;
	assert_int_equal(o->diags.count, 1); /* the group is there, only wrong: no word about a missing one */
	assert_true(o->diags.items[0].is_error);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_directory(void **state)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	char dir[] = "/tmp/rf-check-XXXXXX", path[256];
	static const char *const names[] = {"b.yml", "a.yaml", "c.json", ".hidden.yaml", "d.txt", "e.yaml~"};

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "b.yml", ACCOUNT("n", "b"));
	write_file(dir, "a.yaml", ACCOUNT("n", "a"));
	write_file(dir, "c.json", "{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"c\"}}");
	for (size_t i = 3; i < RF_ARRAY_SIZE(names); i++)
		write_file(dir, names[i], "not: [yaml");
	snprintf(path, sizeof(path), "%s/pipe.yaml", dir);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not hang the reader */
	assert_int_equal(rf_objects_new(&o), 0);
	assert_int_equal(rf_objects_add_path(o, dir, dir), 0);
	assert_int_equal(rf_objects_check(o), 0);
	assert_int_equal(o->all_count, 3);
	assert_string_equal(o->all[0].meta.name, "a");
	assert_string_equal(o->all[0].meta.place.file, "a.yaml");
	assert_string_equal(o->all[2].meta.ns, "default");
	assert_int_equal(o->diags.error_count, 1);
	assert_string_equal(o->diags.items[0].place.file, "pipe.yaml");
	assert_int_equal(rf_objects_add_path(o, "/nonexistent/x.yaml", NULL), -ENOENT);
	snprintf(path, sizeof(path), "%s/", dir); /* as a shell completes it: no file is named with two slashes */
	assert_int_equal(rf_objects_add_path(o, path, NULL), 0);
	assert_int_equal(o->diags.error_count, 2);
	assert_null(strstr(o->diags.items[1].place.file, "//"));
	snprintf(path, sizeof(path), "%s/pipe.yaml", dir);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void test_print(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct rf_diag d = {.is_error = true, .place = {"a.yaml", 3, 7}, .text = "x \x1b[31m"};

	(void)state;
	assert_non_null(f);
	rf_diag_print(f, &d);
	d = (struct rf_diag){.place = {"b.yaml", 0, 0}, .text = "y"};
	rf_diag_print(f, &d);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, "a.yaml:3:7: error: x \\x1b[31m\nb.yaml: warning: y\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_ingress_backend),
		cmocka_unit_test(test_errors_silence_references),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
