/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says where no agent answers, in the fields of the agent's own status. */
#pragma once

#include "core/json.h"
#include "datapath/datapath.h"

/* NULL: no memory. */
cJSON *rf_kernel_status(struct rf_datapath *dp, const struct rf_instance *instance);
