/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence validate: policy files, offline. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/policies.h"
#include "core/cleanup.h"
#include "core/json.h"

static const char help[] =
	"usage: ringfence validate [-o json] FILE|DIR...\n\n"
	"Checks policy files (*.yaml *.yml *.json; a directory's own files, \"-\" is stdin) as one set, without an agent.\n"
	"Problems are printed as file:line:column: error: message. Exit code 1 if there is an error; warnings name\n"
	"what is accepted but admits nothing or is not enforced yet.\n";

static cJSON *diag_json(const struct rf_diag *d)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "severity", d->is_error ? "error" : "warning");
	cJSON_AddStringToObject(item, "file", d->place.file ? d->place.file : "");
	cJSON_AddNumberToObject(item, "line", d->place.line);
	cJSON_AddNumberToObject(item, "column", d->place.column);
	cJSON_AddStringToObject(item, "text", d->text);
	return item;
}

static int print_json(const struct rf_objects *objects)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	cJSON *list = cJSON_AddArrayToObject(root, "diags");

	cJSON_AddBoolToObject(root, "valid", objects->diags.error_count == 0);
	cJSON_AddNumberToObject(root, "objects", (double)objects->all_count);
	for (size_t i = 0; i < objects->diags.count; i++)
		cJSON_AddItemToArray(list, diag_json(&objects->diags.items[i]));
	text = cJSON_Print(root);
	if (!text)
		return RF_EXIT_NO;
	puts(text);
	return objects->diags.error_count ? RF_EXIT_NO : RF_EXIT_OK;
}

static int validate(char *const *paths, size_t count, bool json)
{
	RF_CLEANUP(rf_objects_freep) struct rf_objects *objects = NULL;
	size_t warnings;
	int code;

	if (rf_objects_new(&objects) < 0)
		return RF_EXIT_NO;
	code = rf_policies_read(objects, paths, count, true);
	if (json)
		return print_json(objects) == RF_EXIT_OK ? code : RF_EXIT_NO;
	warnings = objects->diags.count - objects->diags.error_count;
	if (code == RF_EXIT_OK)
		printf("%zu object%s valid, %zu warning%s\n", objects->all_count, objects->all_count == 1 ? "" : "s", warnings,
		       warnings == 1 ? "" : "s");
	return code;
}

int rf_cmd_validate(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {"output", required_argument, NULL, 'o'}, {0}};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c != 'o' || strcmp(optarg, "json") != 0) {
			fputs(help, stderr);
			return RF_EXIT_USAGE;
		}
		json = true;
	}
	if (optind == argc) {
		fputs(help, stderr);
		return RF_EXIT_USAGE;
	}
	return validate(argv + optind, (size_t)(argc - optind), json);
}
