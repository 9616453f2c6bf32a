/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors, aliases and merge keys: what stands for what, where a problem is shown, and what must not be. */
#include "objects_world.h"

#include <errno.h>

#include "objects/anchors.h"
#include "objects/splice.h"

struct parsed {
	struct rf_diags diags;
	struct rf_tree *tree;
};

static struct parsed parse(const char *text)
{
	struct parsed p = {.diags = {.arena = rf_arena_new()}};

	assert_non_null(p.diags.arena);
	assert_int_equal(rf_tree_parse(&p.diags, p.diags.arena, "t.yaml", text, strlen(text), &p.tree), 0);
	return p;
}

static const struct rf_node *root_of(const struct parsed *p)
{
	for (size_t i = 0; i < p->diags.count; i++)
		print_error("%u:%u: %s\n", p->diags.items[i].place.line, p->diags.items[i].place.column, p->diags.items[i].text);
	assert_int_equal(p->diags.count, 0);
	assert_non_null(p->tree->documents[0].root);
	return p->tree->documents[0].root;
}

static const char *text_of(const struct rf_node *map, const char *key)
{
	const struct rf_node *node = rf_node_get(map, key);

	return node ? node->text : NULL;
}

static void done(struct parsed *p)
{
	rf_arena_free(p->diags.arena);
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *why)
{
	struct parsed p = parse(text);

	assert_true(p.diags.error_count >= 1);
	if (!strstr(p.diags.items[0].text, why) || p.diags.items[0].place.line != line || p.diags.items[0].place.column != column)
		print_error("%s: got %u:%u: %s\n", text, p.diags.items[0].place.line, p.diags.items[0].place.column, p.diags.items[0].text);
	assert_non_null(strstr(p.diags.items[0].text, why));
	assert_int_equal(p.diags.items[0].place.line, line);
	assert_int_equal(p.diags.items[0].place.column, column);
	assert_null(p.tree->documents[0].root);
	done(&p);
}

static void test_scalar(void **state)
{
	struct parsed p = parse("a: &x 'web'\nb: *x\nc: [*x, y]\n*x : z\n");
	const struct rf_node *root = root_of(&p), *b = rf_node_get(root, "b");

	(void)state;
	assert_string_equal(b->text, "web");
	assert_int_equal(b->style, RF_SCALAR_SINGLE); /* still no number, were it one */
	assert_int_equal(b->place.line, 2);
	assert_int_equal(b->end - b->start, 2); /* its own range, for what is cut around it */
	assert_string_equal(rf_node_get(root, "c")->items[0]->text, "web");
	assert_string_equal(text_of(root, "web"), "z");
	done(&p);
}

/* The place of a byte within the text is where that byte stands. */
static void test_place_within(void **state)
{
	struct parsed p = parse("a:\n  - &x \"q\\u00e9(\"\nb: *x\n");
	struct rf_place place = rf_node_place_at(rf_node_get(root_of(&p), "b"), 3);

	(void)state;
	assert_int_equal(place.line, 2);
	assert_int_equal(place.column, 16);
	done(&p);
}

static void test_collection(void **state)
{
	struct parsed p = parse("labels: &l {app: web, tier: [1, 2]}\nselector: *l\nlast: *l\n");
	const struct rf_node *root = root_of(&p), *selector = rf_node_get(root, "selector");
	char path[64];

	(void)state;
	assert_int_equal(selector->kind, RF_NODE_MAPPING);
	assert_string_equal(text_of(selector, "app"), "web");
	assert_string_equal(rf_node_path(rf_node_get(selector, "tier")->items[1], path, sizeof(path)), "selector.tier[1]");
	assert_string_equal(rf_node_path(rf_node_get(rf_node_get(root, "labels"), "tier")->items[1], path, sizeof(path)), "labels.tier[1]");
	assert_int_equal(root->end, p.tree->source.len - 1);
	done(&p);
}

static void test_last_definition_counts(void **state)
{
	struct parsed p = parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\n---\ne: 1\n");
	const struct rf_node *root = root_of(&p);

	(void)state;
	assert_string_equal(text_of(root, "b"), "1");
	assert_string_equal(text_of(root, "d"), "2");
	done(&p);
}

