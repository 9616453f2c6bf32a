/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enum rf_reason (ringfence/reason.h) for people. Both return static text for every number, also for one of a later version.
 */
#pragma once

#include <stdint.h>

const char *rf_reason_name(uint32_t reason); /* "no-rule" */
const char *rf_reason_text(uint32_t reason); /* the sentence */
