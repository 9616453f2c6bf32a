/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/objects.h"

struct rf_part {
	unsigned references;
	uint64_t version;
	char *name;
	struct rf_objects *objects;
};

struct rf_parts {
	struct rf_part **items; /* sorted by name; one reference to each */
	size_t count;
	size_t parsed;
};

/* ---- one file ---- */

void rf_part_unref(struct rf_part *part)
{
	if (!part || --part->references)
		return;
	rf_objects_free(part->objects);
	free(part->name);
	free(part);
}

static void unrefp(struct rf_part **part)
{
	rf_part_unref(*part);
}

static struct rf_part *take(struct rf_part *part)
{
	part->references++;
	return part;
}

static int parse(const struct rf_part_text *file, struct rf_part **ret)
{
	RF_CLEANUP(unrefp) struct rf_part *part = calloc(1, sizeof(*part));
	int r;

	if (!part)
		return -ENOMEM;
	part->references = 1;
	part->version = file->version;
	part->name = strdup(file->name);
	r = part->name ? rf_objects_new(&part->objects) : -ENOMEM;
	if (r == 0)
		r = rf_objects_add_bare(part->objects, file->name, file->text, file->len);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(part);
	return 0;
}

/* ---- all files ---- */

static void drop(struct rf_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		rf_part_unref(parts->items[i]);
	free(parts->items);
}

int rf_parts_new(struct rf_parts **ret)
{
	struct rf_parts *parts = calloc(1, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	*ret = parts;
	return 0;
}

void rf_parts_free(struct rf_parts *parts)
{
	if (parts)
		drop(parts);
	free(parts);
}

size_t rf_parts_parsed(const struct rf_parts *parts)
{
	return parts->parsed;
}

/* What was parsed of this very text, or NULL. Both lists are sorted: *at only moves forward. */
static struct rf_part *find(const struct rf_parts *parts, const struct rf_part_text *file, size_t *at)
{
	int c = -1;

	while (*at < parts->count && (c = strcmp(parts->items[*at]->name, file->name)) < 0)
		(*at)++;
	if (*at == parts->count || c != 0 || !file->version || parts->items[*at]->version != file->version)
		return NULL;
	return parts->items[*at];
}

static int read_all(const struct rf_parts *before, const struct rf_part_text *files, size_t count, struct rf_parts *now)
{
	size_t at = 0;

	now->items = calloc(count + 1, sizeof(struct rf_part *));
	if (!now->items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct rf_part *known = find(before, &files[i], &at);
		int r = 0;

		if (known)
			now->items[i] = take(known);
		else
			r = parse(&files[i], &now->items[i]);
		if (r < 0)
			return r;
		now->parsed += !known;
		now->count++;
	}
	return 0;
}

/* ---- lists ---- */

struct list { /* as RF_OBJECT_LIST lays it out */
	void *items;
	size_t count;
};

static const struct {
	size_t offset;
	size_t size; /* of an item */
} lists[] = {
#define LIST(name)                                                                                                                         \
	{                                                                                                                                  \
		offsetof(struct rf_objects, name), sizeof(*((struct rf_objects *)NULL)->name)                                              \
	}
	LIST(all),     LIST(namespaces),   LIST(service_accounts), LIST(workloads),  LIST(services), LIST(ingresses),
	LIST(targets), LIST(route_groups), LIST(tcp_routes),       LIST(udp_routes), LIST(splits),   LIST(ingress_backends),
	LIST(plain),   LIST(mesh_configs), LIST(egresses),
};
static_assert(offsetof(struct rf_objects, all) + RF_ARRAY_SIZE(lists) * sizeof(struct list) == sizeof(struct rf_objects),
	      "every list of objects.h is joined");

/* By copying: each list has a pointer type of its own. */
static struct list get_list(const struct rf_objects *o, size_t i)
{
	struct list l;

	memcpy(&l, (const char *)o + lists[i].offset, sizeof(l));
	return l;
}

static int join_list(struct rf_objects *whole, const struct rf_parts *parts, size_t i)
{
	size_t total = 0, size = lists[i].size;
	struct list to = {};

	for (size_t k = 0; k < parts->count; k++)
		total += get_list(parts->items[k]->objects, i).count;
	if (!total)
		return 0;
	to.items = rf_arena_alloc(whole->arena, total * size);
	if (!to.items)
		return -ENOMEM;
	for (size_t k = 0; k < parts->count; k++) {
		struct list from = get_list(parts->items[k]->objects, i);

		if (from.count)
			memcpy((char *)to.items + to.count * size, from.items, from.count * size);
		to.count += from.count;
	}
	memcpy((char *)whole + lists[i].offset, &to, sizeof(to));
	return 0;
}

/* The check writes the ports that are names: into the set's own copy, as it depends on all files. */
static int own_ports(struct rf_objects *whole)
{
	for (size_t i = 0; i < whole->services_count; i++) {
		struct rf_service *s = &whole->services[i];
		struct rf_service_port *ports;

		if (!s->port_count)
			continue;
		ports = rf_arena_alloc(whole->arena, s->port_count * sizeof(*ports));
		if (!ports)
			return -ENOMEM;
		memcpy(ports, s->ports, s->port_count * sizeof(*ports));
		s->ports = ports;
	}
	return 0;
}

static int join_diags(struct rf_diags *whole, const struct rf_diags *part)
{
	for (size_t i = 0; i < part->count; i++) {
		struct rf_diag *item = RF_ARENA_PUSH(whole->arena, whole->items, whole->count);

		if (!item)
			return -ENOMEM;
		*item = part->items[i];
	}
	whole->error_count += part->error_count;
	return 0;
}

static int join(const struct rf_parts *parts, struct rf_objects *whole)
{
	int r = 0;

	whole->parts = rf_arena_alloc(whole->arena, parts->count * sizeof(struct rf_part *));
	if (!whole->parts)
		return -ENOMEM;
	for (size_t k = 0; k < parts->count; k++)
		whole->parts[whole->part_count++] = take(parts->items[k]);
	for (size_t i = 0; i < RF_ARRAY_SIZE(lists) && r == 0; i++)
		r = join_list(whole, parts, i);
	for (size_t k = 0; k < parts->count && r == 0; k++)
		r = join_diags(&whole->diags, &parts->items[k]->objects->diags);
	return r < 0 ? r : own_ports(whole);
}

int rf_parts_join(struct rf_parts *parts, const struct rf_part_text *files, size_t count, struct rf_objects **ret)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *whole = NULL;
	RF_CLEANUP(drop) struct rf_parts now = {};
	int r = read_all(parts, files, count, &now);

	if (r == 0)
		r = rf_objects_new(&whole);
	if (r == 0)
		r = join(&now, whole);
	if (r < 0)
		return r;
	drop(parts);
	*parts = TAKE(now, (struct rf_parts){});
	*ret = TAKE_PTR(whole);
	return 0;
}
