/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence version: of this program, of the agent if one runs, and of the kernel.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <ringfence/tables.h>

#include "cli/client.h"
#include "cli/commands.h"

static const char help[] = "usage: ringfence version [-o json]\n\nVersions of this program, of the agent if one runs, of the kernel and of "
			   "the maps' layout.\n";

static int show(bool json)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject(), *status = NULL;
	struct rf_instance instance;
	struct utsname u = {};
	const char *agent = NULL;
	_cleanup_free_ char *text = NULL;

	(void)uname(&u);
	if (rf_instance_init(&instance, NULL) != -EINVAL && rf_client_exchange(&instance, rf_client_request("status"), &status) == 0)
		agent = rf_json_text(status, "version", NULL);
	if (!json) {
		printf("ringfence %s\nringfenced %s\nkernel %s\nmap layout %d\n", RF_VERSION, agent ? agent : "(not running)", u.release,
		       RF_LAYOUT_VERSION);
		return RF_EXIT_OK;
	}
	cJSON_AddStringToObject(o, "ringfence", RF_VERSION);
	cJSON_AddItemToObject(o, "ringfenced", agent ? cJSON_CreateString(agent) : cJSON_CreateNull());
	cJSON_AddStringToObject(o, "kernel", u.release);
	cJSON_AddNumberToObject(o, "map_layout", RF_LAYOUT_VERSION);
	text = cJSON_Print(o);
	puts(text ? text : "{}");
	return text ? RF_EXIT_OK : RF_EXIT_NO;
}

int rf_cmd_version(int argc, char **argv)
{
	static const struct option longs[] = {{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {}};
	bool json = false;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
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
	return show(json);
}
