/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns by a grammar, and texts made after them: members of the pattern's language as far as the grammar can tell (assertions and
 * negated classes are guessed), and members with something changed. The same seed gives the same patterns and texts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEN_PATTERN_MAX 2000
#define GEN_SUBJECT_MAX 400
#define GEN_NODES_MAX   400
#define GEN_SAMPLES     6

enum gen_kind { GEN_ATOM, GEN_CAT, GEN_ALT, GEN_REPEAT };

struct gen_node {
	enum gen_kind kind;
	uint32_t samples[GEN_SAMPLES]; /* ATOM: characters that it may match; none: it matches nothing by itself */
	unsigned sample_count;
	unsigned min, max; /* REPEAT */
	struct gen_node *child;
	struct gen_node *next;
};

struct gen {
	uint64_t state;
	char pattern[GEN_PATTERN_MAX + 1]; /* no NUL inside */
	size_t len;
	bool spoilt; /* the text was changed by hand: no promise that it is a pattern */
	bool folds;
	unsigned names; /* of groups */
	struct gen_node nodes[GEN_NODES_MAX];
	unsigned node_count;
	struct gen_node *root;
};

unsigned gen_dice(struct gen *g, unsigned sides); /* 0 .. sides - 1 */
uint32_t gen_rune(struct gen *g);                 /* one of the characters that texts are made of */
size_t gen_utf8(uint32_t rune, char *out);        /* up to 4 bytes; returns how many */

/* A set of brackets, or an escape that stands for one, appended to the pattern; `node` gets samples. */
void gen_class(struct gen *g, struct gen_node *node);
void gen_class_escape(struct gen *g, struct gen_node *node);
void gen_put(struct gen *g, const char *text);
void gen_put_rune(struct gen *g, uint32_t rune);
void gen_sample(struct gen_node *node, uint32_t rune);

void gen_pattern(struct gen *g, uint64_t seed);
size_t gen_subject(struct gen *g, char subject[GEN_SUBJECT_MAX]); /* after gen_pattern; returns the length */
