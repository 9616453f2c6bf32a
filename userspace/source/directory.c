/* SPDX-License-Identifier: Apache-2.0 */
#include "source/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "objects/objects.h"

struct reading {
	const char *path;
	int fd;
	struct rf_arena *arena;
	struct rf_document *items;
	size_t count;
	char *error;
	size_t error_size;
};

bool rf_directory_wants(const char *name)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t len = strlen(name);

	if (name[0] == '.' || name[0] == '#')
		return false;
	for (size_t i = 0; i < RF_ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(name + len - n, endings[i]) == 0)
			return true;
	}
	return false;
}

static int fail(const struct reading *rd, int r, const char *name, const char *why)
{
	snprintf(rd->error, rd->error_size, "%s%s%s %s", rd->path, name ? "/" : "", name ? name : "", why);
	return r;
}

static int fail_errno(const struct reading *rd, int r, const char *name)
{
	char why[160];

	snprintf(why, sizeof(why), "cannot be read: %s", strerror(-r));
	return fail(rd, r, name, why);
}

/* The whole of an open file of `size` bytes; -EAGAIN if it is being written. */
static int read_text(const struct reading *rd, int fd, size_t size, const char *name, char **ret, size_t *ret_len)
{
	char *text = rf_arena_alloc(rd->arena, size + 2);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while (len <= size) {
		n = read(fd, text + len, size + 1 - len); /* one byte more than there should be: has it grown? */
		if (n < 0)
			return fail_errno(rd, -errno, name);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len != size)
		return -EAGAIN;
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	return 0;
}

/* O_NONBLOCK: opening a FIFO must not hold the agent. */
static int open_file(const struct reading *rd, const char *name, struct stat *st)
{
	_cleanup_close_ int fd = openat(rd->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = -errno;

	if (fd < 0 && r == -ENOENT && fstatat(rd->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -EAGAIN; /* listed a moment ago and gone: somebody is at work */
	if (fd < 0)
		return fail_errno(rd, r, name);
	if (fstat(fd, st) < 0)
		return fail_errno(rd, -errno, name);
	if (!S_ISREG(st->st_mode))
		return fail(rd, -EINVAL, name, "is not a regular file");
	if (st->st_size > RF_FILE_MAX)
		return fail(rd, -EFBIG, name, "is larger than 1 MiB, the most that one policy file may have");
	return TAKE_FD(fd);
}

static int read_file(struct reading *rd, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct rf_document *item;
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int r;

	if (rd->count == RF_FILES_MAX)
		return fail(rd, -E2BIG, NULL, "has more than 10000 policy files");
	fd = open_file(rd, name, &st);
	if (fd < 0)
		return fd;
	r = read_text(rd, fd, (size_t)st.st_size, name, &text, &len);
	if (r < 0)
		return r;
	item = RF_ARENA_PUSH(rd->arena, rd->items, rd->count);
	if (!item)
		return -ENOMEM;
	*item = (struct rf_document){.name = rf_arena_strdup(rd->arena, name), .text = text, .len = len};
	return item->name ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rf_document *)a)->name, ((const struct rf_document *)b)->name);
}

static int read_all(struct reading *rd)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;
	int fd, r;

	fd = fcntl(rd->fd, F_DUPFD_CLOEXEC, 3); /* closedir would close ours and with it the lock */
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	for (;;) {
		errno = 0;
		e = readdir(dir);
		if (!e && errno)
			return fail_errno(rd, -errno, NULL);
		if (!e)
			break;
		r = rf_directory_wants(e->d_name) ? read_file(rd, e->d_name) : 0;
		if (r < 0)
			return r;
	}
	if (rd->count)
		qsort(rd->items, rd->count, sizeof(*rd->items), by_name);
	return 0;
}

int rf_directory_read(const char *path, struct rf_arena *arena, struct rf_snapshot *ret, char *error, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct reading rd = {.path = path, .fd = fd, .arena = arena, .error = error, .error_size = size};
	int r;

	if (fd < 0)
		return fail_errno(&rd, -errno, NULL);
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : fail_errno(&rd, -errno, NULL);
	r = read_all(&rd);
	if (r == -ENOMEM)
		return fail_errno(&rd, r, NULL);
	if (r < 0)
		return r;
	*ret = (struct rf_snapshot){.items = rd.items, .count = rd.count};
	return 0;
}
