/* SPDX-License-Identifier: Apache-2.0 */
/* The exclusion lists of pods' annotations (semantics row 24), read as OSM's injector does: every comma-separated word must be one, so an
 * empty list is an error, too. */
#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "objects/exclusions.h"
#include "objects/scalar.h"

struct reading {
	struct rf_arena *arena;
	const struct rf_pair_text *annotation;
	struct rf_exclusions *exclusions;
};

/* 0, -EINVAL: not one, -ENOMEM */
typedef int (*word_fn)(struct reading *r, const char *word);

static int read_port(const char *word, struct reading *r, struct rf_excluded_port **items, size_t *count)
{
	struct rf_excluded_port *slot;
	int64_t port;

	if (rf_text_integer(word, 1, 65535, &port) < 0)
		return -EINVAL;
	slot = RF_ARENA_PUSH(r->arena, *items, *count);
	if (!slot)
		return -ENOMEM;
	*slot = (struct rf_excluded_port){.port = (uint16_t)port, .place = r->annotation->place};
	return 0;
}

static int outbound_port(struct reading *r, const char *word)
{
	return read_port(word, r, &r->exclusions->outbound_ports, &r->exclusions->outbound_port_count);
}

static int inbound_port(struct reading *r, const char *word)
{
	return read_port(word, r, &r->exclusions->inbound_ports, &r->exclusions->inbound_port_count);
}

static int outbound_range(struct reading *r, const char *word)
{
	struct rf_cidr cidr = {.place = r->annotation->place}, *slot;

	if (rf_text_range(word, &cidr.net, &cidr.prefix_len) < 0)
		return -EINVAL;
	slot = RF_ARENA_PUSH(r->arena, r->exclusions->outbound_ranges, r->exclusions->outbound_range_count);
	if (!slot)
		return -ENOMEM;
	*slot = cidr;
	return 0;
}

static const struct list {
	const char *key;
	const char *what;
	word_fn read;
} lists[] = {
	{RF_ANNOTATION_OUTBOUND_PORTS, "port", outbound_port},
	{RF_ANNOTATION_INBOUND_PORTS, "port", inbound_port},
	{RF_ANNOTATION_OUTBOUND_RANGES, "IP range", outbound_range},
};

static const struct list *find_list(const char *key)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].key, key) == 0)
			return &lists[i];
	return NULL;
}

/* The word without the blanks around it. */
static char *trimmed(struct rf_arena *arena, const char *text, size_t len)
{
	while (len && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return rf_arena_strndup(arena, text, len);
}

static int read_list(struct reading *r, const struct list *list, struct rf_diags *diags)
{
	const char *text = r->annotation->value;

	for (;;) {
		size_t n = strcspn(text, ",");
		char *word = trimmed(r->arena, text, n);
		int e = word ? list->read(r, word) : -ENOMEM;

		if (e == -EINVAL)
			e = rf_diag_error(diags, r->annotation->place, "Invalid %s value '%.80s' specified for annotation '%s'", list->what,
					  word, list->key);
		if (e < 0 || !text[n])
			return e;
		text += n + 1;
	}
}

int rf_exclusions_read(struct rf_arena *arena, const struct rf_pair_text *annotations, size_t count, struct rf_diags *diags,
		       struct rf_exclusions *ret)
{
	struct rf_exclusions all = {0};
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		const struct list *list = find_list(annotations[i].key);
		struct reading r = {.arena = arena, .annotation = &annotations[i], .exclusions = &all};
		int e = list ? read_list(&r, list, diags) : 0;

		if (e == -ENOMEM)
			return e;
		result = e < 0 ? e : result;
	}
	if (result == 0)
		*ret = all;
	return result;
}
