/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence apply and delete: objects into and out of the policy directory. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/kinds.h"
#include "cli/policies.h"
#include "core/arena.h"
#include "core/cleanup.h"
#include "objects/print.h"

static const char apply_help[] =
	"usage: ringfence apply [--policies DIR] -f FILE|DIR...\n\n"
	"Puts the objects of the files into the policy directory: an object that is there is replaced where it stands,\n"
	"a new one gets a file of its own. The directory as it would be is checked first; with an error nothing is\n"
	"written. Then the agent loads it. \"-f -\" reads stdin.\n"
	"  -f, --filename FILE|DIR   may be repeated\n"
	"      --policies DIR        the policy directory (default: $RINGFENCE_POLICIES, or the agent's)\n";
static const char delete_help[] = "usage: ringfence delete [--policies DIR] -f FILE|DIR...\n"
				  "       ringfence delete [--policies DIR] KIND NAME... [-n NAMESPACE]\n\n"
				  "Takes objects out of the policy directory; a file with nothing left in it is removed.\n"
				  "  -f, --filename FILE|DIR   delete the objects that these files name\n"
				  "  -n, --namespace NS        default: \"default\"\n"
				  "      --ignore-not-found    an object that is not there is no error\n"
				  "      --policies DIR        the policy directory (default: $RINGFENCE_POLICIES, or the agent's)\n";

struct change {
	const char *label; /* "traffictarget bookstore/bookstore" */
	enum rf_edit_result result;
};

struct job {
	struct rf_policies policies;
	struct rf_arena *arena;
	char **paths;
	size_t path_count;
	const char *dir;
	const char *ns;
	bool ignore_missing;
	struct change *changes;
	size_t change_count;
	size_t missing;
};

static void free_job(struct job *job)
{
	rf_arena_free(job->arena);
	free(job->paths);
}

