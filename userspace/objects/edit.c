/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/edit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/files.h"

#define LOCK_TRIES   1000
#define LOCK_WAIT_NS (10 * 1000 * 1000)

/* Waits for the lock, but not for ever: its holder may be stopped. */
static int lock(int dir)
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&wait, NULL);
	}
	return -EBUSY;
}

static int read_file(struct rf_edit *e, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct rf_edit_file *file;
	size_t len;
	int r = rf_file_read(e->dir, name, &text, &len);

	if (r == -EISDIR)
		return 0;
	if (r < 0)
		return r;
	file = RF_ARENA_PUSH(e->arena, e->files, e->file_count);
	if (!file)
		return -ENOMEM;
	file->name = name;
	file->old_text = file->text = rf_arena_strndup(e->arena, text, len);
	file->old_len = file->len = len;
	return file->text ? 0 : -ENOMEM;
}

static int read_files(struct rf_edit *e)
{
	char **names;
	size_t count;
	int r = rf_dir_list(e->dir, e->arena, &names, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = read_file(e, names[i]);
	return r;
}

int rf_edit_open(const char *dir, struct rf_edit **ret)
{
	RF_CLEANUP(rf_edit_closep) struct rf_edit *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir < 0)
		return -errno;
	e->arena = rf_arena_new();
	if (!e->arena)
		return -ENOMEM;
	r = lock(e->dir);
	if (r == 0)
		r = read_files(e);
	if (r == 0)
		r = rf_edit_refresh(e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(e);
	return 0;
}

void rf_edit_close(struct rf_edit *edit)
{
	if (!edit)
		return;
	if (edit->dir >= 0)
		close(edit->dir); /* and with it the lock */
	rf_objects_free(edit->objects);
	rf_arena_free(edit->arena);
	free(edit);
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* Is there nothing left in this text but comments? A text that cannot be read is not empty. */
static int is_empty(const struct rf_edit_file *file, bool *ret)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	struct rf_tree *tree = NULL;
	int r = rf_objects_new(&o);

	if (r == 0)
		r = rf_tree_parse(&o->diags, file->name, file->text, file->len, &tree);
	if (r < 0 || !tree)
		return r;
	*ret = o->diags.count == 0;
	for (size_t i = 0; i < tree->count; i++)
		*ret = *ret && !tree->documents[i].root;
	*ret = *ret || is_blank(file->text);
	return 0;
}

static int apply_splices(struct rf_edit *e, struct rf_edit_file *file)
{
	bool empty = false;
	int r;

	if (file->splice_count == 0)
		return 0;
	file->text = rf_splice_apply(e->arena, file->text, file->len, file->splices, file->splice_count, &file->len);
	if (!file->text)
		return -ENOMEM;
	file->splices = NULL;
	file->splice_count = 0;
	r = is_empty(file, &empty);
	if (r == 0 && empty)
		file->text = NULL;
	return r;
}

int rf_edit_refresh(struct rf_edit *edit)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	int r = rf_objects_new(&o);

	for (size_t i = 0; i < edit->file_count && r == 0; i++) {
		r = apply_splices(edit, &edit->files[i]);
		if (r == 0 && edit->files[i].text)
			r = rf_objects_add(o, edit->files[i].name, edit->files[i].text, edit->files[i].len);
	}
	if (r < 0)
		return r;
	rf_objects_free(edit->objects);
	edit->objects = TAKE_PTR(o);
	return 0;
}

const struct rf_object_ref *rf_edit_find(const struct rf_edit *edit, const char *kind, const char *ns, const char *name)
{
	for (size_t i = 0; i < edit->objects->all_count; i++) {
		const struct rf_meta *m = &edit->objects->all[i].meta;

		if (strcmp(m->kind, kind) == 0 && strcmp(m->ns, ns) == 0 && strcmp(m->name, name) == 0)
			return &edit->objects->all[i];
	}
	return NULL;
}

static struct rf_edit_file *file_of(struct rf_edit *e, const char *name)
{
	for (size_t i = 0; i < e->file_count; i++) {
		if (strcmp(e->files[i].name, name) == 0)
			return &e->files[i];
	}
	return NULL;
}

static int add_splice(struct rf_edit *e, const char *name, const struct rf_splice *splice)
{
	struct rf_edit_file *file = file_of(e, name);
	struct rf_splice *slot;

	if (!file)
		return -ENOENT;
	slot = RF_ARENA_PUSH(e->arena, file->splices, file->splice_count);
	if (!slot)
		return -ENOMEM;
	*slot = *splice;
	return 0;
}

