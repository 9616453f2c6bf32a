/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which subjects a Service selects, found through one of its labels instead of by asking every pod of the namespace:
 *
 *	struct rf_selection s = rf_select(c, service);
 *	for (const struct rf_subject *subject; (subject = rf_selected(&s));)
 *		...
 *
 * They come in the order of the subjects, those and no others for which rf_service_selects is true; one that has a label twice, twice.
 */
#pragma once

#include "policy/compile.h"

struct rf_selection {
	const struct rf_compile *c;
	const struct rf_service *service;
	const struct rf_label_row *at, *end;
};

int rf_label_rows(struct rf_compile *c); /* subjects.c, once they are sorted. -ENOMEM */
struct rf_selection rf_select(const struct rf_compile *c, const struct rf_service *service);
const struct rf_subject *rf_selected(struct rf_selection *s); /* the next one, or NULL */
