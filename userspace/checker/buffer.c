/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_SIZE 4096 /* most requests and many answers fit; grows by doubling */

void rf_buffer_free(struct rf_buffer *b)
{
	free(b->data);
	*b = (struct rf_buffer){0};
}

/* Moves the content to the front. */
static void compact(struct rf_buffer *b)
{
	if (!b->start)
		return;
	memmove(b->data, b->data + b->start, b->end - b->start);
	b->passed -= b->start;
	b->end -= b->start;
	b->start = 0;
}

/* Room for at least `want` bytes after end, as long as the whole stays below the bound. */
static int reserve(struct rf_buffer *b, size_t want)
{
	size_t cap = b->cap ? b->cap : FIRST_SIZE;
	char *data;

	if (b->cap - b->end >= want)
		return 0;
	if (b->end - b->start + want > RF_BUFFER_MAX)
		return -ENOBUFS;
	compact(b);
	while (cap - b->end < want)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

void rf_buffer_drop(struct rf_buffer *b, size_t n)
{
	b->passed += n;
	b->start = b->passed;
}

void rf_buffer_replace(struct rf_buffer *b, size_t old, const char *data, size_t size)
{
	char *at = b->data + b->passed;

	memmove(at + size, at + old, rf_buffer_fresh(b) - old);
	memcpy(at, data, size);
	b->end -= old - size;
}

int rf_buffer_put(struct rf_buffer *b, const char *data, size_t size)
{
	int r = reserve(b, size);

	if (r < 0)
		return r;
	memcpy(b->data + b->end, data, size);
	b->end += size;
	b->passed = b->end;
	return 0;
}

ssize_t rf_buffer_recv(struct rf_buffer *b, int sock)
{
	size_t room;
	ssize_t n;

	if (b->start == b->end)
		b->start = b->passed = b->end = 0;
	if (b->cap == b->end) {
		int r = reserve(b, 1);

		if (r < 0)
			return r;
	}
	room = b->cap - b->end;
	if (room > RF_BUFFER_MAX - (b->end - b->start))
		room = RF_BUFFER_MAX - (b->end - b->start);
	do
		n = recv(sock, b->data + b->end, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	b->end += (size_t)n;
	return n;
}

ssize_t rf_buffer_send(struct rf_buffer *b, int sock)
{
	ssize_t n;

	if (!rf_buffer_ready(b))
		return 0;
	do
		n = send(sock, b->data + b->start, rf_buffer_ready(b), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	b->start += (size_t)n;
	return n;
}
