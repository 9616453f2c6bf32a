/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where policies come from. A source hands over whole snapshots: every document it has, or nothing new; a reader never sees half of a
 * change and never an empty set because something could not be read. The first snapshot exists when the first read succeeded; until
 * then, and after any failure, the last good one stands and rf_policy_source_problem says what is wrong and since when.
 *
 * A source owns one file descriptor to poll for reading; rf_policy_source_dispatch does the work. Not thread-safe, never blocks.
 * Times are CLOCK_REALTIME nanoseconds: people read them.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rf_document {
	const char *name; /* for messages: the file's name inside its directory */
	const char *text; /* NUL-terminated, may also contain NULs */
	size_t len;
	uint64_t version; /* not 0; a document of the same name has the same number again as long as its text is the same */
};

struct rf_snapshot {
	struct rf_document *items; /* sorted by name */
	size_t count;
};

enum rf_policy_source_result {
	RF_READ_CHANGED, /* a new snapshot */
	RF_READ_SAME,    /* read, and it is what it was */
	RF_READ_FAILED,  /* could not be read: the last good snapshot stands */
};

/* Called at the end of every read. Must not close the source. */
typedef void (*rf_policy_source_fn)(void *arg, enum rf_policy_source_result result);

struct rf_policy_source;

struct rf_policy_source_ops {
	int (*fd)(const struct rf_policy_source *source);
	int (*dispatch)(struct rf_policy_source *source);
	int (*read)(struct rf_policy_source *source);
	void (*close)(struct rf_policy_source *source);
};

struct rf_policy_source { /* the part every kind begins with; kinds fill it, users call the functions below */
	const struct rf_policy_source_ops *ops;
	rf_policy_source_fn fn;
	void *arg;
	struct rf_snapshot snapshot;
	bool have_snapshot;
	char problem[512]; /* "" = none */
	uint64_t problem_since_ns;
	uint64_t read_began_ns, read_ended_ns; /* CLOCK_MONOTONIC, of the last read: what takes how long */
};

static inline int rf_policy_source_fd(const struct rf_policy_source *source)
{
	return source ? source->ops->fd(source) : -EBADF;
}

/* To be called when the descriptor is readable. Negative only for errors after which the source is of no use any more. */
static inline int rf_policy_source_dispatch(struct rf_policy_source *source)
{
	return source ? source->ops->dispatch(source) : -EBADF;
}

/* Reads now; fn is called before this returns 0. -EAGAIN: somebody is writing; fn is called as soon as that is over. */
static inline int rf_policy_source_read(struct rf_policy_source *source)
{
	return source ? source->ops->read(source) : -EBADF;
}

/* The last good documents, or NULL before the first; valid until the next read. */
static inline const struct rf_snapshot *rf_policy_source_snapshot(const struct rf_policy_source *source)
{
	return source->have_snapshot ? &source->snapshot : NULL;
}

/* A sentence, or NULL while all is well. */
static inline const char *rf_policy_source_problem(const struct rf_policy_source *source, uint64_t *ret_since_ns)
{
	if (!source->problem[0])
		return NULL;
	*ret_since_ns = source->problem_since_ns;
	return source->problem;
}

static inline void rf_policy_source_close(struct rf_policy_source *source) /* NULL-safe */
{
	if (source)
		source->ops->close(source);
}
