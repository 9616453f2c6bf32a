/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a Service selects, found by label: the same pods as by asking each, for many Services, pods and labels. */
#include "policy_world.h"

#define KEYS     3
#define VALUES   2
#define SERVICES 40

static const char *const keys[KEYS] = {"app", "tier", "zone"}, *const values[VALUES] = {"a", "b"};

struct labelled {
	struct rf_pair_text labels[KEYS + 1];
	size_t count;
};

static unsigned seed;

static unsigned dice(unsigned sides)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % sides;
}

static void draw_labels(struct labelled *l)
{
	l->count = 0;
	for (size_t k = 0; k < KEYS; k++)
		if (dice(3))
			l->labels[l->count++] = (struct rf_pair_text){.key = keys[k], .value = values[dice(VALUES)]};
}

static bool has(const struct labelled *l, const struct rf_pair_text *want)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->labels[i].key, want->key) && !strcmp(l->labels[i].value, want->value))
			return true;
	return false;
}

static bool selects(const struct labelled *selector, const struct labelled *pod)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!has(pod, &selector->labels[i]))
			return false;
	return selector->count > 0;
}

static void add_service(struct world *w, const char *ns, int number, const struct labelled *selector)
{
	char text[256] = "";

	for (size_t i = 0; i < selector->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s: %s", i ? ", " : "", selector->labels[i].key,
			 selector->labels[i].value);
	world_yamlf(w, "s.yaml",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: %s}\nspec:\n  selector: {%s}\n  ports: [{port: 80}]\n",
		    number, ns, text);
}

static void test_selected_are_those_with_all_labels(void **state)
{
	static const char *const namespaces[] = {"one", "two"};

	(void)state;
	for (seed = 1; seed < 40; seed++) {
		struct labelled pods[WORLD_PODS], selectors[2][SERVICES];
		unsigned began = seed;
		struct world w;

		world_begin(&w);
		for (int i = 0; i < WORLD_PODS; i++) {
			char *name = rf_arena_printf(w.arena, "pod-%d", i), *ip = rf_arena_printf(w.arena, "10.201.0.%d", i + 2);

			draw_labels(&pods[i]);
			world_pod(&w, namespaces[i % 2], name, "default", "", ip);
			w.pods[i].labels = pods[i].labels;
			w.pods[i].label_count = pods[i].count;
		}
		for (int n = 0; n < 2; n++)
			for (int s = 0; s < SERVICES; s++) {
				draw_labels(&selectors[n][s]);
				add_service(&w, namespaces[n], s, &selectors[n][s]);
			}
		world_compile(&w);
		for (int n = 0; n < 2; n++)
			for (int s = 0; s < SERVICES; s++) {
				const struct rf_service_address *a = service_address(&w, namespaces[n], rf_arena_printf(w.arena, "s%d", s));
				size_t expected = 0;

				for (int i = n; i < WORLD_PODS; i += 2)
					expected += selects(&selectors[n][s], &pods[i]);
				assert_non_null(a);
				assert_int_equal(a->endpoint_count, expected);
				for (size_t e = 0; e < a->endpoint_count; e++) {
					int i = (int)(ntohl(a->endpoints[e].addr4.be[3]) & 255) - 2;

					assert_int_equal(i % 2, n);
					assert_true(selects(&selectors[n][s], &pods[i]));
				}
			}
		world_end(&w);
		seed = began;
	}
}

/* ringfence run may be given a label twice. */
static void test_a_label_twice_is_one_pod(void **state)
{
	struct rf_pair_text twice[] = {{.key = "app", .value = "web"}, {.key = "app", .value = "web"}};
	struct world w;

	(void)state;
	world_begin(&w);
	world_namespace(&w, "shop", true);
	world_app(&w, "shop", "web", "  - {port: 80}\n");
	world_pod(&w, "shop", "web-1", "web", "web", "10.201.0.2");
	w.pods[0].labels = twice;
	w.pods[0].label_count = 2;
	world_compile(&w);
	assert_int_equal(service_address(&w, "shop", "web")->endpoint_count, 1);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selected_are_those_with_all_labels),
		cmocka_unit_test(test_a_label_twice_is_one_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
