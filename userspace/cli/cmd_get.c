/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence get: the objects of the policy directory. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/get_table.h"
#include "cli/object_json.h"
#include "cli/policies.h"
#include "core/arena.h"

static const char help[] = "usage: ringfence get KIND [NAME] [-n NAMESPACE] [-o json|yaml] [--policies DIR]\n\n"
			   "Lists the objects of one kind in the policy directory, of all namespaces unless -n names one.\n"
			   "-o yaml prints them as they are written, comments included; -o json prints a List.\n"
			   "  -n, --namespace NAMESPACE  only of this namespace\n"
			   "  -A, --all-namespaces       of all, which is the default\n"
			   "      --policies DIR         the policy directory (default: $RINGFENCE_POLICIES, or the agent's)\nKinds:\n";

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML };

struct job {
	struct rf_policies policies;
	struct rf_get_query query;
	enum format format;
	const char *dir;
};

static int usage(bool asked)
{
	const struct rf_kind_name *k;
	FILE *f = asked ? stdout : stderr;

	fputs(help, f);
	for (unsigned i = 0; (k = rf_kind_at(i)); i++)
		fprintf(f, "  %s%s%s\n", k->plural, k->shorter ? ", " : "", k->shorter ? k->shorter : "");
	return asked ? RF_EXIT_OK : RF_EXIT_USAGE;
}

static int print_json(const struct job *job, size_t *ret_count)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	cJSON *items;
	size_t count = 0;

	cJSON_AddStringToObject(root, "apiVersion", "v1");
	cJSON_AddStringToObject(root, "kind", "List");
	items = cJSON_AddArrayToObject(root, "items");
	for (size_t i = 0; i < job->query.objects->all_count; i++) {
		const struct rf_object_ref *ref = &job->query.objects->all[i];
		cJSON *item;

		if (!rf_get_matches(&job->query, &ref->meta))
			continue;
		item = rf_object_json(ref->node);
		if (!item || !cJSON_AddItemToArray(items, item))
			return -ENOMEM;
		count++;
	}
	text = cJSON_Print(job->query.name && count == 1 ? items->child : root); /* one by name: the object itself, as kubectl */
	if (!text)
		return -ENOMEM;
	if (count > 0 || !job->query.name)
		puts(text);
	*ret_count = count;
	return 0;
}

static int print_yaml(const struct job *job, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < job->query.objects->all_count; i++) {
		const struct rf_object_ref *ref = &job->query.objects->all[i];
		const char *text;

		if (!rf_get_matches(&job->query, &ref->meta))
			continue;
		text = rf_splice_document(job->query.objects->arena, ref->node, ref->in_list, ref->meta.text_start, ref->meta.text_end);
		if (!text)
			return -ENOMEM;
		printf("%s%s", count++ ? "---\n" : "", text);
	}
	*ret_count = count;
	return 0;
}

static int nothing(const struct job *job)
{
	if (job->query.name) {
		fprintf(stderr, "ringfence: %s %s not found in %s\n", job->query.kind->kind, job->query.name, job->policies.dir);
		return RF_EXIT_NO;
	}
	if (job->format == FORMAT_TABLE)
		fprintf(stderr, "no %s in %s\n", job->query.kind->plural, job->policies.dir);
	return RF_EXIT_OK;
}

static int get(struct job *job)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	_cleanup_json_ cJSON *services = NULL;
	size_t count = 0;
	int r;

	if (rf_objects_new(&objects) < 0 || rf_policies_read(objects, (char *[]){job->policies.dir}, 1, false) != RF_EXIT_OK)
		return RF_EXIT_NO;
	job->query.objects = objects;
	/* addresses are given out by the agent; without one the column stays empty */
	if (job->policies.agent && strcmp(job->query.kind->kind, "Service") == 0 &&
	    rf_client_exchange(&job->policies.instance, rf_client_request("services"), &services) == 0)
		job->query.services = services;
	if (job->format == FORMAT_TABLE)
		r = rf_get_table(&job->query, &count);
	else
		r = job->format == FORMAT_JSON ? print_json(job, &count) : print_yaml(job, &count);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", strerror(-r));
		return RF_EXIT_NO;
	}
	return count > 0 ? RF_EXIT_OK : nothing(job);
}

static int parse_format(const char *word, enum format *ret)
{
	if (strcmp(word, "json") == 0)
		*ret = FORMAT_JSON;
	else if (strcmp(word, "yaml") == 0)
		*ret = FORMAT_YAML;
	else
		return -EINVAL;
	return 0;
}

int rf_cmd_get(int argc, char **argv)
{
	static const struct option options[] = {{"all-namespaces", no_argument, NULL, 'A'},  {"help", no_argument, NULL, 'h'},
						{"namespace", required_argument, NULL, 'n'}, {"output", required_argument, NULL, 'o'},
						{"policies", required_argument, NULL, 'p'},  {0}};
	struct job job = {0};
	int c;

	while ((c = getopt_long(argc, argv, "Ahn:o:", options, NULL)) != -1) {
		if (c == 'h')
			return usage(true);
		else if (c == 'n')
			job.query.ns = optarg;
		else if (c == 'p')
			job.dir = optarg;
		else if (c != 'A' && (c != 'o' || parse_format(optarg, &job.format) < 0))
			return usage(false);
	}
	if (optind == argc || argc - optind > 2)
		return usage(false);
	job.query.kind = rf_kind_find(argv[optind]);
	job.query.name = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (!job.query.kind) {
		fprintf(stderr, "ringfence: \"%s\" is not a kind of object; `ringfence get --help` lists them\n", argv[optind]);
		return RF_EXIT_USAGE;
	}
	if (rf_policies_find(&job.policies, job.dir, NULL) < 0)
		return RF_EXIT_USAGE;
	return get(&job);
}
