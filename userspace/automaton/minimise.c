/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/minimise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

struct block {
	uint32_t first; /* in elems */
	uint32_t size;
	uint32_t marked; /* of them, at the front */
};

struct partition {
	const struct rf_dfa *dfa;
	uint32_t *elems;    /* states, block by block */
	uint32_t *place;    /* of a state in elems */
	uint32_t *block_of; /* a state's block */
	struct block *blocks;
	uint32_t block_count;
	size_t *pred_first; /* predecessors over a class: preds[pred_first[state * classes + class]...] */
	uint32_t *preds;
	uint32_t *queue; /* blocks to split by; a stack */
	uint32_t queued;
	uint32_t *touched;
	uint32_t touched_count;
	uint32_t *splitter; /* snapshot of the block taken from the queue */
};

static void partition_done(struct partition *p)
{
	free(p->elems);
	free(p->place);
	free(p->block_of);
	free(p->blocks);
	free(p->pred_first);
	free(p->preds);
	free(p->queue);
	free(p->touched);
	free(p->splitter);
}

static int partition_init(struct partition *p, const struct rf_dfa *dfa)
{
	const size_t n = dfa->state_count, edges = n * dfa->class_count;

	p->dfa = dfa;
	p->elems = calloc(n, sizeof(*p->elems));
	p->place = calloc(n, sizeof(*p->place));
	p->block_of = calloc(n, sizeof(*p->block_of));
	p->blocks = calloc(n, sizeof(*p->blocks));
	p->pred_first = calloc(edges + 1, sizeof(*p->pred_first));
	p->preds = calloc(edges, sizeof(*p->preds));
	p->queue = calloc(n, sizeof(*p->queue));
	p->touched = calloc(n, sizeof(*p->touched));
	p->splitter = calloc(n, sizeof(*p->splitter));
	return p->elems && p->place && p->block_of && p->blocks && p->pred_first && p->preds && p->queue && p->touched && p->splitter
		       ? 0
		       : -ENOMEM;
}

static void find_predecessors(struct partition *p)
{
	const size_t classes = p->dfa->class_count, edges = p->dfa->state_count * classes;

	for (size_t e = 0; e < edges; e++)
		p->pred_first[p->dfa->table[e] * classes + e % classes]++;
	for (size_t e = 1; e <= edges; e++)
		p->pred_first[e] += p->pred_first[e - 1];
	/* pred_first[e] is now the end of e's run; filling from the back turns it into the start. */
	for (size_t e = edges; e-- > 0;)
		p->preds[--p->pred_first[p->dfa->table[e] * classes + e % classes]] = (uint32_t)(e / classes);
}

/* The first blocks: states with the same accept set. */
static void partition_by_accept(struct partition *p)
{
	const uint32_t n = p->dfa->state_count;
	uint32_t at = 0;

	/* block s holds the states that accept set s; there are no more sets than states. */
	p->block_count = p->dfa->sets.count;
	for (uint32_t s = 0; s < n; s++)
		p->blocks[p->dfa->accept[s]].size++;
	for (uint32_t b = 0; b < p->block_count; b++) {
		p->blocks[b].first = at;
		at += p->blocks[b].size;
		p->blocks[b].size = 0;
		p->queue[p->queued++] = b;
	}
	for (uint32_t s = 0; s < n; s++) {
		struct block *b = &p->blocks[p->dfa->accept[s]];

		p->place[s] = b->first + b->size++;
		p->elems[p->place[s]] = s;
		p->block_of[s] = p->dfa->accept[s];
	}
}

static void mark(struct partition *p, uint32_t state)
{
	struct block *b = &p->blocks[p->block_of[state]];
	const uint32_t from = p->place[state], to = b->first + b->marked, other = p->elems[to];

	if (from < to)
		return; /* already */
	if (b->marked++ == 0)
		p->touched[p->touched_count++] = p->block_of[state];
	p->elems[from] = other;
	p->place[other] = from;
	p->elems[to] = state;
	p->place[state] = to;
}

/* Splits a touched block into its marked and unmarked states. The smaller half becomes the new block and is queued: if the old one still
 * is in the queue both halves are, and if it is not, the smaller one is enough (Hopcroft). */
static void split(struct partition *p, uint32_t number)
{
	struct block *old = &p->blocks[number], *new = &p->blocks[p->block_count];
	const uint32_t marked = old->marked;

	old->marked = 0;
	if (marked == old->size)
		return;
	if (marked <= old->size / 2) {
		*new = (struct block){.first = old->first, .size = marked};
		old->first += marked;
	} else {
		*new = (struct block){.first = old->first + marked, .size = old->size - marked};
	}
	old->size -= new->size;
	for (uint32_t i = 0; i < new->size; i++)
		p->block_of[p->elems[new->first + i]] = p->block_count;
	p->queue[p->queued++] = p->block_count++;
}

