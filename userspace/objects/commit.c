/* SPDX-License-Identifier: Apache-2.0 */
/* rf_edit_commit: checked texts to disk. All new contents are on disk under hidden names before the first rename. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/edit.h"

#define TMP_PREFIX ".ringfence-edit-"

static bool is_changed(const struct rf_edit_file *f)
{
	if (!f->text || !f->old_text)
		return f->text != f->old_text; /* a new file that is empty again is nothing */
	return f->len != f->old_len || memcmp(f->text, f->old_text, f->len) != 0;
}

static void tmp_name(char *buffer, size_t size, size_t index)
{
	snprintf(buffer, size, TMP_PREFIX "%zu", index);
}

/* Left by a commit that was killed: nobody else writes while we hold the lock. */
static void remove_leftovers(struct rf_edit *e)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = openat(e->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		rf_closep(&fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(d));) {
		if (strncmp(entry->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) == 0)
			unlinkat(e->dir, entry->d_name, 0);
	}
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Mode and owner of a file that is replaced stay. */
static int keep_owner(struct rf_edit *e, const struct rf_edit_file *f, int fd)
{
	struct stat st;

	if (!f->old_text)
		return fchmod(fd, 0644) < 0 ? -errno : 0;
	if (fstatat(e->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		snprintf(e->error, sizeof(e->error), "%.200s is a symbolic link: edit what it points to", f->name);
		return -ENOTSUP;
	}
	if (fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	return fchmod(fd, st.st_mode & 07777) < 0 ? -errno : 0;
}

static int write_tmp(struct rf_edit *e, const struct rf_edit_file *f, size_t index)
{
	_cleanup_close_ int fd = -1;
	char name[64];
	int r;

	tmp_name(name, sizeof(name), index);
	fd = openat(e->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = keep_owner(e, f, fd);
	return r < 0 ? r : write_all(fd, f->text, f->len);
}

static int publish(struct rf_edit *e, size_t *ret_changed)
{
	size_t changed = 0;
	char name[64];

	for (size_t i = 0; i < e->file_count; i++) {
		const struct rf_edit_file *f = &e->files[i];

		if (!is_changed(f))
			continue;
		tmp_name(name, sizeof(name), i);
		if (f->text ? renameat(e->dir, name, e->dir, f->name) < 0 : unlinkat(e->dir, f->name, 0) < 0)
			return -errno;
		changed++;
	}
	if (changed && fsync(e->dir) < 0)
		return -errno;
	*ret_changed = changed;
	return 0;
}

/* Not to be interrupted half-way by the user's ^C. */
static int publish_whole(struct rf_edit *e, size_t *ret_changed)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	r = publish(e, ret_changed);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

int rf_edit_commit(struct rf_edit *edit, size_t *ret_changed)
{
	int r = rf_edit_refresh(edit);

	if (r == 0)
		r = rf_objects_check(edit->objects);
	if (r < 0)
		return r;
	if (edit->objects->diags.error_count > 0)
		return -EINVAL;
	remove_leftovers(edit);
	for (size_t i = 0; i < edit->file_count && r == 0; i++) {
		if (edit->files[i].text && is_changed(&edit->files[i]))
			r = write_tmp(edit, &edit->files[i], i);
	}
	if (r == 0)
		r = publish_whole(edit, ret_changed);
	if (r < 0)
		remove_leftovers(edit);
	return r;
}
