/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded byte buffer between two sockets, in two regions: bytes that passed (judged, may be written out) and fresh ones (received, not
 * judged yet). Nothing is written that has not passed.
 *
 *	data[start .. passed)  to be written     data[passed .. end)  fresh
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RF_BUFFER_MAX (64 * 1024)

struct rf_buffer { /* zeroed = empty */
	char *data;
	size_t cap;
	size_t start, passed, end;
};

void rf_buffer_free(struct rf_buffer *buffer); /* the memory; the struct is empty and usable afterwards */

static inline size_t rf_buffer_ready(const struct rf_buffer *b)
{
	return b->passed - b->start;
}
static inline size_t rf_buffer_fresh(const struct rf_buffer *b)
{
	return b->end - b->passed;
}
static inline char *rf_buffer_fresh_data(const struct rf_buffer *b)
{
	return b->data + b->passed;
}
static inline bool rf_buffer_full(const struct rf_buffer *b)
{
	return b->end - b->start == RF_BUFFER_MAX;
}
static inline void rf_buffer_pass(struct rf_buffer *b, size_t n)
{
	b->passed += n;
}
/* Throws away n fresh bytes; only while nothing waits to be written. */
void rf_buffer_drop(struct rf_buffer *buffer, size_t n);
/* Replaces the first `old` fresh bytes by `size` others, size <= old. */
void rf_buffer_replace(struct rf_buffer *buffer, size_t old, const char *data, size_t size);
/* Appends bytes of our own as passed; only while nothing is fresh. -ENOBUFS, -ENOMEM. */
int rf_buffer_put(struct rf_buffer *buffer, const char *data, size_t size);

/* One recv(): bytes read, 0 = end of file, -EAGAIN, -ENOBUFS (full) or the socket's error. */
ssize_t rf_buffer_recv(struct rf_buffer *buffer, int sock);
/* One send() of what passed: bytes written, 0 if there is nothing, -EAGAIN or the socket's error. */
ssize_t rf_buffer_send(struct rf_buffer *buffer, int sock);
