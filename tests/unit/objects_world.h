/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of objects/: texts in, objects and messages out. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/objects.h"

static inline struct rf_objects *world_add(struct rf_objects *o, const char *name, const char *text)
{
	if (!o)
		assert_int_equal(rf_objects_new(&o), 0);
	assert_int_equal(rf_objects_add(o, name, text, strlen(text)), 0);
	return o;
}

static inline struct rf_objects *world_checked(const char *text)
{
	struct rf_objects *o = world_add(NULL, "t.yaml", text);

	assert_int_equal(rf_objects_check(o), 0);
	return o;
}

/* "line:column: text" of diag i, or "" */
static inline const char *world_diag(const struct rf_objects *o, size_t i)
{
	static char buffers[4][1200];
	static unsigned next;
	char *buffer = buffers[next++ % 4];

	buffer[0] = '\0';
	if (i < o->diags.count)
		snprintf(buffer, sizeof(buffers[0]), "%u:%u: %s", o->diags.items[i].place.line, o->diags.items[i].place.column,
			 o->diags.items[i].text);
	return buffer;
}

static inline void assert_error(const char *text, const char *expected)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);

	for (size_t i = 0; i < o->diags.count; i++) {
		if (o->diags.items[i].is_error && strstr(world_diag(o, i), expected))
			return;
	}
	print_error("%s\n--- expected an error with \"%s\"\n", text, expected);
	for (size_t i = 0; i < o->diags.count; i++)
		print_error("got %s\n", world_diag(o, i));
	fail();
}

static inline void assert_warning(const char *text, const char *expected)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);
	bool found = false;

	for (size_t i = 0; i < o->diags.count; i++) {
		if (o->diags.items[i].is_error)
			print_error("unexpected error %s\n", world_diag(o, i));
		found = found || strstr(world_diag(o, i), expected);
	}
	assert_int_equal(o->diags.error_count, 0);
	if (!found)
		print_error("no warning with \"%s\"\n", expected);
	assert_true(found);
}

static inline void assert_clean(const char *text)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = world_checked(text);

	if (o->diags.count > 0)
		print_error("%s\nunexpected: %s\n", text, world_diag(o, 0));
	assert_int_equal(o->diags.count, 0);
	assert_true(o->all_count > 0);
}
