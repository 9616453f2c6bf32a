/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/frontier.h"

#include <errno.h>
#include <stdlib.h>

int rf_frontier_init(struct rf_frontier *f, const struct rf_nfa_inst *insts, uint32_t count)
{
	*f = (struct rf_frontier){.insts = insts, .count = count};
	f->dense = calloc((size_t)count + 1, 3 * sizeof(*f->dense)); /* never 0 bytes */
	if (!f->dense)
		return -ENOMEM;
	f->sparse = f->dense + count;
	f->stack = f->sparse + count;
	return 0;
}

void rf_frontier_done(struct rf_frontier *f)
{
	free(f->dense);
	*f = (struct rf_frontier){0};
}

void rf_frontier_clear(struct rf_frontier *f)
{
	f->size = 0;
	f->begin = false;
}

/* sparse[i] says where in dense i would be; only dense decides whether it is. */
static bool insert(struct rf_frontier *f, uint32_t inst)
{
	const uint32_t at = f->sparse[inst];

	if (at < f->size && f->dense[at] == inst)
		return false;
	f->sparse[inst] = f->size;
	f->dense[f->size++] = inst;
	return true;
}

void rf_frontier_add(struct rf_frontier *f, uint32_t inst, uint32_t holds)
{
	uint32_t depth = 0;

	if (!insert(f, inst))
		return;
	f->stack[depth++] = inst;
	while (depth > 0) {
		const struct rf_nfa_inst *i = &f->insts[f->stack[--depth]];

		if (i->op != RF_NFA_SPLIT && !(i->op == RF_NFA_ASSERT && (i->alt & holds) == i->alt))
			continue;
		if (insert(f, i->out))
			f->stack[depth++] = i->out;
		if (i->op == RF_NFA_SPLIT && insert(f, i->alt))
			f->stack[depth++] = i->alt;
	}
}

void rf_frontier_step(struct rf_frontier *f, const uint32_t *list, uint32_t count, uint8_t byte)
{
	for (uint32_t k = 0; k < count; k++) {
		const struct rf_nfa_inst *i = &f->insts[list[k]];

		if (i->op != RF_NFA_BYTE || byte < i->lo || byte > i->hi)
			continue;
		f->begin |= i->begin;
		rf_frontier_add(f, i->out, 0);
	}
}

bool rf_is_word(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

enum rf_context rf_context_after(bool begin, uint8_t byte)
{
	if (begin)
		return RF_CONTEXT_BEGIN;
	if (byte == '\n')
		return RF_CONTEXT_LINE;
	return rf_is_word(byte) ? RF_CONTEXT_WORD : RF_CONTEXT_OTHER;
}

uint32_t rf_context_holds(enum rf_context context, int next)
{
	const bool word = (context == RF_CONTEXT_WORD) != (next != RF_TEXT_END && rf_is_word(next));
	uint32_t holds = word ? RF_ASSERT_WORD : RF_ASSERT_NOT_WORD;

	if (context == RF_CONTEXT_BEGIN)
		holds |= RF_ASSERT_TEXT_BEGIN | RF_ASSERT_LINE_BEGIN;
	if (context == RF_CONTEXT_LINE)
		holds |= RF_ASSERT_LINE_BEGIN;
	if (next == RF_TEXT_END)
		holds |= RF_ASSERT_TEXT_END | RF_ASSERT_LINE_END;
	if (next == '\n')
		holds |= RF_ASSERT_LINE_END;
	return holds;
}