static int note(struct job *job, const struct rf_meta *m, enum rf_edit_result result)
{
	struct change *c = RF_ARENA_PUSH(job->arena, job->changes, job->change_count);
	char *kind = rf_arena_strdup(job->arena, m->kind);

	if (!c || !kind)
		return -ENOMEM;
	for (char *p = kind; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->result = result;
	c->label = rf_arena_printf(job->arena, "%s %s%s%s", kind, m->ns, *m->ns ? "/" : "", m->name);
	return c->label ? 0 : -ENOMEM;
}

static void report(void *arg)
{
	static const char *const words[] = {[RF_EDIT_UNCHANGED] = "unchanged",
					    [RF_EDIT_CONFIGURED] = "configured",
					    [RF_EDIT_CREATED] = "created",
					    [RF_EDIT_DELETED] = "deleted"};
	const struct job *job = arg;

	for (size_t i = 0; i < job->change_count; i++)
		printf("%s %s\n", job->changes[i].label, words[job->changes[i].result]);
}

static int add_path(struct job *job, char *path)
{
	char **grown = reallocarray(job->paths, job->path_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[job->path_count++] = path;
	job->paths = grown;
	return 0;
}

/* As `kubectl apply`: a label that `namespace add` or `ignore` set is not taken away by a file that does not speak of it. Applying a
 * namespace's manifest once more must not put it out of the mesh. */
struct kept {
	struct rf_meta meta;
	const char *label, *value;
	size_t change; /* its line in the report */
};

struct keeper {
	struct kept *items;
	size_t count;
};

static int keep_labels(struct job *job, struct keeper *keeper, const struct rf_edit *edit, const struct rf_meta *m)
{
	static const char *const labels[] = {"openservicemesh.io/monitored-by", "openservicemesh.io/ignore"};
	const struct rf_object_ref *old = strcmp(m->kind, "Namespace") == 0 ? rf_edit_find(edit, m->kind, m->ns, m->name) : NULL;

	for (size_t i = 0; old && i < RF_ARRAY_SIZE(labels); i++) {
		const char *value = rf_meta_label(&old->meta, labels[i]);
		struct kept *k;

		if (!value || rf_meta_label(m, labels[i]))
			continue;
		value = rf_arena_strdup(job->arena, value);
		k = value ? RF_ARENA_PUSH(job->arena, keeper->items, keeper->count) : NULL;
		if (!k)
			return -ENOMEM;
		*k = (struct kept){.meta = *m, .label = labels[i], .value = value, .change = job->change_count};
	}
	return 0;
}

static bool is_as_before(const struct rf_edit *edit, const struct rf_meta *m)
{
	const struct rf_object_ref *ref = rf_edit_find(edit, m->kind, m->ns, m->name);

	for (size_t i = 0; ref && i < edit->file_count; i++) {
		const struct rf_edit_file *f = &edit->files[i];

		if (strcmp(f->name, ref->meta.place.file) == 0)
			return f->text && f->old_text && f->len == f->old_len && memcmp(f->text, f->old_text, f->len) == 0;
	}
	return false;
}

static int put_back_labels(struct job *job, const struct keeper *keeper, struct rf_edit *edit)
{
	int r = 0;

	for (size_t i = 0; i < keeper->count && r == 0; i++) {
		const struct kept *k = &keeper->items[i];
		const char *const path[] = {"metadata", "labels", k->label, NULL};
		enum rf_edit_result ignored;

		r = rf_edit_set(edit, &k->meta, path, k->value, RF_VALUE_STRING, &ignored);
		if (r == 0 && is_as_before(edit, &k->meta))
			job->changes[k->change].result = RF_EDIT_UNCHANGED;
	}
	return r;
}

static int put_all(struct job *job, struct rf_edit *edit, const struct rf_objects *objects)
{
	struct keeper keeper = {0};
	int r = 0;

	for (size_t i = 0; i < objects->all_count && r == 0; i++) {
		enum rf_edit_result result;

		r = keep_labels(job, &keeper, edit, &objects->all[i].meta);
		if (r == 0)
			r = rf_edit_put(edit, &objects->all[i], &result);
		if (r == 0)
			r = note(job, &objects->all[i].meta, result);
	}
	return r < 0 ? r : put_back_labels(job, &keeper, edit);
}

static void print_skipped(const struct rf_objects *objects)
{
	for (size_t i = 0; i < objects->diags.count; i++) {
		if (!objects->diags.items[i].is_error && strstr(objects->diags.items[i].text, " is skipped"))
			rf_diag_print(stderr, &objects->diags.items[i]);
	}
}

static int apply(struct job *job)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	RF_CLEANUP(rf_edit_closep) struct rf_edit *edit = NULL;
	int r;

	if (rf_objects_new(&objects) < 0 || rf_policies_read(objects, job->paths, job->path_count, false) != RF_EXIT_OK)
		return RF_EXIT_NO;
	print_skipped(objects);
	if (objects->all_count == 0) {
		fprintf(stderr, "ringfence: no objects in what -f names\n");
		return RF_EXIT_NO;
	}
	if (rf_policies_find(&job->policies, job->dir, NULL) < 0)
		return RF_EXIT_USAGE;
	if (rf_policies_edit(&job->policies, &edit) < 0)
		return RF_EXIT_NO;
	r = put_all(job, edit, objects);
	if (r < 0)
		return rf_policies_fail(&job->policies, edit, r);
	return rf_policies_commit_exit(&job->policies, &edit, report, job);
}

static int delete_one(struct job *job, struct rf_edit *edit, const struct rf_meta *m)
{
	int r = rf_edit_delete(edit, m->kind, m->ns, m->name);

	if (r == 0)
		return note(job, m, RF_EDIT_DELETED);
	if (r != -ENOENT)
		return r;
	if (!job->ignore_missing) {
		fprintf(stderr, "ringfence: %s %s%s%s not found in %s\n", m->kind, m->ns, *m->ns ? "/" : "", m->name, job->policies.dir);
		job->missing++;
	}
	return 0;
}

static int delete_words(struct job *job, struct rf_edit *edit, const struct rf_kind_name *kind, char **names, int count)
{
	int r = 0;

	for (int i = 0; i < count && r == 0; i++) {
		struct rf_meta m = {.kind = kind->kind, .ns = kind->cluster_scoped ? "" : job->ns, .name = names[i]};
		bool again = false;

		for (int k = 0; k < i; k++)
			again = again || strcmp(names[i], names[k]) == 0;
		if (!again)
			r = delete_one(job, edit, &m);
	}
	return r;
}

static int delete_objects(struct job *job, struct rf_edit *edit, const struct rf_objects *objects)
{
	int r = 0;

	for (size_t i = 0; i < objects->all_count && r == 0; i++)
		r = delete_one(job, edit, &objects->all[i].meta);
	return r;
}

static int remove_objects(struct job *job, const struct rf_kind_name *kind, char **names, int count)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	RF_CLEANUP(rf_edit_closep) struct rf_edit *edit = NULL;
	int r;

	if (rf_objects_new(&objects) < 0 || rf_policies_read(objects, job->paths, job->path_count, false) != RF_EXIT_OK)
		return RF_EXIT_NO;
	if (rf_policies_find(&job->policies, job->dir, NULL) < 0)
		return RF_EXIT_USAGE;
	if (rf_policies_edit(&job->policies, &edit) < 0)
		return RF_EXIT_NO;
	r = kind ? delete_words(job, edit, kind, names, count) : delete_objects(job, edit, objects);
	if (r < 0)
		return rf_policies_fail(&job->policies, edit, r);
	r = rf_policies_commit_exit(&job->policies, &edit, report, job);
	return r == RF_EXIT_OK && job->missing ? RF_EXIT_NO : r;
}

