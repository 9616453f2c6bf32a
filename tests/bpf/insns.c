/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much work the verifier has with each program: loads the BPF objects named on the command line, attaches nothing, and prints one line
 * "object program instructions" a program. The number is the kernel's own ("processed N insns"). tests/bpf/verify compares.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

#define LOG_STATS    4 /* BPF_LOG_STATS: the totals only */
#define LOG_SIZE     65536
#define PROGRAMS_MAX 16

struct object {
	struct bpf_object *object;
	struct bpf_program *programs[PROGRAMS_MAX];
	char *logs[PROGRAMS_MAX];
	size_t count;
};

static void object_done(struct object *o)
{
	bpf_object__close(o->object);
	for (size_t i = 0; i < o->count; i++)
		free(o->logs[i]);
}

static int ask_for_logs(struct object *o)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, o->object)
	{
		if (o->count == PROGRAMS_MAX)
			return -E2BIG;
		o->logs[o->count] = calloc(1, LOG_SIZE);
		if (!o->logs[o->count])
			return -ENOMEM;
		o->programs[o->count] = program;
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, o->logs[o->count++], LOG_SIZE);
	}
	return 0;
}

/* As the agent does: what kernels may lack, the latest first. */
static const struct features {
	bool mptcp;
	bool set_retval;
} features[] = {{true, true}, {false, true}, {false, false}};

static int load(const char *path, const struct features *with, struct object *o)
{
	int r;

	o->object = bpf_object__open_file(path, NULL);
	if (!o->object)
		return -errno;
	r = rf_dp_feature(o->object, "rf_has_mptcp", with->mptcp);
	if (r == 0)
		r = rf_dp_feature(o->object, "rf_has_set_retval", with->set_retval);
	if (r == 0)
		r = ask_for_logs(o);
	return r < 0 ? r : bpf_object__load(o->object);
}

static int print(const char *path, const struct object *o)
{
	const char *base = strrchr(path, '/'), *name = base ? base + 1 : path;

	for (size_t i = 0; i < o->count; i++) {
		const char *found = strstr(o->logs[i], "processed ");

		if (!found)
			return -ENODATA;
		printf("%.*s %s %ld\n", (int)strcspn(name, "."), name, bpf_program__name(o->programs[i]),
		       strtol(found + strlen("processed "), NULL, 10));
	}
	return 0;
}

static int measure(const char *path, const struct features *with)
{
	RF_CLEANUP(object_done) struct object o = {};
	int r = load(path, with, &o);

	return r < 0 ? r : print(path, &o);
}

int main(int argc, char **argv)
{
	libbpf_set_print(NULL);
	for (int i = 1; i < argc; i++) {
		int r = -EINVAL;

		for (size_t j = 0; r < 0 && j < sizeof(features) / sizeof(features[0]); j++)
			r = measure(argv[i], &features[j]);
		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			return 1;
		}
	}
	return argc > 1 ? 0 : 2;
}
