/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/select.h"

#include <errno.h>
#include <stdlib.h>

/* FNV-1a, headers/ringfence/identity.h, over texts with their NUL. Two texts with one hash cost a comparison, nothing else. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	do
		h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
	while (*text++);
	return h;
}

static uint64_t hash_label(const char *ns, const struct rf_pair_text *label)
{
	return hash_text(hash_text(hash_text(0xcbf29ce484222325ULL, ns), label->key), label->value);
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct rf_label_row *a = pa, *b = pb;
	int r = rf_compare_u64(a->hash, b->hash);

	return r ? r : rf_compare_u64(a->subject, b->subject);
}

int rf_label_rows(struct rf_compile *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->subject_count; i++)
		n += c->subjects[i].label_count;
	c->label_rows = rf_arena_alloc(c->arena, n * sizeof(*c->label_rows));
	if (!c->label_rows)
		return -ENOMEM;
	for (size_t i = 0; i < c->subject_count; i++)
		for (size_t k = 0; k < c->subjects[i].label_count; k++)
			c->label_rows[c->label_row_count++] = (struct rf_label_row){
				.hash = hash_label(c->subjects[i].ns, &c->subjects[i].labels[k]),
				.subject = (uint32_t)i,
			};
	if (n)
		qsort(c->label_rows, n, sizeof(*c->label_rows), compare_rows);
	return 0;
}

/* The rows from `hash` on. */
static const struct rf_label_row *first_row(const struct rf_compile *c, uint64_t hash)
{
	size_t low = 0, high = c->label_row_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->label_rows[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return c->label_rows + low;
}

/* The rarest of its labels. An empty selector selects nothing. */
struct rf_selection rf_select(const struct rf_compile *c, const struct rf_service *service)
{
	struct rf_selection s = {.c = c, .service = service};

	for (size_t i = 0; i < service->selector_count; i++) {
		uint64_t hash = hash_label(service->meta.ns, &service->selector[i]);
		const struct rf_label_row *at = first_row(c, hash),
					  *end = hash == UINT64_MAX ? c->label_rows + c->label_row_count : first_row(c, hash + 1);

		if (i && end - at >= s.end - s.at)
			continue;
		s.at = at;
		s.end = end;
	}
	return s;
}

const struct rf_subject *rf_selected(struct rf_selection *s)
{
	while (s->at < s->end) {
		const struct rf_subject *subject = &s->c->subjects[s->at++->subject];

		if (rf_service_selects(s->service, subject))
			return subject;
	}
	return NULL;
}
