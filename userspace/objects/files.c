/* SPDX-License-Identifier: Apache-2.0 */
/* rf_objects_add_path: policy files from disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/files.h"
#include "objects/source.h"

bool rf_is_policy_name(const char *name)
{
	return name[0] != '.' && (rf_name_ends(name, ".yaml") || rf_name_ends(name, ".yml") || rf_name_ends(name, ".json"));
}

/* Reads at most RF_FILE_MAX + 1 bytes: the parser names a file that is larger. */
static int read_all(int fd, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = malloc(RF_FILE_MAX + 2);
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	while (used < RF_FILE_MAX + 1) {
		ssize_t n = read(fd, text + used, RF_FILE_MAX + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	*ret_len = used;
	return 0;
}

int rf_file_read(int dir, const char *name, char **ret, size_t *ret_len)
{
	/* non-blocking: a FIFO by the name of a policy must not hang the reader */
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return read_all(fd, ret, ret_len);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int rf_dir_list(int dir, struct rf_arena *arena, char ***ret, size_t *ret_count)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_close_ int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names = NULL;
	size_t count = 0;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	fd = -1;
	for (;;) {
		struct dirent *e;
		char **slot;

		errno = 0;
		e = readdir(d);
		if (!e && errno)
			return -errno;
		if (!e)
			break;
		if (!rf_is_policy_name(e->d_name))
			continue;
		slot = RF_ARENA_PUSH(arena, names, count);
		if (!slot)
			return -ENOMEM;
		*slot = rf_arena_strdup(arena, e->d_name);
		if (!*slot)
			return -ENOMEM;
	}
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	*ret = names;
	*ret_count = count;
	return 0;
}

static const char *display_name(const char *path, const char *base)
{
	size_t n = base ? strlen(base) : 0;

	if (n == 0 || strncmp(path, base, n) != 0 || (path[n] != '/' && base[n - 1] != '/'))
		return path;
	path += n;
	return path + strspn(path, "/");
}

static int add_entry(struct rf_objects *objects, int dir, const char *name, const char *shown)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = rf_file_read(dir, name, &text, &len);

	if (r == -ENOMEM)
		return r;
	if (r == -EISDIR)
		return 0; /* a folder by such a name is no policy file */
	if (r == 0)
		return rf_objects_add(objects, shown, text, len);
	shown = rf_arena_strdup(objects->arena, shown);
	if (!shown)
		return -ENOMEM;
	r = rf_diag_error(&objects->diags, (struct rf_place){.file = shown}, "cannot be read: %s",
			  r == -EINVAL ? "not a regular file" : strerror(-r));
	return r == -ENOMEM ? r : 0;
}

static int add_directory(struct rf_objects *objects, int dir, const char *path, const char *base)
{
	char **names = NULL, shown[PATH_MAX];
	size_t count = 0;
	int r = rf_dir_list(dir, objects->arena, &names, &count);

	if (r < 0)
		return r;
	if (count > RF_FILES_MAX) {
		r = rf_diag_error(&objects->diags, (struct rf_place){.file = rf_arena_strdup(objects->arena, path)},
				  "%zu policy files: more than %d", count, RF_FILES_MAX);
		return r == -ENOMEM ? r : 0;
	}
	for (size_t i = 0; i < count && r == 0; i++) {
		if ((size_t)snprintf(shown, sizeof(shown), "%s%s%s", path, path[0] && path[strlen(path) - 1] == '/' ? "" : "/", names[i]) >=
		    sizeof(shown))
			return -ENAMETOOLONG;
		r = add_entry(objects, dir, names[i], display_name(shown, base));
	}
	return r;
}

int rf_objects_add_path(struct rf_objects *objects, const char *path, const char *display_base)
{
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	if (dir >= 0)
		return add_directory(objects, dir, path, display_base);
	if (errno != ENOTDIR)
		return -errno;
	r = rf_file_read(AT_FDCWD, path, &text, &len);
	return r < 0 ? r : rf_objects_add(objects, display_name(path, display_base), text, len);
}
