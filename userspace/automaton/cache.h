/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Automata that were built before: most destinations of a policy are what they were in the policy before it, and building automata is half
 * of a compilation. What is remembered is the table that methods and patterns alone decide; rule numbers and the like are not part of it.
 * Not thread-safe.
 */
#pragma once

#include <stddef.h>

struct rf_automaton_cache;
struct rf_automaton_image;
struct rf_dfa;
struct rf_route_atom;

int rf_automaton_cache_new(struct rf_automaton_cache **ret);    /* -ENOMEM */
void rf_automaton_cache_free(struct rf_automaton_cache *cache); /* NULL-safe */
/* Forgets what nobody asked for since the last sweep. */
void rf_automaton_cache_sweep(struct rf_automaton_cache *cache);
size_t rf_automaton_cache_count(const struct rf_automaton_cache *cache);

/* As rf_automaton_build, which is this without a cache. */
int rf_automaton_build_with(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count, size_t states_max,
			    struct rf_automaton_image **ret);

/* For build.c. The automaton of these atoms, or NULL: build it. It is the cache's and stays until the next sweep. One without a state
 * stands for "past the budget". cache may be NULL. */
const struct rf_dfa *rf_automaton_cache_find(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count,
					     size_t states_max);
/* Takes dfa over (*dfa is then empty) and returns where it is now; without memory *dfa stays the caller's and is returned itself. */
const struct rf_dfa *rf_automaton_cache_keep(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count,
					     size_t states_max, struct rf_dfa *dfa);
