/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: byte ranges, places, documents, and everything that a policy file must not contain. */
#include "objects_world.h"

#include "objects/tree.h"

struct parsed {
	struct rf_diags diags;
	struct rf_tree *tree;
};

static struct parsed parse_named(const char *name, const char *text, size_t len)
{
	struct parsed p = {.diags = {.arena = rf_arena_new()}};

	assert_non_null(p.diags.arena);
	assert_int_equal(rf_tree_parse(&p.diags, p.diags.arena, name, text, len, &p.tree), 0);
	return p;
}

static struct parsed parse(const char *text)
{
	return parse_named("t.yaml", text, strlen(text));
}

static void done(struct parsed *p)
{
	rf_arena_free(p->diags.arena);
}

static void assert_refused(const char *name, const char *text, size_t len, unsigned line, unsigned column, const char *why)
{
	struct parsed p = parse_named(name, text, len);

	assert_int_equal(p.diags.error_count, p.diags.count);
	assert_true(p.diags.count >= 1);
	if (!strstr(p.diags.items[0].text, why) || p.diags.items[0].place.line != line || p.diags.items[0].place.column != column)
		print_error("%s: got %u:%u: %s\n", text, p.diags.items[0].place.line, p.diags.items[0].place.column, p.diags.items[0].text);
	assert_non_null(strstr(p.diags.items[0].text, why));
	assert_int_equal(p.diags.items[0].place.line, line);
	assert_int_equal(p.diags.items[0].place.column, column);
	for (size_t i = 0; i < p.tree->count; i++)
		assert_null(p.tree->documents[i].root);
	done(&p);
}

#define REFUSED(text, line, column, why)      assert_refused("t.yaml", text, strlen(text), line, column, why)
#define REFUSED_JSON(text, line, column, why) assert_refused("t.json", text, strlen(text), line, column, why)

static void test_ranges(void **state)
{
	static const char text[] = "# head\na: {b: 'x', c: [1, two]} # tail\nlist:\n- k: v\n- \"q\"\n# behind\n";
	struct parsed p = parse(text);
	const struct rf_node *root = p.tree->documents[0].root, *b = rf_node_get(rf_node_get(root, "a"), "b");
	const struct rf_node *list = rf_node_get(root, "list");

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_string_equal(b->text, "x");
	assert_memory_equal(text + b->start, "'x'", 3);
	assert_int_equal(b->end - b->start, 3);
	assert_memory_equal(text + rf_node_get(root, "a")->start, "{b: 'x', c: [1, two]}", 21);
	assert_int_equal(rf_node_get(root, "a")->end - rf_node_get(root, "a")->start, 21);
	assert_int_equal(list->count, 2);
	assert_memory_equal(text + list->end - 3, "\"q\"", 3); /* a block ends where its last child ends */
	assert_int_equal(list->items[0]->place.line, 4);
	assert_int_equal(list->items[0]->place.column, 3);
	done(&p);
}

static void test_columns_are_bytes(void **state)
{
	struct parsed p = parse("\xef\xbb\xbf# \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n\xc3\xa9\xc3\xa9: [\xf0\x9f\x98\x80, x]\n");
	const struct rf_node *list = rf_node_get(p.tree->documents[0].root, "\xc3\xa9\xc3\xa9");

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_int_equal(list->place.line, 2);
	assert_int_equal(list->place.column, 7);
	assert_int_equal(list->items[1]->place.column, 14);
	assert_memory_equal(p.tree->source.text + list->items[1]->start, "x", 1);
	done(&p);
}

/* A byte order mark in front of an object: it is no column, and the lines behind it are not indented wrongly. */
static void test_byte_order_mark(void **state)
{
	struct parsed p = parse("\xef\xbb\xbf"
				"a: 1\nb:\n  c: 2\n");
	const struct rf_node *root = p.tree->documents[0].root;

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_int_equal(rf_node_get(root, "a")->place.column, 4);
	assert_memory_equal(p.tree->source.text + rf_node_get(root, "a")->start, "1\nb", 3);
	assert_string_equal(rf_node_get(rf_node_get(root, "b"), "c")->text, "2");
	done(&p);
	REFUSED("\xef\xbb\xbf"
		"a: [1\nb: 2\n",
		2, 2, "YAML syntax");
	REFUSED("\xef\xbb\xbf"
		"a: 1\n\x01\n",
		2, 1, "control characters");
	/* one further down, too: files put together */
	REFUSED("a: 1\n---\n\xef\xbb\xbf"
		"b: 2\n",
		3, 1, "byte order mark");
	REFUSED("\xef\xbb\xbf"
		"a: 1\n...\n\xef\xbb\xbf"
		"--- # c\n",
		3, 1, "byte order mark");
	REFUSED("\xef\xbb\xbf"
		"\xef\xbb\xbf"
		"a: 1\n",
		1, 1, "byte order mark");
}

