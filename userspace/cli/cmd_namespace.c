/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence namespace add|remove|ignore|list: who is in the mesh, by OSM's labels on Namespace objects. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/policies.h"
#include "core/cleanup.h"
#include "core/json.h"

#define LABEL_MESH   "openservicemesh.io/monitored-by"
#define LABEL_IGNORE "openservicemesh.io/ignore"

static const char help[] = "usage: ringfence namespace add|remove|ignore NAME... [--mesh-name MESH] [--policies DIR]\n"
			   "       ringfence namespace list [-o json] [--mesh-name MESH] [--policies DIR]\n\n"
			   "  add      puts namespaces into the mesh (label " LABEL_MESH "); running pods are in it at once\n"
			   "  remove   takes them out again (removes this label and " LABEL_IGNORE ")\n"
			   "  ignore   keeps them out whatever else they are labelled (label " LABEL_IGNORE ")\n"
			   "  list     all namespaces of the policy directory and their mesh\n";

static const char *const path_mesh[] = {"metadata", "labels", LABEL_MESH, NULL};
static const char *const path_ignore[] = {"metadata", "labels", LABEL_IGNORE, NULL};

struct job {
	struct rf_policies policies;
	struct rf_edit *edit;
	const char *verb, *dir, *mesh;
	bool json;
	char **names;
	int count;
};

static void report(void *arg)
{
	const struct job *job = arg;

	for (int i = 0; i < job->count; i++) {
		if (strcmp(job->verb, "ignore") == 0)
			printf("Namespace [%s] is ignored by mesh [%s]\n", job->names[i], job->policies.mesh);
		else
			printf("Namespace [%s] successfully %s mesh [%s]\n", job->names[i],
			       strcmp(job->verb, "add") == 0 ? "added to" : "removed from", job->policies.mesh);
	}
}

static const struct rf_object_ref *find(const struct job *job, const char *name)
{
	const struct rf_object_ref *ref = rf_edit_find(job->edit, "Namespace", "", name);

	if (!ref)
		fprintf(stderr,
			"ringfence: there is no Namespace %s in %s\n"
			"  try: printf 'apiVersion: v1\\nkind: Namespace\\nmetadata:\\n  name: %s\\n' | ringfence apply -f -\n",
			name, job->policies.dir, name);
	return ref;
}

/* -ECANCELED: the reason is on stderr. */
static int change(struct job *job, const char *name)
{
	const struct rf_object_ref *ref = find(job, name);
	enum rf_edit_result result;
	const char *ignored;
	int r;

	if (!ref)
		return -ECANCELED;
	ignored = rf_meta_label(&ref->meta, LABEL_IGNORE);
	if (strcmp(job->verb, "ignore") == 0)
		return rf_edit_set(job->edit, &ref->meta, path_ignore, "true", RF_VALUE_STRING, &result);
	if (strcmp(job->verb, "add") == 0) {
		if (ignored && strcmp(ignored, "true") == 0) {
			fprintf(stderr, "ringfence: Namespace %s is ignored\n  try: ringfence namespace remove %s\n", name, name);
			return -ECANCELED;
		}
		return rf_edit_set(job->edit, &ref->meta, path_mesh, job->policies.mesh, RF_VALUE_STRING, &result);
	}
	r = rf_edit_remove(job->edit, &ref->meta, path_mesh, &result);
	ref = r == 0 ? find(job, name) : NULL; /* the edit has read the files again */
	return ref ? rf_edit_remove(job->edit, &ref->meta, path_ignore, &result) : r;
}

static int change_all(struct job *job)
{
	RF_CLEANUP(rf_edit_closep) struct rf_edit *edit = NULL;
	int r = 0;

	if (rf_policies_edit(&job->policies, &edit) < 0)
		return RF_EXIT_NO;
	job->edit = edit;
	for (int i = 0; i < job->count && r == 0; i++)
		r = change(job, job->names[i]);
	if (r < 0)
		return r == -ECANCELED ? RF_EXIT_NO : rf_policies_fail(&job->policies, edit, r);
	return rf_policies_commit_exit(&job->policies, &edit, report, job);
}

static const char *mesh_of(const struct rf_meta *m)
{
	const char *mesh = rf_meta_label(m, LABEL_MESH), *ignore = rf_meta_label(m, LABEL_IGNORE);

	if (ignore && strcmp(ignore, "true") == 0)
		return "(ignored)";
	return mesh ? mesh : "-";
}

static int list_json(const struct job *job, const struct rf_objects *o)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	cJSON *list = cJSON_AddArrayToObject(root, "namespaces");

	for (size_t i = 0; i < o->namespaces_count; i++) {
		const struct rf_meta *m = &o->namespaces[i].meta;
		const char *ignore = rf_meta_label(m, LABEL_IGNORE), *mesh = rf_meta_label(m, LABEL_MESH);
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "name", m->name);
		cJSON_AddStringToObject(item, "mesh", mesh ? mesh : "");
		cJSON_AddBoolToObject(item, "ignored", ignore && strcmp(ignore, "true") == 0);
		cJSON_AddBoolToObject(item, "meshed", rf_objects_meshed(o, m->name, job->policies.mesh));
		cJSON_AddItemToArray(list, item);
	}
	text = cJSON_Print(root);
	if (!text)
		return RF_EXIT_NO;
	puts(text);
	return RF_EXIT_OK;
}

static int list(struct job *job)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	size_t width = strlen("NAMESPACE");

	if (rf_objects_new(&o) < 0 || rf_policies_read(o, (char *[]){job->policies.dir}, 1, false) != RF_EXIT_OK)
		return RF_EXIT_NO;
	if (job->json)
		return list_json(job, o);
	for (size_t i = 0; i < o->namespaces_count; i++)
		width = strlen(o->namespaces[i].meta.name) > width ? strlen(o->namespaces[i].meta.name) : width;
	printf("%-*s  MESH\n", (int)width, "NAMESPACE");
	for (size_t i = 0; i < o->namespaces_count; i++)
		printf("%-*s  %s\n", (int)width, o->namespaces[i].meta.name, mesh_of(&o->namespaces[i].meta));
	return RF_EXIT_OK;
}

static int usage(bool asked)
{
	fputs(help, asked ? stdout : stderr);
	return asked ? RF_EXIT_OK : RF_EXIT_USAGE;
}

static bool is_verb(const char *word)
{
	return strcmp(word, "add") == 0 || strcmp(word, "remove") == 0 || strcmp(word, "ignore") == 0;
}

int rf_cmd_namespace(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"mesh-name", required_argument, NULL, 'm'},
						{"output", required_argument, NULL, 'o'},
						{"policies", required_argument, NULL, 'p'},
						{0}};
	struct job job = {0};
	int c;

	while ((c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (c == 'h')
			return usage(true);
		else if (c == 'm')
			job.mesh = optarg;
		else if (c == 'p')
			job.dir = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			job.json = true;
		else
			return usage(false);
	}
	if (optind == argc)
		return usage(false);
	job.verb = argv[optind++];
	job.names = argv + optind;
	job.count = argc - optind;
	if (strcmp(job.verb, "list") == 0 ? job.count != 0 : !is_verb(job.verb) || job.count == 0 || job.json)
		return usage(false);
	if (rf_policies_find(&job.policies, job.dir, job.mesh) < 0)
		return RF_EXIT_USAGE;
	return strcmp(job.verb, "list") == 0 ? list(&job) : change_all(&job);
}
