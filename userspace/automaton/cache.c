/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "automaton/dfa.h"
#include "core/cleanup.h"

#define BUCKETS_FIRST 256

struct entry {
	struct entry *next;
	uint64_t hash;
	char *key; /* what the automaton was built from: see write_key */
	size_t key_size;
	struct rf_dfa dfa;
	bool asked; /* since the last sweep */
};

struct rf_automaton_cache {
	struct entry **buckets;
	size_t room; /* a power of two */
	size_t count;
};

static void entry_free(struct entry *e)
{
	free(e->key);
	rf_dfa_done(&e->dfa);
	free(e);
}

int rf_automaton_cache_new(struct rf_automaton_cache **ret)
{
	struct rf_automaton_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->room = BUCKETS_FIRST;
	cache->buckets = calloc(cache->room, sizeof(struct entry *));
	if (!cache->buckets) {
		free(cache);
		return -ENOMEM;
	}
	*ret = cache;
	return 0;
}

static void sweep(struct rf_automaton_cache *cache, bool all)
{
	for (size_t i = 0; i < cache->room; i++) {
		struct entry **link = &cache->buckets[i], *e;

		while ((e = *link)) {
			if (e->asked && !all) {
				e->asked = false;
				link = &e->next;
				continue;
			}
			*link = e->next;
			entry_free(e);
			cache->count--;
		}
	}
}

void rf_automaton_cache_sweep(struct rf_automaton_cache *cache)
{
	sweep(cache, false);
}

void rf_automaton_cache_free(struct rf_automaton_cache *cache)
{
	if (!cache)
		return;
	sweep(cache, true);
	free(cache->buckets);
	free(cache);
}

size_t rf_automaton_cache_count(const struct rf_automaton_cache *cache)
{
	return cache->count;
}

/* ---- the key: every number and every text with its NUL, so that no two questions are one sequence of bytes ---- */

struct key {
	char *bytes; /* NULL: only counted */
	size_t size;
};

static void put(struct key *k, const void *data, size_t size)
{
	if (k->bytes)
		memcpy(k->bytes + k->size, data, size);
	k->size += size;
}

static void write_key(struct key *k, const struct rf_route_atom *atoms, size_t atom_count, size_t states_max)
{
	put(k, &states_max, sizeof(states_max));
	for (size_t i = 0; i < atom_count; i++) {
		const char *pattern = atoms[i].path_pattern ? atoms[i].path_pattern : "";

		put(k, &atoms[i].method_count, sizeof(atoms[i].method_count));
		for (size_t m = 0; m < atoms[i].method_count; m++)
			put(k, atoms[i].methods[m], strlen(atoms[i].methods[m]) + 1);
		put(k, pattern, strlen(pattern) + 1);
	}
}

static int make_key(const struct rf_route_atom *atoms, size_t atom_count, size_t states_max, struct key *ret)
{
	struct key k = {};

	write_key(&k, atoms, atom_count, states_max);
	k.bytes = malloc(k.size);
	if (!k.bytes)
		return -ENOMEM;
	k.size = 0;
	write_key(&k, atoms, atom_count, states_max);
	*ret = k;
	return 0;
}

static uint64_t hash_key(const struct key *k)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < k->size; i++)
		h = (h ^ (unsigned char)k->bytes[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* ---- */

const struct rf_dfa *rf_automaton_cache_find(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count,
					     size_t states_max)
{
	_cleanup_free_ char *bytes = NULL;
	struct key key;
	uint64_t hash;

	if (!cache || make_key(atoms, atom_count, states_max, &key) < 0)
		return NULL; /* it is built, then */
	bytes = key.bytes;
	hash = hash_key(&key);
	for (struct entry *e = cache->buckets[hash & (cache->room - 1)]; e; e = e->next) {
		if (e->hash != hash || e->key_size != key.size || memcmp(e->key, key.bytes, key.size) != 0)
			continue;
		e->asked = true;
		return &e->dfa;
	}
	return NULL;
}

/* Without memory the chains only get longer. */
static void grow(struct rf_automaton_cache *cache)
{
	size_t room = 2 * cache->room;
	struct entry **buckets = cache->count < cache->room ? NULL : calloc(room, sizeof(struct entry *));

	if (!buckets)
		return;
	for (size_t i = 0; i < cache->room; i++)
		for (struct entry *e = cache->buckets[i], *next; e; e = next) {
			struct entry **link = &buckets[e->hash & (room - 1)];

			next = e->next;
			e->next = *link;
			*link = e;
		}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->room = room;
}

static void *trim(void *p, size_t size)
{
	void *smaller = size ? realloc(p, size) : NULL;

	return smaller ? smaller : p;
}

/* It is only read from now on: room to grow is given back. */
static void trim_dfa(struct rf_dfa *dfa)
{
	struct rf_intern *sets = &dfa->sets;

	free(sets->buckets);
	sets->buckets = NULL;
	sets->bucket_room = 0;
	sets->words = trim(sets->words, sets->used * sizeof(*sets->words));
	sets->items = trim(sets->items, sets->count * sizeof(*sets->items));
}

const struct rf_dfa *rf_automaton_cache_keep(struct rf_automaton_cache *cache, const struct rf_route_atom *atoms, size_t atom_count,
					     size_t states_max, struct rf_dfa *dfa)
{
	struct entry *e = cache ? calloc(1, sizeof(*e)) : NULL, **link;
	struct key key;

	if (!e || make_key(atoms, atom_count, states_max, &key) < 0) {
		free(e);
		return dfa;
	}
	grow(cache);
	*e = (struct entry){.hash = hash_key(&key), .key = key.bytes, .key_size = key.size, .dfa = *dfa, .asked = true};
	*dfa = (struct rf_dfa){};
	trim_dfa(&e->dfa);
	link = &cache->buckets[e->hash & (cache->room - 1)];
	e->next = *link;
	*link = e;
	cache->count++;
	return &e->dfa;
}