static void refine(struct partition *p)
{
	const size_t classes = p->dfa->class_count;

	while (p->queued > 0) {
		const struct block by = p->blocks[p->queue[--p->queued]];

		memcpy(p->splitter, p->elems + by.first, by.size * sizeof(*p->splitter));
		for (size_t class = 0; class < classes; class ++) {
			p->touched_count = 0;
			for (uint32_t i = 0; i < by.size; i++) {
				const size_t e = p->splitter[i] * classes + class;

				for (size_t k = p->pred_first[e]; k < p->pred_first[e + 1]; k++)
					mark(p, p->preds[k]);
			}
			for (uint32_t i = 0; i < p->touched_count; i++)
				split(p, p->touched[i]);
		}
	}
}

/* Column `class` of the blocks' transitions equals an earlier one; which? class itself if none. */
static uint32_t same_column(const struct partition *p, const uint32_t *columns, uint32_t column_count, uint32_t class)
{
	const size_t classes = p->dfa->class_count;

	for (uint32_t i = 0; i < column_count; i++) {
		uint32_t b = 0;

		while (b < p->block_count) {
			const size_t row = p->elems[p->blocks[b].first] * classes;

			if (p->block_of[p->dfa->table[row + columns[i]]] != p->block_of[p->dfa->table[row + class]])
				break;
			b++;
		}
		if (b == p->block_count)
			return i;
	}
	return column_count;
}

struct renumber {
	uint32_t columns[256]; /* old class of each new one */
	uint32_t column_count;
	uint8_t column_of[256]; /* new class of each old one */
	uint32_t *order;        /* block of each new state */
	uint32_t *number;       /* new state of each block, + 1 */
	uint32_t count;
};

static void renumber_done(struct renumber *r)
{
	free(r->order);
	free(r->number);
}

static uint32_t number_of(struct renumber *r, uint32_t block)
{
	if (r->number[block] == 0) {
		r->order[r->count++] = block;
		r->number[block] = r->count;
	}
	return r->number[block] - 1;
}

/* Writes the small table. Every block is reachable from the start or is the dead one, because every state was. */
static int rebuild(const struct partition *p, struct rf_dfa *dfa)
{
	RF_CLEANUP(renumber_done) struct renumber r = {.order = calloc(p->block_count, sizeof(uint32_t))};
	_cleanup_free_ uint32_t *table = NULL, *accept = NULL;

	for (uint32_t class = 0; class < dfa->class_count; class ++) {
		const uint32_t column = same_column(p, r.columns, r.column_count, class);

		if (column == r.column_count)
			r.columns[r.column_count++] = class;
		r.column_of[class] = (uint8_t)column;
	}
	r.number = calloc(p->block_count, sizeof(*r.number));
	table = reallocarray(NULL, p->block_count, r.column_count * sizeof(*table));
	accept = calloc(p->block_count, sizeof(*accept));
	if (!r.order || !r.number || !table || !accept)
		return -ENOMEM;
	number_of(&r, p->block_of[0]);
	dfa->start = number_of(&r, p->block_of[dfa->start]);
	for (uint32_t s = 0; s < r.count; s++) {
		const uint32_t state = p->elems[p->blocks[r.order[s]].first];

		accept[s] = dfa->accept[state];
		for (uint32_t c = 0; c < r.column_count; c++)
			table[(size_t)s * r.column_count + c] =
				number_of(&r, p->block_of[dfa->table[(size_t)state * dfa->class_count + r.columns[c]]]);
	}
	for (int c = 0; c < 256; c++)
		dfa->classes[c] = r.column_of[dfa->classes[c]];
	free(dfa->table);
	free(dfa->accept);
	dfa->table = TAKE_PTR(table);
	dfa->accept = TAKE_PTR(accept);
	dfa->state_count = r.count;
	dfa->class_count = r.column_count;
	return 0;
}

int rf_dfa_minimise(struct rf_dfa *dfa)
{
	RF_CLEANUP(partition_done) struct partition p = {0};
	int r;

	r = partition_init(&p, dfa);
	if (r < 0)
		return r;
	find_predecessors(&p);
	partition_by_accept(&p);
	refine(&p);
	return rebuild(&p, dfa);
}
