/* SPDX-License-Identifier: Apache-2.0 */
/* Automata and grants of the blob, whoever they are for. */
#include <errno.h>
#include <string.h>

#include "automaton/cache.h"
#include "policy/compile.h"

uint64_t rf_digest(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) /* FNV-1a, see headers/ringfence/identity.h */
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

char *rf_pattern_quote(struct rf_arena *arena, const char *text)
{
	char *quoted = rf_arena_alloc(arena, 2 * strlen(text) + 1), *to = quoted;

	for (; quoted && *text; text++) {
		if (strchr("\\.+*?()|[]{}^$", *text))
			*to++ = '\\';
		*to++ = *text;
	}
	return quoted;
}

static int report(struct rf_compile *c, size_t count, struct rf_place place, const char *what, int error)
{
	int r;

	if (error == -ENOMEM)
		return error;
	r = rf_diag_error(c->diags, place, "the %zu routes of the %s cannot be compiled: %s", count, what,
			  error == -E2BIG ? "together they are too big: use fewer or simpler patterns" : "a pattern is not RE2 syntax");
	return r == -ENOMEM ? r : error;
}

static int warn_nfa(struct rf_compile *c, size_t count, struct rf_place place, const char *what)
{
	c->policy->nfa_count++;
	return rf_diag_warning(c->diags, place, "the %zu routes of the %s need more than %d states: they are simulated, which is slower",
			       count, what, RF_DFA_STATES_MAX);
}

int rf_image_add(struct rf_compile *c, const struct rf_route_atom *atoms, size_t count, struct rf_place place, const char *what,
		 size_t *ret)
{
	const size_t position = c->image_count;
	struct rf_automaton_image **slot = RF_ARENA_PUSH(c->arena, c->images, c->image_count);
	int r = slot ? rf_automaton_build_with(c->input->automata, atoms, count, RF_DFA_STATES_MAX, slot) : -ENOMEM;

	if (r)
		return report(c, count, place, what, r);
	*ret = position;
	return (*slot)->head.kind == RF_AUTOMATON_NFA ? warn_nfa(c, count, place, what) : 0;
}

int rf_grant_add(struct rf_compile *c, const struct rf_grant *grant, uint64_t digest)
{
	struct rf_policy *p = c->policy;
	const size_t n = c->grant_count;
	struct rf_grant *slot = RF_ARENA_PUSH(c->arena, c->grants, c->grant_count);
	uint64_t *number = RF_ARENA_PUSH(p->arena, p->grant_digests, p->grant_count);

	if (!slot || !number)
		return -ENOMEM;
	*slot = *grant;
	*number = grant->words ? rf_digest(digest, grant->atoms, grant->words * sizeof(uint64_t)) : digest;
	return (int)n;
}
