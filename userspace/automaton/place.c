/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"

void rf_automaton_image_free(struct rf_automaton_image *image)
{
	if (!image)
		return;
	free(image->body);
	free(image->atoms_of_set);
	free(image);
}

size_t rf_automaton_place_size(const struct rf_automaton_image *image)
{
	return sizeof(image->head) + image->body_size;
}

size_t rf_automaton_place(const struct rf_automaton_image *image, void *blob, size_t offset)
{
	struct rf_automaton head = image->head;
	const size_t body = offset + sizeof(head);
	char *at = blob;

	head.table_off += body;
	head.accept_off += body;
	head.rules_off += body;
	memcpy(at + offset, &head, sizeof(head));
	memcpy(at + body, image->body, image->body_size);
	return sizeof(head) + image->body_size;
}
