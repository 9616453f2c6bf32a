/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The next piece of the body; all of them begin at multiples of 8. */
static uint64_t place(struct rf_automaton_image *image, size_t size)
{
	const uint64_t at = image->body_size;

	image->body_size += (size + 7) & ~(size_t)7;
	return at;
}

static size_t listed(const struct rf_image_parts *p)
{
	size_t n = 0;

	if (!p->sets)
		return p->atom_count;
	for (uint32_t set = 1; set < p->sets->count; set++)
		n += p->sets->items[set].len;
	return n;
}

static size_t extra_size(const struct rf_route_condition *c)
{
	switch (c->kind) {
	case RF_COND_HEADER:
		return strlen(c->name);
	case RF_COND_ADDRESS:
		return c->range_count * sizeof(struct rf_range);
	case RF_COND_AUTHORITY:
		break;
	}
	return 0;
}

static void write_sets(const struct rf_automaton *head, const struct rf_image_parts *p, char *body)
{
	uint32_t *first = (uint32_t *)(body + head->sets_off), *atoms = first + head->accept_sets + 2;
	uint32_t n = 0;

	for (uint32_t set = 1; set <= head->accept_sets; set++) {
		uint32_t len = 1, single = set - 1;
		const uint32_t *list = p->sets ? rf_intern_get(p->sets, set, &len) : &single;

		first[set] = n;
		memcpy(atoms + n, list, len * sizeof(*list));
		n += len;
	}
	first[head->accept_sets + 1] = n;
}

static void write_atoms(const struct rf_automaton *head, const struct rf_image_parts *p, char *body)
{
	struct rf_atom_info *atoms = (struct rf_atom_info *)(body + head->atoms_off);
	uint32_t first = 0;

	for (size_t i = 0; i < p->atom_count; i++) {
		atoms[i] = (struct rf_atom_info){
			.rule_id = p->atoms[i].rule_id, .cond_first = first, .cond_count = (uint32_t)p->atoms[i].condition_count};
		first += atoms[i].cond_count;
	}
}

static void write_extra(const struct rf_route_condition *c, char *to)
{
	if (c->kind == RF_COND_ADDRESS && c->range_count)
		memcpy(to, c->ranges, c->range_count * sizeof(*c->ranges));
	for (size_t i = 0; c->kind == RF_COND_HEADER && c->name[i]; i++)
		to[i] = (char)(c->name[i] >= 'A' && c->name[i] <= 'Z' ? c->name[i] | 0x20 : c->name[i]);
}

static void write_condition(const struct rf_image_parts *p, size_t i, uint64_t extra, char *body, struct rf_route_cond *to)
{
	const struct rf_route_condition *c = p->conditions->items[i];

	*to = (struct rf_route_cond){.kind = c->kind};
	if (c->kind != RF_COND_ADDRESS)
		to->automaton_off = p->conditions->texts[p->conditions->text_of[i]].offset;
	if (c->kind == RF_COND_AUTHORITY)
		return;
	to->at_off = extra;
	to->count = (uint32_t)(c->kind == RF_COND_HEADER ? strlen(c->name) : c->range_count);
	write_extra(c, body + extra);
}

static void write_conditions(const struct rf_automaton *head, const struct rf_image_parts *p, uint64_t extra, char *body)
{
	struct rf_route_cond *conds = (struct rf_route_cond *)(body + head->conds_off);

	for (size_t i = 0; i < head->cond_count; i++) {
		write_condition(p, i, extra, body, &conds[i]);
		extra += (extra_size(p->conditions->items[i]) + 7) & ~(size_t)7;
	}
	for (size_t i = 0; p->conditions && i < p->conditions->text_count; i++)
		rf_automaton_place(p->conditions->texts[i].image, body, p->conditions->texts[i].offset);
}

static uint64_t plan(struct rf_automaton_image *image, const struct rf_image_parts *p)
{
	struct rf_automaton *head = &image->head;
	uint64_t extra;

	head->atom_count = (uint32_t)p->atom_count;
	head->cond_count = p->conditions ? (uint32_t)p->conditions->count : 0;
	head->table_off = place(image, p->table_size);
	head->accept_off = place(image, p->accept_size);
	head->sets_off = place(image, (head->accept_sets + 2 + listed(p)) * sizeof(uint32_t));
	head->atoms_off = place(image, p->atom_count * sizeof(struct rf_atom_info));
	head->conds_off = place(image, head->cond_count * sizeof(struct rf_route_cond));
	extra = image->body_size;
	for (size_t i = 0; i < head->cond_count; i++)
		place(image, extra_size(p->conditions->items[i]));
	for (size_t i = 0; p->conditions && i < p->conditions->text_count; i++)
		p->conditions->texts[i].offset = place(image, rf_automaton_place_size(p->conditions->texts[i].image));
	return extra;
}

int rf_image_lay_out(struct rf_automaton_image *image, const struct rf_image_parts *parts)
{
	const uint64_t extra = plan(image, parts);
	char *body;

	image->body = calloc(1, image->body_size);
	if (!image->body)
		return -ENOMEM;
	body = (char *)image->body;
	if (parts->table_size)
		memcpy(body, parts->table, parts->table_size);
	if (parts->accept_size)
		memcpy(body + image->head.accept_off, parts->accept, parts->accept_size);
	write_sets(&image->head, parts, body);
	write_atoms(&image->head, parts, body);
	write_conditions(&image->head, parts, extra, body);
	return 0;
}