enum { OPTION_POLICIES = 256, OPTION_IGNORE };

static const struct option apply_options[] = {{"filename", required_argument, NULL, 'f'},
					      {"help", no_argument, NULL, 'h'},
					      {"policies", required_argument, NULL, OPTION_POLICIES},
					      {0}};
static const struct option delete_options[] = {{"filename", required_argument, NULL, 'f'},
					       {"help", no_argument, NULL, 'h'},
					       {"ignore-not-found", no_argument, NULL, OPTION_IGNORE},
					       {"namespace", required_argument, NULL, 'n'},
					       {"policies", required_argument, NULL, OPTION_POLICIES},
					       {0}};

/* 0, or -EINVAL for an unknown option; 'h' was asked for: 1. */
static int parse(struct job *job, int argc, char **argv, const char *letters, const struct option *options)
{
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (c) {
		case 'h':
			return 1;
		case 'f':
			r = add_path(job, optarg);
			break;
		case 'n':
			job->ns = optarg;
			break;
		case OPTION_POLICIES:
			job->dir = optarg;
			break;
		case OPTION_IGNORE:
			job->ignore_missing = true;
			break;
		default:
			r = -EINVAL;
		}
	}
	return r;
}

static int usage(const char *text, bool asked)
{
	fputs(text, asked ? stdout : stderr);
	return asked ? RF_EXIT_OK : RF_EXIT_USAGE;
}

int rf_cmd_apply(int argc, char **argv)
{
	RF_CLEANUP(free_job) struct job job = {.arena = rf_arena_new()};
	int r = job.arena ? parse(&job, argc, argv, "f:h", apply_options) : -ENOMEM;

	/* a shell makes several words of -f DIR/ *.yaml */
	for (; r == 0 && job.path_count > 0 && optind < argc; optind++)
		r = add_path(&job, argv[optind]);
	if (r != 0 || job.path_count == 0)
		return usage(apply_help, r == 1);
	return apply(&job);
}

int rf_cmd_delete(int argc, char **argv)
{
	RF_CLEANUP(free_job) struct job job = {.arena = rf_arena_new(), .ns = "default"};
	const struct rf_kind_name *kind;
	int r = job.arena ? parse(&job, argc, argv, "f:hn:", delete_options) : -ENOMEM;

	for (; r == 0 && job.path_count > 0 && optind < argc; optind++)
		r = add_path(&job, argv[optind]);
	if (r != 0 || (job.path_count == 0 && argc - optind < 2))
		return usage(delete_help, r == 1);
	if (job.path_count > 0)
		return remove_objects(&job, NULL, NULL, 0);
	kind = rf_kind_find(argv[optind]);
	if (!kind) {
		fprintf(stderr, "ringfence: \"%s\" is not a kind of object; `ringfence get --help` lists them\n", argv[optind]);
		return RF_EXIT_USAGE;
	}
	return remove_objects(&job, kind, argv + optind + 1, argc - optind - 1);
}
