/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pod_ref.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"

int rf_pod_ref_parse(const char *text, struct rf_pod_ref *ret)
{
	const char *slash = strchr(text, '/');
	struct rf_pod_ref ref = {.ns = "default"};
	size_t len = slash ? (size_t)(slash - text) : 0;
	const char *name = slash ? slash + 1 : text;

	if (len < sizeof(ref.ns) && strlen(name) < sizeof(ref.name)) {
		if (slash)
			snprintf(ref.ns, sizeof(ref.ns), "%.*s", (int)len, text);
		snprintf(ref.name, sizeof(ref.name), "%s", name);
		if (rf_pod_names_valid(ref.ns, ref.name)) {
			*ret = ref;
			return 0;
		}
	}
	fprintf(stderr, "ringfence: '%s' is not NAMESPACE/NAME of a pod; see: ringfence ps\n", text);
	return -EINVAL;
}

int rf_pod_ref_instance(struct rf_instance *ret)
{
	int r = rf_instance_init(ret, NULL);

	if (r < 0)
		fprintf(stderr, "ringfence: %s; see: ringfence check\n",
			r == -ENOENT ? "no cgroup2 file system is mounted" : "bad $RINGFENCE_INSTANCE or address range");
	else if (geteuid() != 0) {
		fprintf(stderr, "ringfence: this needs root\n  try: sudo ringfence ...\n");
		r = -EPERM;
	}
	return r;
}

int rf_pod_ref_list(const struct rf_instance *instance, cJSON **ret_answer, const cJSON **ret_pods)
{
	cJSON *answer;
	const cJSON *pods;
	int r = rf_client_call(instance, rf_client_request("pods"), &answer);

	if (r < 0)
		return r;
	pods = cJSON_GetObjectItemCaseSensitive(answer, "pods");
	if (!cJSON_IsArray(pods)) {
		cJSON_Delete(answer);
		fprintf(stderr, "ringfence: the agent's answer has no list of pods\n");
		return -EPROTO;
	}
	*ret_answer = answer;
	*ret_pods = pods;
	return 0;
}

const cJSON *rf_pod_ref_find(const cJSON *pods, const struct rf_pod_ref *ref)
{
	const cJSON *pod;

	cJSON_ArrayForEach(pod, pods) if (strcmp(rf_json_text(pod, "ns", ""), ref->ns) == 0 &&
					  strcmp(rf_json_text(pod, "name", ""), ref->name) == 0) return pod;
	return NULL;
}

int rf_pod_ref_remove(const struct rf_instance *instance, const struct rf_pod_ref *ref, bool purge)
{
	_cleanup_json_ cJSON *answer = NULL;
	cJSON *request = rf_client_request("pod.remove");

	if (!cJSON_AddStringToObject(request, "ns", ref->ns) || !cJSON_AddStringToObject(request, "name", ref->name) ||
	    !cJSON_AddBoolToObject(request, "purge", purge)) {
		cJSON_Delete(request);
		return -ENOMEM;
	}
	return rf_client_call(instance, request, &answer);
}

int rf_pod_ref_exit(int r)
{
	return r == -ENOENT ? RF_EXIT_USAGE : RF_EXIT_NO;
}
