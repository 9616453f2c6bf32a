/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence run: the agent makes and hooks the room (pod.create), this process starts the command in it (rf_pod_start) and says so
 * (pod.started). The command runs only in a room that the agent called ready, and a room whose command did not start is removed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pod_ref.h"
#include "pods/cgroup.h"
#include "pods/init.h"
#include "pods/pods.h"

static const char help[] = "usage: ringfence run [-n NAMESPACE] [--service-account NAME] [OPTION...] -- COMMAND [ARGUMENT...]\n\n"
			   "Starts a command as a local pod: own address, network, processes and /tmp, the machine's files read-only.\n"
			   "  -n, --namespace NAMESPACE   (default: default)\n"
			   "      --service-account NAME  who it is for the policies (default: the Deployment's, or \"default\")\n"
			   "      --name NAME             of the pod (default: made up)\n"
			   "      --ip ADDRESS            IPv4, of the pods' range (default: a free one); IPv6 follows\n"
			   "      --deployment [NS/]NAME  labels, service account and environment of this Deployment\n"
			   "  -l, --label KEY=VALUE       may be repeated\n"
			   "      --annotation KEY=VALUE  such as an exclusion list; wins over the Deployment's; may be repeated\n"
			   "  -e, --env KEY=VALUE         may be repeated; the pod gets nothing else of this shell's environment\n"
			   "  -w, --workdir DIR           where the command starts (default: here)\n"
			   "      --net-raw               raw sockets, off by default; the mesh denies ping all the same\n"
			   "  -d, --detach                return when the command runs; its output goes to `ringfence logs`\n"
			   "Without -d: signals are passed on, the exit code is the command's, and the pod is removed when it ends.\n";

struct options {
	const char *ns;
	const char *env[256]; /* the Deployment's first, then --env: the last wins */
	size_t env_count;
	const char *env_option[128];
	size_t env_option_count;
	const char *workdir;
	cJSON *request;
	bool net_raw, detach, help;
};

enum { OPT_ACCOUNT = 256, OPT_NAME, OPT_IP, OPT_DEPLOYMENT, OPT_NET_RAW, OPT_ANNOTATION };

static const struct option long_options[] = {
	{"namespace", required_argument, NULL, 'n'},
	{"service-account", required_argument, NULL, OPT_ACCOUNT},
	{"name", required_argument, NULL, OPT_NAME},
	{"ip", required_argument, NULL, OPT_IP},
	{"deployment", required_argument, NULL, OPT_DEPLOYMENT},
	{"label", required_argument, NULL, 'l'},
	{"annotation", required_argument, NULL, OPT_ANNOTATION},
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"net-raw", no_argument, NULL, OPT_NET_RAW},
	{"detach", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int usage(const char *problem, const char *what)
{
	fprintf(stderr, "ringfence run: %s%s; see: ringfence run --help\n", problem, what);
	return -EINVAL;
}

static int add_text(cJSON *object, const char *field, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, field); /* the last one counts */
	return cJSON_AddStringToObject(object, field, value) ? 0 : -ENOMEM;
}

static int add_pair(cJSON *pairs, const char *what, const char *text)
{
	const char *equals = strchr(text, '=');
	char key[320];

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(key))
		return usage(what, text);
	snprintf(key, sizeof(key), "%.*s", (int)(equals - text), text);
	return add_text(pairs, key, equals + 1);
}

static int add_env(struct options *o, const char *text)
{
	if (strchr(text, '=') == NULL || *text == '=')
		return usage("an environment entry is KEY=VALUE, not ", text);
	if (o->env_option_count == RF_ARRAY_SIZE(o->env_option))
		return usage("too many --env", "");
	o->env_option[o->env_option_count++] = text;
	return 0;
}

static int apply_option(struct options *o, int c, cJSON *labels, cJSON *annotations)
{
	switch (c) {
	case 'n':
		o->ns = optarg;
		return 0;
	case OPT_ACCOUNT:
		return add_text(o->request, "service_account", optarg);
	case OPT_NAME:
		return add_text(o->request, "name", optarg);
	case OPT_IP:
		return add_text(o->request, "ip", optarg);
	case OPT_DEPLOYMENT:
		return add_text(o->request, "deployment", optarg);
	case 'l':
		return add_pair(labels, "a label is KEY=VALUE, not ", optarg);
	case OPT_ANNOTATION:
		return add_pair(annotations, "an annotation is KEY=VALUE, not ", optarg);
	case 'e':
		return add_env(o, optarg);
	case 'w':
		o->workdir = optarg;
		return 0;
	case OPT_NET_RAW:
		o->net_raw = true;
		return 0;
	case 'd':
		o->detach = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	default:
		fputs("see: ringfence run --help\n", stderr); /* getopt has said what */
		return -EINVAL;
	}
}

/* On success argv + optind is the command. */
static int parse(int argc, char **argv, struct options *o)
{
	cJSON *labels = cJSON_AddObjectToObject(o->request, "labels");
	cJSON *annotations = cJSON_AddObjectToObject(o->request, "annotations");
	int c, r = labels && annotations ? 0 : -ENOMEM;

	optind = 1;
	while (r == 0 && !o->help && (c = getopt_long(argc, argv, "+n:l:e:w:dh", long_options, NULL)) != -1)
		r = apply_option(o, c, labels, annotations);
	if (r < 0 || o->help)
		return r;
	if (optind >= argc)
		return usage("no command given", "");
	return add_text(o->request, "ns", o->ns);
}