static void test_documents(void **state)
{
	static const char text[] = "# one\na: 1\n--- # two\nb: 2\n---\n# nothing\n--- {c: 3}\n...\n# stray\n---\nd: 4";
	struct parsed p = parse(text);
	const struct rf_document *d = p.tree->documents;

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_int_equal(p.tree->count, 5);
	assert_int_equal(d[0].text_start, 0);
	assert_memory_equal(text + d[0].text_end, "--- # two", 9);
	assert_memory_equal(text + d[1].marker, "--- # two", 9);
	assert_memory_equal(text + d[1].text_start, "b: 2\n---", 8);
	assert_null(d[2].root);
	assert_memory_equal(text + d[3].text_start, " {c: 3}", 7);
	assert_memory_equal(text + d[3].text_end, "...", 3);
	assert_int_equal(d[4].text_end, strlen(text));
	assert_string_equal(rf_node_get(d[4].root, "d")->text, "4");
	done(&p);
}

static void test_refused(void **state)
{
	(void)state;
	REFUSED("a: !!str 1\n", 1, 4, "tags");
	REFUSED("%YAML 1.1\n---\na: 1\n", 1, 1, "directives");
	REFUSED("a: 1\nb: 2\n\"a\": 3\n", 3, 1, "duplicate key \"a\": it is already on line 1");
	REFUSED("? [a]\n: 1\n", 1, 3, "a key must be");
	REFUSED("a: [1\nb: 2\n", 2, 2, "YAML syntax");
	REFUSED("a: \"\\0\"\n", 1, 4, "NUL");
	assert_refused("t.yaml", "a: b\nc: \xff\n", 10, 2, 4, "not UTF-8");
	assert_refused("t.yaml", "a: \xed\xa0\x80\n", 7, 1, 4, "not UTF-8"); /* a surrogate */
	assert_refused("t.yaml", "a: \xc0\xaf\n", 6, 1, 4, "not UTF-8");     /* not the shortest form */
	assert_refused("t.yaml", "a: x\0y\n", 7, 1, 5, "NUL byte");
	/* Seen in an editor this is one line, a comment. */
	assert_refused("t.yaml",
		       "# a\xe2\x80\xa8"
		       "b: c\n",
		       11, 1, 4, "line separator");
	assert_refused("t.yaml", "# a\rb: c\r\n", 10, 1, 4, "carriage return");
	assert_refused("t.yaml", "a: 'x\xc2\x85y'\n", 10, 1, 6, "line separator");
	assert_refused("t.yaml", "a: \"x\xe2\x80\xa9y\"\n", 11, 1, 6, "line separator");
}

static void test_all_problems_are_listed(void **state)
{
	struct parsed p = parse("a: *x\nb: *y\n? [c]\n: 2\n---\nfine: 1\n---\nc: !t 1\n");

	(void)state;
	assert_int_equal(p.diags.error_count, 4);
	assert_null(p.tree->documents[0].root);
	assert_non_null(p.tree->documents[1].root);
	assert_null(p.tree->documents[2].root);
	done(&p);
}

static void test_problems_have_a_limit(void **state)
{
	char text[RF_PROBLEMS_MAX * 16 + 64] = "";
	struct parsed p;

	(void)state;
	for (int i = 0; i < RF_PROBLEMS_MAX + 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "k%d: *x\n", i);
	p = parse(text);
	assert_int_equal(p.diags.count, RF_PROBLEMS_MAX + 1);
	assert_non_null(strstr(p.diags.items[RF_PROBLEMS_MAX].text, "too many problems"));
	done(&p);
}

static void test_depth(void **state)
{
	char text[RF_DEPTH_MAX * 2 + 8];
	struct parsed p;

	(void)state;
	memset(text, '[', RF_DEPTH_MAX);
	memset(text + RF_DEPTH_MAX, ']', RF_DEPTH_MAX);
	text[2 * RF_DEPTH_MAX] = '\0';
	p = parse(text);
	assert_int_equal(p.diags.count, 0);
	done(&p);
	memset(text, '[', RF_DEPTH_MAX + 1);
	memset(text + RF_DEPTH_MAX + 1, ']', RF_DEPTH_MAX + 1);
	text[2 * RF_DEPTH_MAX + 2] = '\0';
	REFUSED(text, 1, RF_DEPTH_MAX + 1, "nested deeper than 32 levels");
}

