/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"

void rf_automaton_image_free(struct rf_automaton_image *image)
{
	if (!image)
		return;
	free(image->body);
	free(image);
}

size_t rf_automaton_place_size(const struct rf_automaton_image *image)
{
	return sizeof(image->head) + image->body_size;
}

static void rebase(struct rf_automaton *head, uint64_t by)
{
	head->table_off += by;
	head->accept_off += by;
	head->sets_off += by;
	head->atoms_off += by;
	head->conds_off += by;
}

/* Conditions may share a text automaton. They stand in the order of their first use, so one that lies further behind is new. */
static void rebase_conditions(const struct rf_automaton *head, char *blob, uint64_t by)
{
	struct rf_route_cond *conds = (struct rf_route_cond *)(blob + head->conds_off);
	uint64_t last = 0;

	for (uint32_t i = 0; i < head->cond_count; i++) {
		if (conds[i].kind != RF_COND_AUTHORITY)
			conds[i].at_off += by;
		if (conds[i].kind == RF_COND_ADDRESS)
			continue;
		conds[i].automaton_off += by;
		if (conds[i].automaton_off <= last)
			continue;
		last = conds[i].automaton_off;
		rebase((struct rf_automaton *)(blob + last), by);
	}
}

size_t rf_automaton_place(const struct rf_automaton_image *image, void *blob, size_t offset)
{
	struct rf_automaton head = image->head;
	const size_t body = offset + sizeof(head);
	char *at = blob;

	rebase(&head, body);
	memcpy(at + offset, &head, sizeof(head));
	memcpy(at + body, image->body, image->body_size);
	rebase_conditions(&head, at, body);
	return sizeof(head) + image->body_size;
}