static int refuse_item(struct rf_edit *e, const struct rf_meta *m)
{
	snprintf(e->error, sizeof(e->error), "%s %s is an item of the List in %s:%u: give it a document of its own first", m->kind, m->name,
		 m->place.file, m->place.line);
	return -ENOTSUP;
}

static char *new_name(struct rf_edit *e, const struct rf_meta *m, bool json, unsigned number)
{
	char suffix[16] = "";
	char *name;

	if (number > 0)
		snprintf(suffix, sizeof(suffix), "-%u", number);
	name = rf_arena_printf(e->arena, "%s%s%s.%s%s.%s", m->ns, *m->ns ? "." : "", m->kind, m->name, suffix, json ? "json" : "yaml");
	for (char *p = name; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

int rf_edit_create(struct rf_edit *edit, const struct rf_meta *meta, const char *text, size_t len, bool json)
{
	struct rf_edit_file *file;
	char *name = new_name(edit, meta, json, 0);

	/* a file of that name that is about to go (JSON replaced by YAML) is still a name in use: its text is what can come back */
	for (unsigned i = 1; name && file_of(edit, name); i++)
		name = new_name(edit, meta, json, i);
	if (name && strlen(name) > 255) {
		snprintf(edit->error, sizeof(edit->error), "the file name for %s %.100s would be too long", meta->kind, meta->name);
		return -ENOTSUP;
	}
	file = name ? RF_ARENA_PUSH(edit->arena, edit->files, edit->file_count) : NULL;
	if (!file)
		return -ENOMEM;
	*file = (struct rf_edit_file){.name = name, .text = rf_arena_strndup(edit->arena, text, len), .len = len};
	return file->text ? 0 : -ENOMEM;
}

static bool same_document(const struct rf_edit *e, const struct rf_object_ref *old, const char *text)
{
	char *old_text = rf_splice_document(e->arena, old->node, false, old->meta.text_start, old->meta.text_end);

	return old_text && strcmp(old_text, text) == 0;
}

/* Takes the place of the old document; a JSON file cannot hold YAML and gives way to a new file. */
static int replace(struct rf_edit *e, const struct rf_object_ref *old, const struct rf_object_ref *object, const char *text)
{
	const struct rf_source *s = old->node->source;
	struct rf_splice splice = {.start = old->meta.text_start, .end = old->meta.text_end, .text = text};
	int r;

	if (s->json && !object->node->source->json) {
		splice.text = "";
		r = rf_edit_create(e, &object->meta, text, strlen(text), false);
		return r < 0 ? r : add_splice(e, s->name, &splice);
	}
	if (splice.start > 0 && s->text[splice.start - 1] != '\n') /* "--- {...}" */
		splice.text = rf_arena_printf(e->arena, "\n%s", text);
	return splice.text ? add_splice(e, s->name, &splice) : -ENOMEM;
}

int rf_edit_put(struct rf_edit *edit, const struct rf_object_ref *object, enum rf_edit_result *ret)
{
	const struct rf_meta *m = &object->meta;
	const struct rf_object_ref *old = rf_edit_find(edit, m->kind, m->ns, m->name);
	const char *text = rf_splice_document(edit->arena, object->node, object->in_list, m->text_start, m->text_end);
	int r;

	if (!text)
		return -ENOMEM;
	if (!old) {
		r = rf_edit_create(edit, m, text, strlen(text), object->node->source->json);
		if (r == 0)
			*ret = RF_EDIT_CREATED;
		return r;
	}
	if (old->in_list)
		return refuse_item(edit, &old->meta);
	if (same_document(edit, old, text)) {
		*ret = RF_EDIT_UNCHANGED;
		return 0;
	}
	r = replace(edit, old, object, text);
	if (r == 0)
		*ret = RF_EDIT_CONFIGURED;
	return r;
}

int rf_edit_delete(struct rf_edit *edit, const char *kind, const char *ns, const char *name)
{
	const struct rf_object_ref *old = rf_edit_find(edit, kind, ns, name);
	struct rf_splice splice = {.text = ""};

	if (!old)
		return -ENOENT;
	if (old->in_list)
		return refuse_item(edit, &old->meta);
	splice.start = old->document->marker;
	splice.end = old->document->text_end;
	return add_splice(edit, old->node->source->name, &splice);
}

static bool is_shared(const struct rf_node *node, const char *const *path)
{
	for (; node && !node->shared && *path; path++)
		node = rf_node_get(node, *path);
	return node && node->shared;
}

/* node: what could not be edited, or NULL */
static int refuse_path(struct rf_edit *e, const struct rf_meta *m, const struct rf_node *node, const char *const *path)
{
	const char *why = is_shared(node, path) ? ": an anchor, an alias or a merge key stands there" : "";
	int used = snprintf(e->error, sizeof(e->error), "%s:%u: cannot edit ", m->place.file, m->place.line);

	for (; *path && used > 0 && (size_t)used < sizeof(e->error); path++)
		used += snprintf(e->error + used, sizeof(e->error) - (size_t)used, "%s%s%s", *path, path[1] ? "." : why,
				 path[1] ? "" : "; do it by hand");
	return -EINVAL;
}

static const struct rf_node *node_at(const struct rf_node *node, const char *const *path)
{
	for (; node && *path; path++)
		node = rf_node_get(node, *path);
	return node;
}

/* After an edit of one path: the reader must see what was meant, else nothing may be written. */
static int verify(struct rf_edit *e, const struct rf_meta *m, const char *const *path, const char *value)
{
	const struct rf_object_ref *ref;
	const struct rf_node *node;
	int r = rf_edit_refresh(e);

	if (r < 0)
		return r;
	ref = rf_edit_find(e, m->kind, m->ns, m->name);
	node = ref ? node_at(ref->node, path) : NULL;
	if (!ref || (value ? !node || node->kind != RF_NODE_SCALAR || strcmp(node->text, value) != 0 : node != NULL))
		return refuse_path(e, m, NULL, path);
	return 0;
}

/* Metas given by callers may live in edit->objects, which a refresh replaces. */
static int keep_meta(struct rf_edit *e, const struct rf_meta *m, struct rf_meta *ret)
{
	const char *ns = rf_arena_strdup(e->arena, m->ns), *name = rf_arena_strdup(e->arena, m->name);
	const char *file = rf_arena_strdup(e->arena, m->place.file ? m->place.file : "");
	const char *kind = rf_arena_strdup(e->arena, m->kind);

	if (!ns || !name || !file || !kind)
		return -ENOMEM;
	*ret = (struct rf_meta){.kind = kind, .ns = ns, .name = name, .place = {.file = file, .line = m->place.line}};
	return 0;
}

int rf_edit_set(struct rf_edit *edit, const struct rf_meta *meta, const char *const *path, const char *value, enum rf_value_type type,
		enum rf_edit_result *ret)
{
	const struct rf_object_ref *old;
	const struct rf_node *node;
	struct rf_splice splice;
	struct rf_meta m;
	int r = keep_meta(edit, meta, &m);

	if (r == 0)
		r = rf_edit_refresh(edit);
	if (r < 0)
		return r;
	old = rf_edit_find(edit, m.kind, m.ns, m.name);
	if (!old)
		return -ENOENT;
	node = node_at(old->node, path);
	if (node && node->kind == RF_NODE_SCALAR && strcmp(node->text, value) == 0) {
		*ret = RF_EDIT_UNCHANGED;
		return 0;
	}
	r = rf_splice_set(edit->arena, old->node, path, value, type, &splice);
	if (r == -EINVAL)
		return refuse_path(edit, &m, old->node, path);
	if (r == 0)
		r = add_splice(edit, old->node->source->name, &splice);
	if (r == 0)
		r = verify(edit, &m, path, value);
	if (r == 0)
		*ret = RF_EDIT_CONFIGURED;
	return r;
}

int rf_edit_remove(struct rf_edit *edit, const struct rf_meta *meta, const char *const *path, enum rf_edit_result *ret)
{
	const struct rf_object_ref *old;
	struct rf_splice splice;
	struct rf_meta m;
	int r = keep_meta(edit, meta, &m);

	if (r == 0)
		r = rf_edit_refresh(edit);
	if (r < 0)
		return r;
	old = rf_edit_find(edit, m.kind, m.ns, m.name);
	if (!old)
		return -ENOENT;
	r = rf_splice_remove(old->node, path, &splice);
	if (r == -ENOENT) {
		*ret = RF_EDIT_UNCHANGED;
		return 0;
	}
	if (r == -EINVAL)
		return refuse_path(edit, &m, old->node, path);
	r = add_splice(edit, old->node->source->name, &splice);
	if (r == 0)
		r = verify(edit, &m, path, NULL);
	if (r == 0)
		*ret = RF_EDIT_CONFIGURED;
	return r;
}