static int add_variable(struct options *o, const char *text)
{
	if (o->env_count + 1 >= RF_ARRAY_SIZE(o->env))
		return -E2BIG;
	o->env[o->env_count++] = text;
	return 0;
}

/* The Deployment's, as "KEY=VALUE" texts, from the answer (which must live as long as o->env is used). */
static int collect_env(struct options *o, const cJSON *pod)
{
	const cJSON *item;
	int r = 0;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(pod, "env")) if (r == 0) r =
		cJSON_IsString(item) && strchr(item->valuestring, '=') ? add_variable(o, item->valuestring) : -EPROTO;
	for (size_t i = 0; r == 0 && i < o->env_option_count; i++)
		r = add_variable(o, o->env_option[i]);
	if (r < 0)
		fprintf(stderr, "ringfence: the pod's environment is unusable: %s\n", strerror(-r));
	return r;
}

static int tell_started(const struct rf_instance *instance, const struct rf_pod_ref *ref, pid_t pid, bool net_raw, char **command)
{
	_cleanup_json_ cJSON *answer = NULL;
	cJSON *request = rf_client_request("pod.started");
	cJSON *list = cJSON_AddArrayToObject(request, "command");
	bool ok = list && cJSON_AddStringToObject(request, "ns", ref->ns) && cJSON_AddStringToObject(request, "name", ref->name) &&
		  cJSON_AddNumberToObject(request, "pid", pid) && cJSON_AddBoolToObject(request, "net_raw", net_raw);

	for (; ok && *command; command++)
		ok = cJSON_AddItemToArray(list, cJSON_CreateString(*command));
	if (!ok) {
		cJSON_Delete(request);
		return -ENOMEM;
	}
	return rf_client_call(instance, request, &answer);
}

/* The room is there; returns the exit code. */
static int run_in_room(const struct rf_instance *instance, const struct rf_pod_ref *ref, struct options *o, char **command)
{
	const struct rf_pod_process process = {
		.argv = command, .env = o->env, .net_raw = o->net_raw, .detach = o->detach, .workdir = o->workdir};
	struct rf_pod_room room;
	char error[512] = "";
	int status, r;
	pid_t init;

	r = rf_pod_room_find(instance, ref->ns, ref->name, &room);
	if (r < 0) {
		fprintf(stderr, "ringfence: the agent says the pod's room is ready, but it is not there: %s\n", strerror(-r));
		return RF_EXIT_NO;
	}
	r = rf_pod_start(&room, &process, &init, error, sizeof(error));
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", error);
		return r == -ENOENT ? 127 : 126; /* as a shell says it */
	}
	r = tell_started(instance, ref, init, o->net_raw, command);
	if (r < 0) {
		fprintf(stderr, "ringfence: the agent does not know about the pod, so it was ended again\n");
		rf_cgroup_kill(room.cgroup, 5000);
		return RF_EXIT_NO;
	}
	if (o->detach) {
		printf("%s/%s\n", ref->ns, ref->name);
		return RF_EXIT_OK;
	}
	r = rf_init_wait(init, false, &status);
	return r < 0 ? RF_EXIT_NO : rf_init_exit_code(status);
}

static int create_and_run(const struct rf_instance *instance, struct options *o, char **command)
{
	_cleanup_json_ cJSON *answer = NULL;
	struct rf_pod_ref ref;
	const cJSON *pod;
	int r, code;

	rf_init_block(NULL); /* from here on a signal must not leave a room without a pod behind */
	r = rf_client_call(instance, TAKE_PTR(o->request), &answer);
	if (r < 0)
		return rf_pod_ref_exit(r);
	pod = cJSON_GetObjectItemCaseSensitive(answer, "pod");
	snprintf(ref.ns, sizeof(ref.ns), "%s", rf_json_text(pod, "ns", ""));
	snprintf(ref.name, sizeof(ref.name), "%s", rf_json_text(pod, "name", ""));
	if (!rf_pod_names_valid(ref.ns, ref.name)) {
		fprintf(stderr, "ringfence: the agent's answer does not name the pod\n");
		return RF_EXIT_NO;
	}
	code = collect_env(o, pod) < 0 ? RF_EXIT_NO : run_in_room(instance, &ref, o, command);
	if (o->detach && code == RF_EXIT_OK)
		return code;
	r = rf_pod_ref_remove(instance, &ref, true);
	if (r < 0)
		fprintf(stderr, "ringfence: the pod's room could not be removed\n  try: ringfence stop %s/%s\n", ref.ns, ref.name);
	return code;
}

int rf_cmd_run(int argc, char **argv)
{
	struct options o = {.ns = "default", .request = rf_client_request("pod.create")};
	struct rf_instance instance;
	int code = RF_EXIT_USAGE;

	if (!o.request) {
		fprintf(stderr, "ringfence: out of memory\n");
		return RF_EXIT_NO;
	}
	if (parse(argc, argv, &o) == 0) {
		if (o.help) {
			fputs(help, stdout);
			code = RF_EXIT_OK;
		} else if (rf_pod_ref_instance(&instance) == 0) {
			code = create_and_run(&instance, &o, argv + optind);
		}
	}
	cJSON_Delete(o.request);
	return code;
}
