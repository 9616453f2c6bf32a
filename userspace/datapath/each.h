/* SPDX-License-Identifier: Apache-2.0 */
/* Every entry of a table, for those who explain what stands there (`ringfence why`). */
#pragma once

#include "datapath/datapath.h"

/* How many ServiceAccounts are under audit in the live revision: what would be denied about them passes. Errors as below. */
int rf_datapath_audited(struct rf_datapath *dp, size_t *ret);

/* table: a hash, by its name below live/ or maps/ ("allow", "services", "names"...). The order is the kernel's. fn may not call into dp;
 * anything but 0 ends the walk and is returned. -ENOENT: no such table, or no revision yet; -EINVAL: not a hash. */
int rf_datapath_each(struct rf_datapath *dp, const char *table, int (*fn)(void *arg, const void *key, const void *value), void *arg);
