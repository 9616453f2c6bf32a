/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as JSON, typed as the reader of the files types them. */
#pragma once

#include "core/json.h"
#include "objects/tree.h"

/* NULL without memory. */
cJSON *rf_object_json(const struct rf_node *node);