static void test_size(void **state)
{
	_cleanup_free_ char *text = malloc(RF_FILE_MAX + 2);
	struct parsed p;

	(void)state;
	assert_non_null(text);
	memset(text, '#', RF_FILE_MAX + 1);
	p = parse_named("t.yaml", text, RF_FILE_MAX);
	assert_int_equal(p.diags.count, 0);
	done(&p);
	p = parse_named("t.yaml", text, RF_FILE_MAX + 1);
	assert_int_equal(p.diags.count, 1);
	assert_int_equal(p.diags.items[0].place.line, 0);
	assert_non_null(strstr(p.diags.items[0].text, "larger than"));
	done(&p);
}

static void test_json(void **state)
{
	static const char text[] = "{\n\t\"a\": [true, \"x\\/\", -1],\n\t\"b\": null\n}\n";
	struct parsed p = parse_named("t.json", text, strlen(text));

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_string_equal(rf_node_get(p.tree->documents[0].root, "a")->items[1]->text, "x/");
	assert_true(rf_node_is_null(rf_node_get(p.tree->documents[0].root, "b")));
	done(&p);
	REFUSED_JSON("{\"a\": 1,}\n", 1, 10, "JSON syntax"); /* cJSON points behind what it did not expect */
	REFUSED_JSON("a: 1\n", 1, 1, "JSON syntax");
	REFUSED_JSON("{\"a\": 1}\n{}\n", 2, 1, "something follows the object");
	REFUSED_JSON("{\"a\": {\n", 2, 1, "the end is missing");
	REFUSED_JSON("{\"a\":\n \"x\ty\"}\n", 2, 4, "a control character");
	REFUSED_JSON("{\"a\": 1, \"a\": 2}", 1, 10, "duplicate key");
	REFUSED_JSON("", 1, 1, "JSON syntax");
	/* To JSON a character, to YAML a line end that folds into a space. */
	REFUSED_JSON("{\"a\": \"x\xe2\x80\xa8 y\"}", 1, 9, "line separator");
}

static void test_place_in_scalar(void **state)
{
	struct parsed p = parse("a: plain(\nb: 'it''s('\nc: \"\\x41\\u00e9\\\\(\"\nd: |\n  x(\ne: 'two\n  lines('\n");
	const struct rf_node *root = p.tree->documents[0].root;

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_int_equal(rf_node_place_at(rf_node_get(root, "a"), 5).column, 9);
	assert_int_equal(rf_node_place_at(rf_node_get(root, "b"), 4).column, 10); /* it''s( : behind the doubled quote */
	assert_int_equal(rf_node_place_at(rf_node_get(root, "c"), 4).column, 17); /* A, two bytes, backslash */
	assert_int_equal(rf_node_place_at(rf_node_get(root, "d"), 1).column, 4);
	assert_int_equal(rf_node_place_at(rf_node_get(root, "e"), 6).column, 4);
	done(&p);
}

static void test_path(void **state)
{
	struct parsed p = parse("spec: {rules: [{}, {name: x}]}\n");
	const struct rf_node *rules = rf_node_get(rf_node_get(p.tree->documents[0].root, "spec"), "rules");
	char path[64], cut[8];

	(void)state;
	assert_string_equal(rf_node_path(rf_node_get(rules->items[1], "name"), path, sizeof(path)), "spec.rules[1].name");
	assert_string_equal(rf_node_path(rf_node_get(rules->items[1], "name"), cut, sizeof(cut)), "spec.ru");
	done(&p);
}

/* An anchor with nothing behind it but blanks: the text is empty, and so is its range. */
static void test_empty_anchored(void **state)
{
	struct parsed p = parse("&k   : x\nb: &l\t \n");
	const struct rf_node *root = p.tree->documents[0].root;

	(void)state;
	assert_int_equal(p.diags.count, 0);
	assert_int_equal(root->count, 2);
	assert_int_equal(root->items[0]->key->start, root->items[0]->key->end);
	assert_int_equal(rf_node_place_at(root->items[0]->key, 0).line, 1);
	assert_true(root->items[1]->start <= root->items[1]->end);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_columns_are_bytes),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_problems_are_listed),
		cmocka_unit_test(test_problems_have_a_limit),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_place_in_scalar),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_empty_anchored),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
