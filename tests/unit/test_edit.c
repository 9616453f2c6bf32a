/* SPDX-License-Identifier: Apache-2.0 */
/* Editing a policy directory: what was not to be changed is the same to the byte, and nothing invalid is ever written. */
#include "objects_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/edit.h"
#include "objects/files.h"

#define NS(name)    "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " name "\n"
#define ACC(name)   "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " name ", namespace: shop}\n"
#define MESH_LABEL  "openservicemesh.io/monitored-by"
#define LABEL_LINES "  labels:\n    " MESH_LABEL ": osm\n"

static const char *const mesh_path[] = {"metadata", "labels", MESH_LABEL, NULL};
static const struct rf_meta a_namespace = {.kind = "Namespace", .ns = "", .name = "a"};

struct fixture {
	char dir[32];
	struct rf_edit *edit;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/rf-edit-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[512];
	struct dirent *e;
	DIR *d;

	rf_edit_close(f->edit);
	d = opendir(f->dir);
	assert_non_null(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			unlink(path);
	}
	closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void put_file(struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(struct fixture *f, const char *name, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	char path[256];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	r = rf_file_read(AT_FDCWD, path, &text, &len);
	if (!expected) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(text, expected);
}

static void open_edit(struct fixture *f)
{
	rf_edit_close(TAKE_PTR(f->edit));
	assert_int_equal(rf_edit_open(f->dir, &f->edit), 0);
}

static void commit(struct fixture *f, size_t expected)
{
	size_t changed = 99;

	assert_int_equal(rf_edit_commit(f->edit, &changed), 0);
	assert_int_equal(changed, expected);
	rf_edit_close(TAKE_PTR(f->edit));
}

/* Puts all objects of a text; the result of the last. */
static enum rf_edit_result put(struct fixture *f, const char *name, const char *text)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_add(NULL, name, text);
	enum rf_edit_result result = RF_EDIT_DELETED;

	assert_int_equal(o->diags.error_count, 0);
	for (size_t i = 0; i < o->all_count; i++)
		assert_int_equal(rf_edit_put(f->edit, &o->all[i], &result), 0);
	return result;
}

/* before -> set (or remove) the mesh label of Namespace a -> after */
static void assert_label_edit(struct fixture *f, const char *name, const char *before, bool set, const char *after)
{
	enum rf_edit_result result;

	put_file(f, name, before);
	open_edit(f);
	assert_int_equal(set ? rf_edit_set(f->edit, &a_namespace, mesh_path, "osm", RF_VALUE_STRING, &result)
			     : rf_edit_remove(f->edit, &a_namespace, mesh_path, &result),
			 0);
	assert_int_equal(result, strcmp(before, after) ? RF_EDIT_CONFIGURED : RF_EDIT_UNCHANGED);
	commit(f, strcmp(before, after) ? 1 : 0);
	assert_file(f, name, after);
}

static void test_set_label(void **state)
{
	struct fixture *f = *state;

	assert_label_edit(f, "a.yaml", "# head\n" NS("a # tail") "# end\n---\n# second\n" NS("b"), true,
			  "# head\n" NS("a # tail") LABEL_LINES "# end\n---\n# second\n" NS("b"));
	assert_label_edit(f, "a.yaml", NS("a") "  labels: # why\n    x: y # z\n  annotations: {}\n", true,
			  NS("a") "  labels: # why\n    x: y # z\n    " MESH_LABEL ": osm\n  annotations: {}\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels:\n", true, NS("a") LABEL_LINES);
	assert_label_edit(f, "a.yaml", NS("a") "  labels: {}\n", true, NS("a") "  labels: {" MESH_LABEL ": osm}\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels: {x: y}\n", true, NS("a") "  labels: {x: y, " MESH_LABEL ": osm}\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels:\n    " MESH_LABEL ": 'other' # was\n", true,
			  NS("a") "  labels:\n    " MESH_LABEL ": 'osm' # was\n");
	assert_label_edit(f, "a.yaml", NS("a") LABEL_LINES, true, NS("a") LABEL_LINES);
	assert_label_edit(f, "a.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: a}}", true,
			  "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {" MESH_LABEL ": osm}}}");
	assert_label_edit(f, "a.yaml", "apiVersion: v1\nmetadata:\n  name: a\nkind: Namespace", true,
			  "apiVersion: v1\nmetadata:\n  name: a\n" LABEL_LINES "kind: Namespace");
	assert_label_edit(f, "a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a", true, NS("a") LABEL_LINES);
}

static void test_set_label_in_json_and_list(void **state)
{
	struct fixture *f = *state;

	assert_label_edit(f, "a.json", "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\",\n \"metadata\": {\"name\": \"a\"}}\n", true,
			  "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\",\n \"metadata\": {\"name\": \"a\", \"labels\": {\"" MESH_LABEL
			  "\": \"osm\"}}}\n");
	put_file(f, "a.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}");
	assert_label_edit(f, "l.yaml",
			  "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: a\n- "
			  "{apiVersion: v1, kind: Namespace, metadata: {name: z}}\n",
			  true,
			  "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: a\n    "
			  "labels:\n      " MESH_LABEL ": osm\n- {apiVersion: v1, kind: Namespace, metadata: {name: z}}\n");
}

static void test_remove_label(void **state)
{
	struct fixture *f = *state;

	assert_label_edit(f, "a.yaml", NS("a") LABEL_LINES "# end\n", false, NS("a") "# end\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels:\n    # kept\n    x: y\n    " MESH_LABEL ": osm # gone\n    z: w\n", false,
			  NS("a") "  labels:\n    # kept\n    x: y\n    z: w\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels: {" MESH_LABEL ": osm, x: y}\n", false, NS("a") "  labels: {x: y}\n");
	assert_label_edit(f, "a.yaml", NS("a") "  labels: {x: y, " MESH_LABEL ": osm}\n", false, NS("a") "  labels: {x: y}\n");
	assert_label_edit(f, "a.yaml", NS("a"), false, NS("a"));
}

static void test_values_that_need_quotes(void **state)
{
	static const char *const path[] = {"metadata", "labels", "openservicemesh.io/ignore", NULL};
	struct fixture *f = *state;
	enum rf_edit_result result;

	put_file(f, "a.yaml", NS("a"));
	open_edit(f);
	assert_int_equal(rf_edit_set(f->edit, &a_namespace, path, "true", RF_VALUE_STRING, &result), 0);
	commit(f, 1);
	assert_file(f, "a.yaml", NS("a") "  labels:\n    openservicemesh.io/ignore: \"true\"\n");
}

static void test_paths_that_cannot_be_set(void **state)
{
	static const char *const through_text[] = {"metadata", "name", "x", NULL}, *const a_map[] = {"metadata", NULL};
	struct fixture *f = *state;
	enum rf_edit_result result;

	put_file(f, "a.yaml", NS("a"));
	open_edit(f);
	assert_int_equal(rf_edit_set(f->edit, &a_namespace, through_text, "y", RF_VALUE_STRING, &result), -EINVAL);
	assert_non_null(strstr(f->edit->error, "metadata.name.x"));
	assert_int_equal(rf_edit_set(f->edit, &a_namespace, a_map, "y", RF_VALUE_STRING, &result), -EINVAL);
	commit(f, 0);
	assert_file(f, "a.yaml", NS("a"));
}

static void test_apply(void **state)
{
	struct fixture *f = *state;

	put_file(f, "two.yaml", "# head\n" ACC("one") "\n--- # about two\n# two\n" ACC("two") "---\n" ACC("three"));
	open_edit(f);
	assert_int_equal(put(f, "s.yaml", "# new words\n" ACC("two") "---\n" NS("shop")), RF_EDIT_CREATED);
	commit(f, 2);
	assert_file(f, "two.yaml", "# head\n" ACC("one") "\n--- # about two\n# new words\n" ACC("two") "---\n" ACC("three"));
	assert_file(f, "namespace.shop.yaml", NS("shop"));
	open_edit(f);
	assert_int_equal(put(f, "s.yaml", "\n# new words\n" ACC("two") "\n\n"), RF_EDIT_UNCHANGED);
	commit(f, 0);
}

static void test_apply_formats(void **state)
{
	struct fixture *f = *state;

	put_file(f, "one.json",
		 "{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"one\", \"namespace\": \"shop\"}}");
	put_file(f, "shop.serviceaccount.one.yaml", "# taken\n" NS("n"));
	put_file(f, "flow.yaml", "--- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n--- \n" NS("b"));
	open_edit(f);
	assert_int_equal(put(f, "s.yaml", ACC("one")), RF_EDIT_CONFIGURED);
	assert_int_equal(put(f, "s.yaml", NS("a")), RF_EDIT_CONFIGURED);
	assert_int_equal(put(f, "s.yaml",
			     "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Namespace\n    metadata:\n      name: c\n"),
			 RF_EDIT_CREATED);
	commit(f, 4);
	assert_file(f, "one.json", NULL);
	assert_file(f, "shop.serviceaccount.one-1.yaml", ACC("one"));
	assert_file(f, "flow.yaml", "---\n" NS("a") "--- \n" NS("b"));
	assert_file(f, "namespace.c.yaml", NS("c"));
}

static void test_delete(void **state)
{
	struct fixture *f = *state;

	put_file(f, "three.yaml", "# one\n" ACC("one") "---\n# two\n" ACC("two") "---\n# three\n" ACC("three"));
	put_file(f, "single.yaml", "# only\n" NS("a"));
	open_edit(f);
	assert_int_equal(rf_edit_delete(f->edit, "ServiceAccount", "shop", "two"), 0);
	assert_int_equal(rf_edit_delete(f->edit, "Namespace", "", "a"), 0);
	assert_int_equal(rf_edit_delete(f->edit, "Namespace", "", "b"), -ENOENT);
	commit(f, 2);
	assert_file(f, "three.yaml", "# one\n" ACC("one") "---\n# three\n" ACC("three"));
	assert_file(f, "single.yaml", NULL);
	open_edit(f);
	assert_int_equal(rf_edit_delete(f->edit, "ServiceAccount", "shop", "one"), 0);
	commit(f, 1);
	assert_file(f, "three.yaml", "---\n# three\n" ACC("three"));
	open_edit(f);
	assert_int_equal(rf_edit_delete(f->edit, "ServiceAccount", "shop", "three"), 0);
	commit(f, 1);
	assert_file(f, "three.yaml", NULL);
}

static void test_list_items_are_not_cut_out(void **state)
{
	struct fixture *f = *state;

	put_file(f, "l.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n");
	open_edit(f);
	assert_int_equal(rf_edit_delete(f->edit, "Namespace", "", "a"), -ENOTSUP);
	assert_non_null(strstr(f->edit->error, "l.yaml:4"));
}

static void test_nothing_invalid_is_written(void **state)
{
	struct fixture *f = *state;
	size_t changed;

	put_file(f, "a.yaml", NS("a"));
	put_file(f, "broken.yaml", "kind: [\n");
	open_edit(f);
	assert_int_equal(put(f, "s.yaml", NS("b")), RF_EDIT_CREATED);
	assert_int_equal(rf_edit_commit(f->edit, &changed), -EINVAL);
	assert_string_equal(f->edit->objects->diags.items[0].place.file, "broken.yaml");
	assert_file(f, "namespace.b.yaml", NULL);
	put_file(f, "broken.yaml", "");
	open_edit(f);
	/* two MeshConfigs, each of them right by itself */
	put(f, "s.yaml",
	    "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: x}\nspec: {}\n---\n"
	    "apiVersion: config.openservicemesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: y}\nspec: {}\n");
	assert_int_equal(rf_edit_commit(f->edit, &changed), -EINVAL);
	assert_file(f, "default.meshconfig.x.yaml", NULL);
	assert_file(f, "default.meshconfig.y.yaml", NULL);
}

static void test_lock_mode_and_leftovers(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[256];
	struct stat st;

	assert_true(dir >= 0);
	put_file(f, "a.yaml", NS("a"));
	put_file(f, ".ringfence-edit-0", "half");
	assert_int_equal(fchmodat(dir, "a.yaml", 0640, 0), 0);
	open_edit(f);
	assert_int_equal(flock(dir, LOCK_SH | LOCK_NB), -1); /* no reader while an edit is open */
	assert_int_equal(put(f, "s.yaml", NS("a # x")), RF_EDIT_CONFIGURED);
	commit(f, 1);
	assert_int_equal(flock(dir, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(fstatat(dir, "a.yaml", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(faccessat(dir, ".ringfence-edit-0", F_OK, 0), -1);
	snprintf(path, sizeof(path), "%s/link.yaml", f->dir);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_int_equal(flock(dir, LOCK_UN), 0);
	assert_int_equal(rf_edit_open(f->dir, &f->edit), -ENOENT); /* a file that cannot be read is not edited around */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_set_label),
		TEST(test_set_label_in_json_and_list),
		TEST(test_remove_label),
		TEST(test_values_that_need_quotes),
		TEST(test_paths_that_cannot_be_set),
		TEST(test_apply),
		TEST(test_apply_formats),
		TEST(test_delete),
		TEST(test_list_items_are_not_cut_out),
		TEST(test_nothing_invalid_is_written),
		TEST(test_lock_mode_and_leftovers),
	};

	return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
