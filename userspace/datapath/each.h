/* SPDX-License-Identifier: Apache-2.0 */
/* Every entry of a table, for those who explain what stands there (`ringfence why`). */
#pragma once

#include "datapath/datapath.h"

/* table: a hash, by its name below live/ or maps/ ("allow", "services", "names"...). The order is the kernel's. fn may not call into dp;
 * anything but 0 ends the walk and is returned. -ENOENT: no such table, or no revision yet; -EINVAL: not a hash. */
int rf_datapath_each(struct rf_datapath *dp, const char *table, int (*fn)(void *arg, const void *key, const void *value), void *arg);
