/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a YAML file. Beside memory errors it looks for places and ranges that lie, for documents that cannot be taken out of their
 * file (editing does that) and for texts that mean one thing alone and another thing between others.
 */
#include "tree_checks.h"

/* A document's own text is that document: same tree, nothing else in it. (What begins behind a "---" on its line may need that.) */
static void check_alone(struct rf_diags *diags, struct rf_arena *scratch, const struct rf_document *document)
{
	const struct rf_source *s = document->root->source;
	struct rf_tree *alone;

	if (document->text_start > 0 && s->text[document->text_start - 1] != '\n')
		return;
	if (strncmp(s->text + document->text_start, "\xef\xbb\xbf", 3) == 0) /* a byte order mark only where a file begins */
		return;
	require(rf_tree_parse(diags, scratch, "alone.yaml", s->text + document->text_start, document->text_end - document->text_start,
			      &alone) == 0);
	require(alone->count == 1 && alone->documents[0].root);
	require_same(document->root, alone->documents[0].root);
}

static void check_documents(struct rf_diags *diags, struct rf_arena *scratch, const struct rf_tree *tree)
{
	size_t end = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const struct rf_document *d = &tree->documents[i];

		require(end <= d->marker && d->marker <= d->text_start && d->text_start <= d->text_end && d->text_end <= tree->source.len);
		end = d->text_end;
		if (!d->root)
			continue;
		require(d->text_start <= d->root->start && d->root->end <= d->text_end);
		check_node(d->root);
		if (diags->error_count == 0)
			check_alone(diags, scratch, d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rf_diags diags = {.arena = rf_arena_new()};
	struct rf_arena *scratch = rf_arena_new();
	struct rf_tree *tree;

	require(diags.arena != NULL && scratch != NULL);
	require(rf_tree_parse(&diags, scratch, "fuzz.yaml", (const char *)data, size, &tree) == 0);
	check_diags(&diags, tree);
	check_documents(&diags, scratch, tree);
	rf_arena_free(scratch);
	rf_arena_free(diags.arena);
	return 0;
}
