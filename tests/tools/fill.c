// SPDX-License-Identifier: Apache-2.0
/*
 * Fills a pinned map with made-up entries: fill PIN add COUNT | remove COUNT. Keys are a running number behind bytes of 0xfe, values are
 * zero (which denies wherever a program might read it), unless the value has a time, as in `flows`:
 * fill PIN add COUNT OFFSET writes CLOCK_MONOTONIC there. Stops when the map is full. Prints how many entries it added or removed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#define BATCH      4096
#define MISSES_MAX 65536 /* in a row: there are no more of ours */

static struct bpf_map_info info;

static void key_at(unsigned char *key, unsigned long long number)
{
	unsigned width = info.key_size < sizeof(number) ? info.key_size : (unsigned)sizeof(number);

	memset(key, 0xfe, info.key_size);
	number += 0x40000000; /* no interface has such a number */
	memcpy(key + info.key_size - width, &number, width);
}

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

/* What did not go in as a batch goes in alone, up to the last free entry. */
static unsigned long one_by_one(int fd, const unsigned char *keys, const unsigned char *values, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, keys + (size_t)i * info.key_size, values + (size_t)i * info.value_size, BPF_ANY) < 0)
			return i;
	return count;
}

static unsigned long add(int fd, unsigned long count, int stamp)
{
	unsigned char *keys = calloc(BATCH, info.key_size), *values = calloc(BATCH, info.value_size);
	unsigned long long time = now_ns();
	unsigned long total = 0;

	for (unsigned i = 0; stamp >= 0 && i < BATCH; i++)
		memcpy(values + (size_t)i * info.value_size + stamp, &time, sizeof(time));
	while (total < count) {
		unsigned wanted = count - total < BATCH ? (unsigned)(count - total) : BATCH, n = wanted;

		for (unsigned i = 0; i < wanted; i++)
			key_at(keys + (size_t)i * info.key_size, total + i);
		if (bpf_map_update_batch(fd, keys, values, &n, NULL) < 0)
			n = (unsigned)one_by_one(fd, keys, values, wanted);
		total += n;
		if (n < wanted)
			break;
	}
	return total;
}

static unsigned long take(int fd, unsigned long count)
{
	unsigned char *key = calloc(1, info.key_size);
	unsigned long total = 0, misses = 0;

	for (unsigned long i = 0; i < count && misses < MISSES_MAX; i++) {
		key_at(key, i);
		misses = bpf_map_delete_elem(fd, key) == 0 ? 0 : misses + 1;
		total += !misses;
	}
	return total;
}

int main(int argc, char **argv)
{
	__u32 len = sizeof(info);
	int fd = argc > 3 ? bpf_obj_get(argv[1]) : -1;
	unsigned long count;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
		fprintf(stderr, "fill: %s\n", argc > 3 ? strerror(errno) : "usage: see the head of fill.c");
		return 2;
	}
	count = strtoul(argv[3], NULL, 10);
	printf("%lu\n", strcmp(argv[2], "add") == 0 ? add(fd, count, argc > 4 ? atoi(argv[4]) : -1) : take(fd, count));
	return 0;
}
