/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "objects/print.h"

/* What the agent says of itself; no agent is no error here. */
static void ask_agent(struct rf_policies *p)
{
	_cleanup_json_ cJSON *answer = NULL;

	if (rf_client_exchange(&p->instance, rf_client_request("status"), &answer) < 0 || !rf_json_bool(answer, "ok", false))
		return;
	p->agent = true;
	snprintf(p->agent_dir, sizeof(p->agent_dir), "%s", rf_json_text(answer, "policies", ""));
	if (!*p->mesh)
		snprintf(p->mesh, sizeof(p->mesh), "%s", rf_json_text(answer, "mesh", ""));
}

static bool same_directory(const char *a, const char *b)
{
	_cleanup_free_ char *x = realpath(a, NULL), *y = realpath(b, NULL);

	return x && y && strcmp(x, y) == 0;
}

static int choose(struct rf_policies *p, const char *option)
{
	const char *variable = getenv("RINGFENCE_POLICIES");
	char fallback[PATH_MAX];

	if (!option && variable && *variable)
		option = variable;
	if (!option && p->agent && *p->agent_dir)
		option = p->agent_dir;
	snprintf(fallback, sizeof(fallback), "/etc/%s/policies", p->instance.name);
	if (!option && access(fallback, F_OK) == 0)
		option = fallback;
	if (!option) {
		fprintf(stderr,
			"ringfence: no agent is running and there is no %s: which policy directory?\n"
			"  try: --policies DIR (or RINGFENCE_POLICIES=DIR)\n",
			fallback);
		return -ENOENT;
	}
	if (strlen(option) >= sizeof(p->dir))
		return -ENAMETOOLONG;
	memcpy(p->dir, option, strlen(option) + 1);
	return 0;
}

int rf_policies_find(struct rf_policies *p, const char *dir, const char *mesh_name)
{
	int r;

	*p = (struct rf_policies){0};
	r = rf_instance_init(&p->instance, NULL);
	if (r < 0 && r != -ENOENT) { /* without cgroup2 the files can still be edited */
		char problem[256];

		fprintf(stderr, "ringfence: %s\n", rf_instance_problem(NULL, problem, sizeof(problem)));
		return r;
	}
	if (mesh_name && (size_t)snprintf(p->mesh, sizeof(p->mesh), "%s", mesh_name) >= sizeof(p->mesh))
		return -EINVAL;
	ask_agent(p);
	if (!*p->mesh)
		snprintf(p->mesh, sizeof(p->mesh), "osm");
	r = choose(p, dir);
	if (r == 0)
		p->agent_elsewhere = p->agent && !same_directory(p->dir, p->agent_dir);
	return r;
}

int rf_policies_edit(const struct rf_policies *p, struct rf_edit **ret)
{
	int r = rf_edit_open(p->dir, ret);

	if (r == -ENOENT && access(p->dir, F_OK) < 0)
		fprintf(stderr, "ringfence: there is no policy directory %s\n  try: mkdir -p %s\n", p->dir, p->dir);
	else if (r == -EBUSY)
		fprintf(stderr, "ringfence: %s is locked by another program\n  try: fuser -v %s\n", p->dir, p->dir);
	else if (r < 0)
		fprintf(stderr, "ringfence: cannot read %s, or a policy file in it: %s\n", p->dir, strerror(-r));
	return r;
}

int rf_policies_fail(const struct rf_policies *p, const struct rf_edit *edit, int r)
{
	if (edit && *edit->error)
		fprintf(stderr, "ringfence: %s\n", edit->error);
	else
		fprintf(stderr, "ringfence: cannot change %s: %s\n", p->dir, strerror(-r));
	return RF_EXIT_NO;
}

static bool is_touched(const struct rf_edit *edit, const char *name)
{
	for (size_t i = 0; i < edit->file_count; i++) {
		const struct rf_edit_file *f = &edit->files[i];

		if (strcmp(f->name, name) == 0)
			return f->text && (!f->old_text || f->len != f->old_len || memcmp(f->text, f->old_text, f->len) != 0);
	}
	return false;
}

