/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that differ only in names of things, as one text: "/orders/4711/items" -> "/orders/{}/items". Pure. */
#pragma once

#include <stddef.h>

/* Segments that are numbers, UUIDs (RFC 9562) or at least 16 hexadecimal digits become "{}". What is not printable ASCII is escaped as
 * \xNN. A text that does not fit ends in "...". path needs no leading slash; a query must have been cut. */
void rf_path_template(const char *path, char *ret, size_t size);

/* The same escapes for any text, and nothing else. */
void rf_text_visible(const char *text, char *ret, size_t size);
