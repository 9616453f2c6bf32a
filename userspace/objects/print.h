/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "core/diag.h"

/* "file:line:column: error: message" and a newline (GNU coding standards, section 4.4); "file: error: ..." for a whole file. */
void rf_diag_print(FILE *f, const struct rf_diag *diag);
void rf_diags_print(FILE *f, const struct rf_diags *diags);