static void test_merge(void **state)
{
	struct parsed p = parse("one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\n"
				"x:\n  b: own\n  <<: *one\n"
				"y:\n  <<: [*two, *one]\n  d: own\n"
				"z: {<<: {a: in}, e: own}\n"
				"q:\n  \"<<\": text\n");
	const struct rf_node *root = root_of(&p), *x = rf_node_get(root, "x"), *y = rf_node_get(root, "y"), *z = rf_node_get(root, "z");

	(void)state;
	assert_int_equal(x->count, 2);
	assert_string_equal(text_of(x, "a"), "1");
	assert_string_equal(text_of(x, "b"), "own");
	assert_int_equal(y->count, 4);
	assert_string_equal(text_of(y, "b"), "2");
	assert_string_equal(text_of(y, "a"), "1");
	assert_string_equal(text_of(y, "c"), "2");
	assert_string_equal(text_of(z, "a"), "in");
	assert_string_equal(text_of(rf_node_get(root, "q"), "<<"), "text");
	for (size_t i = 0; i < y->count; i++)
		assert_int_equal(y->items[i]->index, i);
	done(&p);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("a: 1\nb: *x\n", 2, 4, "*x: nothing above in this document has the anchor");
	assert_refused("b: *x\na: &x 1\n", 1, 4, "nothing above");
	assert_refused("a: &x [1, *x]\n", 1, 11, "stands inside of what it names");
	assert_refused("a: &x 1\n<<: *x\n", 2, 5, "<< takes a map");
	assert_refused("a: &x [1]\nb:\n  <<: *x\n", 1, 8, "<< takes a map");
	assert_refused("a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", 4, 3, "duplicate key \"<<\"");
	assert_refused("? [a]\n: 1\nb:\n  <<: {? [c] : 1}\n", 1, 3, "a key must be");
}

static void test_anchor_of_another_document(void **state)
{
	struct parsed p = parse("a: &x 1\n---\nb: *x\n");

	(void)state;
	assert_int_equal(p.diags.error_count, 1);
	assert_non_null(p.tree->documents[0].root);
	assert_null(p.tree->documents[1].root);
	done(&p);
}

/* Each line doubles the one above: a few lines, a billion values. */
static void test_multiplied(void **state)
{
	char text[2048] = "a0: &a0 [x, x]\n";
	struct parsed p;

	(void)state;
	for (int i = 1; i < 30; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	p = parse(text);
	assert_true(p.diags.error_count >= 1);
	assert_non_null(strstr(p.diags.items[0].text, "aliases make more than"));
	assert_null(p.tree->documents[0].root);
	done(&p);
}

/* What is looked for in lists has limits: a file of the greatest size would keep its reader busy for half a minute. */
static void test_looked_for(void **state)
{
	static char text[RF_FILE_MAX];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < RF_ANCHORS_MAX + 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a%d: &b x\n", i);
	assert_refused(text, RF_ANCHORS_MAX + 1, 8, "more than 1000 anchors");
	n = (size_t)snprintf(text, sizeof(text), "a: &m {x: 1}\nb: {<<: [*m");
	for (int i = 0; i < 5000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",*m");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "]");
	for (int i = 0; i < 50000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",k%d: 1", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "}\n");
	assert_true(n < sizeof(text) - 1);
	assert_refused(text, 2, 4, "<< compares too many");
}

static void test_depth(void **state)
{
	char text[4096] = "a0: &a0 [x]\n";

	(void)state;
	for (int i = 1; i < RF_DEPTH_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "a%d: &a%d [*a%d]\n", i, i, i - 1);
	assert_refused(text, RF_DEPTH_MAX, 12, "nested deeper than 32 levels");
}

/* What stands in several places is not edited in one of them. */
static void assert_not_edited(const char *text, const char *first, const char *second)
{
	const char *path[] = {first, second, NULL};
	struct rf_splice splice;
	struct parsed p = parse(text);

	assert_int_equal(rf_splice_set(p.diags.arena, root_of(&p), path, "v", RF_VALUE_STRING, &splice), -EINVAL);
	if (rf_node_get(rf_node_get(root_of(&p), first), second))
		assert_int_equal(rf_splice_remove(root_of(&p), path, &splice), -EINVAL);
	done(&p);
}

static void test_not_edited(void **state)
{
	(void)state;
	assert_not_edited("labels: &l\n  app: web\nb: *l\n", "labels", "app");
	assert_not_edited("labels: &l\n  app: web\nb: *l\n", "labels", "new");
	assert_not_edited("a: &l\n  app: web\nlabels: *l\n", "labels", "app");
	assert_not_edited("a: &l {app: web}\nlabels: *l\n", "labels", "new");
	assert_not_edited("a: &l {app: web}\nlabels:\n  <<: *l\n  x: y\n", "labels", "app");
	assert_not_edited("a: &l {app: web}\nlabels: {<<: *l, x: y}\n", "labels", "new");
	assert_not_edited("labels:\n  app: &v web\nb: *v\n", "labels", "app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_place_within),
		cmocka_unit_test(test_collection),
		cmocka_unit_test(test_last_definition_counts),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_anchor_of_another_document),
		cmocka_unit_test(test_multiplied),
		cmocka_unit_test(test_looked_for),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_not_edited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
