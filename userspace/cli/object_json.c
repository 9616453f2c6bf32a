/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/object_json.h"

#include <stdlib.h>

#include "objects/scalar.h"

static cJSON *scalar_json(const struct rf_node *node)
{
	int64_t number;
	bool boolean;

	if (rf_node_is_null(node))
		return cJSON_CreateNull();
	if (rf_scalar_bool(node, &boolean) == 0)
		return cJSON_CreateBool(boolean);
	if (rf_scalar_integer(node, INT64_MIN, INT64_MAX, &number) == 0)
		return cJSON_CreateRaw(node->text); /* a double would round it */
	return cJSON_CreateString(node->text);
}

cJSON *rf_object_json(const struct rf_node *node)
{
	_cleanup_json_ cJSON *root = NULL;

	if (node->kind == RF_NODE_SCALAR)
		return scalar_json(node);
	root = node->kind == RF_NODE_MAPPING ? cJSON_CreateObject() : cJSON_CreateArray();
	for (size_t i = 0; root && i < node->count; i++) {
		cJSON *item = rf_object_json(node->items[i]); /* at most RF_DEPTH_MAX levels */

		if (!item || !(node->kind == RF_NODE_MAPPING ? cJSON_AddItemToObject(root, node->items[i]->key->text, item)
							     : cJSON_AddItemToArray(root, item))) {
			cJSON_Delete(item);
			return NULL;
		}
	}
	return TAKE_PTR(root);
}
