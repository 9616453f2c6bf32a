/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/* May this source reach anybody only through the checker? policy NULL: no. */
bool rf_policy_needs_checker(const struct rf_policy *policy, rf_identity_t src);
