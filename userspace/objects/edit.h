/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing a policy directory: open, change objects, commit. The new texts are built in memory, parsed and checked as a whole, and written
 * only if nothing is wrong. Between open and close the directory is locked (flock LOCK_EX on the directory itself); the agent reads under
 * LOCK_SH, so it sees a commit of several files as a whole. Each file is replaced by rename, so whoever does not lock (an editor, a
 * backup) still never sees half a file. Not covered: a power cut between two renames of one commit leaves the first ones done; every
 * file is whole then, and the agent judges the set as any other.
 */
#pragma once

#include "objects/objects.h"
#include "objects/splice.h"

struct rf_edit_file {
	const char *name;
	const char *old_text; /* as on disk, NULL: a new file */
	size_t old_len;
	const char *text; /* as it shall be, NULL: deleted */
	size_t len;
	struct rf_splice *splices; /* not applied to text yet */
	size_t splice_count;
};

struct rf_edit {
	struct rf_arena *arena; /* owned, as all below */
	int dir;
	struct rf_edit_file *files;
	size_t file_count;
	struct rf_objects *objects; /* of the texts as of the last refresh; file names as place.file */
	char error[256];            /* why the last call failed, where a sentence is needed */
};

enum rf_edit_result { RF_EDIT_UNCHANGED, RF_EDIT_CONFIGURED, RF_EDIT_CREATED, RF_EDIT_DELETED };

/* Locks and reads. -errno of the directory or a file in it; -EBUSY: locked by somebody else for 10 s. */
int rf_edit_open(const char *dir, struct rf_edit **ret);
void rf_edit_close(struct rf_edit *edit); /* NULL-safe; unlocks; forgets what is not committed */
static inline void rf_edit_closep(struct rf_edit **e)
{
	rf_edit_close(*e);
}

/* The object as the directory holds it now, or NULL. ns "" for cluster-scoped kinds. */
const struct rf_object_ref *rf_edit_find(const struct rf_edit *edit, const char *kind, const char *ns, const char *name);

/* Puts an object (of another set, checked) in place of the one of the same kind and name, or into a new file. An object must not be put
 * or deleted twice between refreshes. -ENOTSUP (error says why), -ENOMEM. */
int rf_edit_put(struct rf_edit *edit, const struct rf_object_ref *object, enum rf_edit_result *ret);
/* A new file <ns>.<kind>.<name>.yaml with this text. */
int rf_edit_create(struct rf_edit *edit, const struct rf_meta *meta, const char *text, size_t len, bool json);
/* -ENOENT: no such object. -ENOTSUP: error says why. */
int rf_edit_delete(struct rf_edit *edit, const char *kind, const char *ns, const char *name);

/* path: NULL-terminated keys from the document's root. Both refresh. set: -ENOENT no such object; -EINVAL the path cannot be set (error
 * says why). remove: a key that is not there is RF_EDIT_UNCHANGED. */
int rf_edit_set(struct rf_edit *edit, const struct rf_meta *meta, const char *const *path, const char *value, enum rf_value_type type,
		enum rf_edit_result *ret);
int rf_edit_remove(struct rf_edit *edit, const struct rf_meta *meta, const char *const *path, enum rf_edit_result *ret);

/* Applies the splices and parses again. Files without any document left are deleted. */
int rf_edit_refresh(struct rf_edit *edit);

/* Refreshes, checks the whole set and writes. -EINVAL: edit->objects->diags says why, nothing was written. -ENOTSUP: error says why.
 * Other -errno: of a write; files already renamed stay. *ret_changed: files written or removed. */
int rf_edit_commit(struct rf_edit *edit, size_t *ret_changed);
