/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml says where it gave up and which rule of its grammar did not hold. What people have usually done there is said in their words:
 * a tab in front, a quote that is missing, lines that are not indented alike.
 */
#pragma once

#include "objects/source.h"

/* problem and context: libyaml's; at: byte offset. A sentence, never NULL. */
const char *rf_syntax_advice(const struct rf_source *source, size_t at, const char *problem, const char *context);
