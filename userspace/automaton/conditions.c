/* SPDX-License-Identifier: Apache-2.0 */
/* What an atom asks beyond method and path, and the text automata for it. A group of routes mostly says the same of a header again and
 * again, and every route of an Egress the same hosts: each is built once. */
#include <errno.h>
#include <string.h>

#include "automaton/image.h"

static uint64_t digest(const struct rf_route_condition *c)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ (c->kind == RF_COND_AUTHORITY); /* FNV-1a */

	for (size_t i = 0; i < c->pattern_count; i++)
		for (const char *p = c->patterns[i];; p++) {
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3ULL;
			if (!*p)
				break;
		}
	return hash;
}

static bool same_text(const struct rf_route_condition *a, const struct rf_route_condition *b)
{
	if ((a->kind == RF_COND_AUTHORITY) != (b->kind == RF_COND_AUTHORITY) || a->pattern_count != b->pattern_count)
		return false;
	for (size_t i = 0; i < a->pattern_count; i++)
		if (strcmp(a->patterns[i], b->patterns[i]))
			return false;
	return true;
}

static int find_text(struct rf_conditions *c, const struct rf_route_condition *source, size_t *ret)
{
	const uint64_t number = digest(source);
	struct rf_text_image *text;

	for (size_t i = 0; i < c->text_count; i++)
		if (c->texts[i].digest == number && same_text(c->texts[i].source, source)) {
			*ret = i;
			return 0;
		}
	*ret = c->text_count;
	text = RF_ARENA_PUSH(c->arena, c->texts, c->text_count);
	if (!text)
		return -ENOMEM;
	*text = (struct rf_text_image){.digest = number, .source = source};
	return rf_text_automaton_build(source->patterns, source->pattern_count, source->kind == RF_COND_AUTHORITY, &text->image);
}

static int add(struct rf_conditions *c, const struct rf_route_condition *source)
{
	size_t n = c->count;
	const struct rf_route_condition **item = RF_ARENA_PUSH(c->arena, c->items, c->count);
	size_t *text = RF_ARENA_PUSH(c->arena, c->text_of, n);

	if (!item || !text)
		return -ENOMEM;
	*item = source;
	*text = 0;
	switch (source->kind) {
	case RF_COND_HEADER:
		if (!source->name || !*source->name)
			return -EINVAL;
		return find_text(c, source, text);
	case RF_COND_AUTHORITY:
		return find_text(c, source, text);
	case RF_COND_ADDRESS:
		return 0;
	}
	return -EINVAL;
}

int rf_conditions_build(const struct rf_route_atom *atoms, size_t atom_count, struct rf_conditions *ret)
{
	int r = 0;

	for (size_t i = 0; i < atom_count && r == 0; i++)
		for (size_t k = 0; k < atoms[i].condition_count && r == 0; k++)
			r = ret->count == RF_CONDITIONS_MAX ? -E2BIG : add(ret, &atoms[i].conditions[k]);
	return r;
}

void rf_conditions_done(struct rf_conditions *c)
{
	for (size_t i = 0; i < c->text_count; i++)
		rf_automaton_image_free(c->texts[i].image);
	c->text_count = 0;
}
