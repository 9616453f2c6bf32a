/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence mesh get|set: the MeshConfig of the policy directory. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/policies.h"
#include "core/cleanup.h"
#include "core/json.h"

static const char help[] = "usage: ringfence mesh get [-o json] [--policies DIR]\n"
			   "       ringfence mesh set KEY=true|false... [--policies DIR]\n\n"
			   "  permissive        every pod of the mesh may talk to every other (enablePermissiveTrafficPolicyMode)\n"
			   "  egress            pods of the mesh may talk to the outside (enableEgress)\n"
			   "  strictAuthority   requests must name a Service of the pod they go to, else 404\n"
			   "set edits the MeshConfig of the policy directory, or makes one (osm-mesh-config in osm-system).\n";

static const char template[] = "apiVersion: config.openservicemesh.io/v1alpha2\n"
			       "kind: MeshConfig\n"
			       "metadata:\n"
			       "  name: osm-mesh-config\n"
			       "  namespace: osm-system\n"
			       "spec:\n"
			       "  traffic:\n"
			       "    enablePermissiveTrafficPolicyMode: false\n"
			       "    enableEgress: false\n";

static const struct key {
	const char *name;
	const char *field; /* of spec.traffic */
} keys[] = {
	{"permissive", "enablePermissiveTrafficPolicyMode"},
	{"egress", "enableEgress"},
	{"strictAuthority", "strictAuthority"},
};

struct job {
	struct rf_policies policies;
	const char *dir;
	bool json;
	bool created;
	struct rf_meta meta;
	enum rf_edit_result result;
};

static const struct key *find_key(const char *word, size_t len)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(keys); i++) {
		if ((strlen(keys[i].name) == len && memcmp(keys[i].name, word, len) == 0) ||
		    (strlen(keys[i].field) == len && memcmp(keys[i].field, word, len) == 0))
			return &keys[i];
	}
	return NULL;
}

/* "permissive=true" */
static const struct key *parse_word(const char *word, const char **ret_value)
{
	const char *equals = strchr(word, '=');
	const struct key *key = equals ? find_key(word, (size_t)(equals - word)) : NULL;

	if (!key)
		fprintf(stderr, "ringfence: \"%s\" is not permissive=, egress= or strictAuthority=\n", word);
	else if (strcmp(equals + 1, "true") != 0 && strcmp(equals + 1, "false") != 0)
		fprintf(stderr, "ringfence: %s must be true or false, not \"%s\"\n", key->name, equals + 1);
	else
		*ret_value = equals + 1;
	return key && *ret_value ? key : NULL;
}

static void report(void *arg)
{
	const struct job *job = arg;

	printf("meshconfig %s/%s %s\n", job->meta.ns, job->meta.name,
	       job->created                        ? "created"
	       : job->result == RF_EDIT_CONFIGURED ? "configured"
						   : "unchanged");
}

static int find_or_create(struct job *job, struct rf_edit *edit)
{
	struct rf_mesh_config c = rf_objects_mesh_config(edit->objects);

	job->meta = c.meta;
	if (edit->objects->mesh_configs_count > 0)
		return 0;
	job->created = true;
	return rf_edit_create(edit, &job->meta, template, sizeof(template) - 1, false);
}

/* Strings of the meta are the arena's of edit->objects, which every edit replaces. */
static void fix_meta(struct job *job, const struct rf_edit *edit)
{
	job->meta = rf_objects_mesh_config(edit->objects).meta;
}

static int set_words(struct job *job, struct rf_edit *edit, char **words, int count)
{
	int r = find_or_create(job, edit);

	for (int i = 0; i < count && r == 0; i++) {
		enum rf_edit_result result = RF_EDIT_UNCHANGED;
		const char *value = NULL;
		const struct key *key = parse_word(words[i], &value);
		const char *const path[] = {"spec", "traffic", key ? key->field : "", NULL};

		r = key ? rf_edit_set(edit, &job->meta, path, value, RF_VALUE_BOOL, &result) : -ECANCELED;
		if (r == 0)
			fix_meta(job, edit);
		if (result == RF_EDIT_CONFIGURED)
			job->result = result;
	}
	return r;
}

static int set(struct job *job, char **words, int count)
{
	RF_CLEANUP(rf_edit_closep) struct rf_edit *edit = NULL;
	char ns[64], name[254];
	const char *ignored = NULL;
	int r;

	for (int i = 0; i < count; i++, ignored = NULL) {
		if (!parse_word(words[i], &ignored))
			return RF_EXIT_USAGE;
	}
	if (rf_policies_edit(&job->policies, &edit) < 0)
		return RF_EXIT_NO;
	r = set_words(job, edit, words, count);
	if (r < 0)
		return rf_policies_fail(&job->policies, edit, r);
	snprintf(ns, sizeof(ns), "%s", job->meta.ns); /* the report comes after the edit is closed */
	snprintf(name, sizeof(name), "%s", job->meta.name);
	job->meta.ns = ns;
	job->meta.name = name;
	return rf_policies_commit_exit(&job->policies, &edit, report, job);
}

static int get_json(const struct job *job, const struct rf_mesh_config *c)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;

	cJSON_AddStringToObject(root, "mesh", job->policies.mesh);
	cJSON_AddBoolToObject(root, "permissive", c->permissive);
	cJSON_AddBoolToObject(root, "egress", c->egress);
	cJSON_AddBoolToObject(root, "strictAuthority", c->strict_authority);
	cJSON_AddStringToObject(root, "file", c->meta.place.file);
	text = cJSON_Print(root);
	if (!text)
		return RF_EXIT_NO;
	puts(text);
	return RF_EXIT_OK;
}

static int get(struct job *job)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *o = NULL;
	struct rf_mesh_config c;

	if (rf_objects_new(&o) < 0 || rf_policies_read(o, (char *[]){job->policies.dir}, 1, false) != RF_EXIT_OK)
		return RF_EXIT_NO;
	c = rf_objects_mesh_config(o);
	if (job->json)
		return get_json(job, &c);
	printf("KEY              VALUE\n");
	printf("permissive       %s\n", c.permissive ? "true" : "false");
	printf("egress           %s\n", c.egress ? "true" : "false");
	printf("strictAuthority  %s\n", c.strict_authority ? "true" : "false");
	if (o->mesh_configs_count > 0)
		printf("from %s:%u (MeshConfig %s/%s)\n", c.meta.place.file, c.meta.place.line, c.meta.ns, c.meta.name);
	else
		printf("the defaults: there is no MeshConfig in %s\n", job->policies.dir);
	return RF_EXIT_OK;
}

static int usage(bool asked)
{
	fputs(help, asked ? stdout : stderr);
	return asked ? RF_EXIT_OK : RF_EXIT_USAGE;
}

int rf_cmd_mesh(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"output", required_argument, NULL, 'o'},
						{"policies", required_argument, NULL, 'p'},
						{0}};
	struct job job = {0};
	const char *verb;
	bool is_get;
	int c;

	while ((c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (c == 'h')
			return usage(true);
		else if (c == 'p')
			job.dir = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			job.json = true;
		else
			return usage(false);
	}
	verb = optind < argc ? argv[optind++] : "";
	is_get = strcmp(verb, "get") == 0;
	if (is_get ? optind < argc : strcmp(verb, "set") != 0 || optind == argc || job.json)
		return usage(false);
	if (rf_policies_find(&job.policies, job.dir, NULL) < 0)
		return RF_EXIT_USAGE;
	return is_get ? get(&job) : set(&job, argv + optind, argc - optind);
}
