/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JSON file: what is accepted means to us exactly what it means to a JSON parser, key by key and text by text. */
#include <cjson/cJSON.h>

#include "tree_checks.h"

static void same_scalar(const cJSON *json, const struct rf_node *node)
{
	require(node->kind == RF_NODE_SCALAR);
	if (cJSON_IsString(json)) {
		require(node->style == RF_SCALAR_DOUBLE && strcmp(node->text, json->valuestring) == 0);
		return;
	}
	require(node->style == RF_SCALAR_PLAIN);
	if (cJSON_IsNumber(json))
		require(strtod(node->text, NULL) == json->valuedouble);
	else
		require(strcmp(node->text, cJSON_IsNull(json) ? "null" : cJSON_IsTrue(json) ? "true" : "false") == 0);
}

static void same(const cJSON *json, const struct rf_node *node)
{
	const cJSON *item = json->child;

	if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
		same_scalar(json, node);
		return;
	}
	require(node->kind == (cJSON_IsArray(json) ? RF_NODE_SEQUENCE : RF_NODE_MAPPING));
	for (size_t i = 0; i < node->count; i++, item = item->next) {
		require(item != NULL);
		require(!cJSON_IsObject(json) || strcmp(item->string, node->items[i]->key->text) == 0);
		same(item, node->items[i]);
	}
	require(item == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rf_diags diags = {.arena = rf_arena_new()};
	struct rf_arena *scratch = rf_arena_new();
	char *text = malloc(size + 1);
	struct rf_tree *tree;
	cJSON *json;

	require(diags.arena != NULL && scratch != NULL && text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	require(rf_tree_parse(&diags, scratch, "fuzz.json", text, size, &tree) == 0);
	check_diags(&diags, tree);
	json = cJSON_ParseWithLengthOpts(text, size + 1, NULL, 1);
	require(json || diags.error_count);
	if (diags.error_count == 0) {
		require(tree->count == 1);
		if (tree->documents[0].root) {
			check_node(tree->documents[0].root);
			same(json, tree->documents[0].root);
		} else {
			require(cJSON_IsNull(json));
		}
	}
	cJSON_Delete(json);
	free(text);
	rf_arena_free(scratch);
	rf_arena_free(diags.arena);
	return 0;
}
