/* SPDX-License-Identifier: Apache-2.0 */
#include "core/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/arena.h"

static int diag_add(struct rf_diags *d, bool is_error, struct rf_place at, const char *format, va_list ap)
{
	char text[1024];
	struct rf_diag *item;
	char *copy;

	vsnprintf(text, sizeof(text), format, ap);
	copy = rf_arena_strdup(d->arena, text);
	if (!copy)
		return -ENOMEM;
	item = RF_ARENA_PUSH(d->arena, d->items, d->count);
	if (!item)
		return -ENOMEM;
	*item = (struct rf_diag){.is_error = is_error, .place = at, .text = copy};
	if (!is_error)
		return 0;
	d->error_count++;
	return -EINVAL;
}

int rf_diag_error(struct rf_diags *d, struct rf_place at, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = diag_add(d, true, at, format, ap);
	va_end(ap);
	return r;
}

int rf_diag_warning(struct rf_diags *d, struct rf_place at, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = diag_add(d, false, at, format, ap);
	va_end(ap);
	return r;
}