/* Errors of any file; warnings of the files that this commit changes. */
static void print_diags(const struct rf_edit *edit)
{
	const struct rf_diags *d = &edit->objects->diags;

	for (size_t i = 0; i < d->count; i++) {
		if (d->items[i].is_error || is_touched(edit, d->items[i].place.file))
			rf_diag_print(stderr, &d->items[i]);
	}
}

static double revision_number(const cJSON *answer)
{
	const cJSON *revision = cJSON_GetObjectItemCaseSensitive(answer, "revision");

	return cJSON_IsObject(revision) ? rf_json_number(revision, "epoch", 0) : rf_json_number(answer, "revision", 0);
}

static void print_answer_diags(const cJSON *answer)
{
	const cJSON *diag;

	cJSON_ArrayForEach(diag, cJSON_GetObjectItemCaseSensitive(answer, "diags"))
	{
		if (rf_json_bool(diag, "is_error", true))
			fprintf(stderr, "%s:%.0f:%.0f: %s\n", rf_json_text(diag, "file", "-"), rf_json_number(diag, "line", 0),
				rf_json_number(diag, "column", 0), rf_json_text(diag, "text", ""));
	}
}

/* The agent reads the directory now; its answer comes when the kernel holds the new revision. */
static int sync_exit(const struct rf_policies *p)
{
	_cleanup_json_ cJSON *answer = NULL;
	int r;

	if (!p->agent) {
		printf("no agent is running: takes effect at its next start\n");
		return RF_EXIT_OK;
	}
	if (p->agent_elsewhere) {
		printf("the running agent reads %s: it does not see this change\n", p->agent_dir);
		return RF_EXIT_OK;
	}
	r = rf_client_exchange(&p->instance, rf_client_request("sync"), &answer);
	if (r < 0) {
		fprintf(stderr, "ringfence: the files are changed, but the agent did not say that they are live\n");
		rf_client_explain(&p->instance, r);
		return RF_EXIT_NO;
	}
	if (!rf_json_bool(answer, "ok", false)) {
		print_answer_diags(answer);
		fprintf(stderr, "ringfence: the files are changed, but the last good policy stays live: %s\n",
			rf_json_text(answer, "error", "the agent did not say why"));
		return RF_EXIT_NO;
	}
	printf("revision %.0f live\n", revision_number(answer));
	return RF_EXIT_OK;
}

int rf_policies_commit_exit(const struct rf_policies *p, struct rf_edit **edit, void (*report)(void *arg), void *arg)
{
	size_t changed = 0;
	int r = rf_edit_commit(*edit, &changed);

	if (r == 0 || r == -EINVAL)
		print_diags(*edit);
	if (r == -EINVAL) {
		fprintf(stderr, "ringfence: %s would not be valid: nothing was changed\n", p->dir);
		return RF_EXIT_NO;
	}
	if (r < 0)
		return rf_policies_fail(p, *edit, r);
	rf_edit_close(TAKE_PTR(*edit));
	report(arg);
	return changed ? sync_exit(p) : RF_EXIT_OK;
}

static int read_stdin(struct rf_objects *objects)
{
	_cleanup_free_ char *text = malloc(RF_FILE_MAX + 2);
	size_t len;

	if (!text)
		return -ENOMEM;
	len = fread(text, 1, RF_FILE_MAX + 1, stdin);
	if (ferror(stdin))
		return -EIO;
	return rf_objects_add(objects, "stdin", text, len);
}

int rf_policies_read(struct rf_objects *objects, char *const *paths, size_t count, bool warnings)
{
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		r = strcmp(paths[i], "-") == 0 ? read_stdin(objects) : rf_objects_add_path(objects, paths[i], NULL);
		if (r < 0) {
			fprintf(stderr, "ringfence: cannot read %s: %s\n", paths[i], strerror(-r));
			return RF_EXIT_NO;
		}
	}
	r = rf_objects_check(objects);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", strerror(-r));
		return RF_EXIT_NO;
	}
	for (size_t i = 0; i < objects->diags.count; i++) {
		if (warnings || objects->diags.items[i].is_error)
			rf_diag_print(stderr, &objects->diags.items[i]);
	}
	return objects->diags.error_count ? RF_EXIT_NO : RF_EXIT_OK;
}
