/* SPDX-License-Identifier: Apache-2.0 */
/* pod.json: what the next agent must know about a pod and cannot ask the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/registry.h"
#include "core/address_text.h"
#include "pods/names.h"

#define RECORD_VERSION 1
#define RECORD_MAX     (1024 * 1024)

static void add_pairs(cJSON *o, const char *field, const struct rf_pair_text *pairs, size_t count)
{
	cJSON *map = cJSON_AddObjectToObject(o, field);

	for (size_t i = 0; i < count; i++)
		cJSON_AddStringToObject(map, pairs[i].key, pairs[i].value);
}

static cJSON *record_of(const struct rf_local_pod *pod)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	uint64_t created_s = pod->created_ns / 1000000000, exited_s = pod->exited_ns / 1000000000;
	struct rf_addr addr4 = rf_addr4(pod->addr_be);
	char address[RF_ADDR_TEXT_MAX];

	cJSON_AddNumberToObject(o, "version", RECORD_VERSION);
	cJSON_AddStringToObject(o, "ns", pod->ns);
	cJSON_AddStringToObject(o, "name", pod->name);
	cJSON_AddStringToObject(o, "service_account", pod->service_account);
	cJSON_AddStringToObject(o, "deployment", pod->deployment);
	cJSON_AddStringToObject(o, "address", rf_addr_text(&addr4, address, sizeof(address)));
	if (!rf_addr_is_none(&pod->addr6))
		cJSON_AddStringToObject(o, "address6", rf_addr_text(&pod->addr6, address, sizeof(address)));
	cJSON_AddStringToObject(o, "state", rf_pod_state_name(pod->state));
	cJSON_AddNumberToObject(o, "pid", pod->pid);
	cJSON_AddBoolToObject(o, "net_raw", pod->net_raw);
	cJSON_AddNumberToObject(o, "created", (double)created_s);
	cJSON_AddNumberToObject(o, "exited", (double)exited_s);
	add_pairs(o, "labels", pod->labels, pod->label_count);
	add_pairs(o, "annotations", pod->annotations, pod->annotation_count);
	if (pod->command && !cJSON_AddItemToObject(o, "command", cJSON_Duplicate(pod->command, true)))
		return NULL;
	if (pod->env && !cJSON_AddItemToObject(o, "env", cJSON_Duplicate(pod->env, true)))
		return NULL;
	return TAKE_PTR(o);
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int rf_local_pod_save(const struct rf_local_pod *pod)
{
	_cleanup_json_ cJSON *record = record_of(pod);
	_cleanup_free_ char *text = record ? cJSON_Print(record) : NULL;
	char path[PATH_MAX], fresh[PATH_MAX];
	int r;

	if (!text)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s/pod.json", pod->room.dir) >= (int)sizeof(path) ||
	    snprintf(fresh, sizeof(fresh), "%s/.pod.json", pod->room.dir) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	/* A room that ended without a log took its directory along; the record outlives it until the pod is removed. */
	if (mkdir(pod->room.dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = write_file(fresh, text);
	if (r < 0)
		return r;
	return rename(fresh, path) < 0 ? -errno : 0;
}

static int read_record(const char *path, cJSON **ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = malloc(RECORD_MAX);
	size_t len;

	if (!f)
		return -errno;
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, RECORD_MAX, f);
	if (ferror(f))
		return -EIO;
	*ret = cJSON_ParseWithLength(text, len);
	return *ret ? 0 : -EBADMSG;
}

/* A record of an agent that knew no such field has none of them. */
static int load_pairs(struct rf_local_pod *pod, const cJSON *record, const char *field,
		      int (*set)(struct rf_local_pod *pod, const struct rf_pair_text *pairs, size_t count))
{
	const cJSON *map = cJSON_GetObjectItemCaseSensitive(record, field), *item;
	_cleanup_free_ struct rf_pair_text *pairs = calloc((size_t)cJSON_GetArraySize(map) + 1, sizeof(*pairs));
	size_t n = 0;

	if (!pairs)
		return -ENOMEM;
	cJSON_ArrayForEach(item, map) if (cJSON_IsString(item)) pairs[n++] =
		(struct rf_pair_text){.key = item->string, .value = item->valuestring};
	return set(pod, pairs, n);
}

static int fill(struct rf_local_pod *pod, cJSON *record)
{
	const char *state = rf_json_text(record, "state", ""), *deployment = rf_json_text(record, "deployment", "");
	const char *text6 = rf_json_text(record, "address6", NULL); /* pods without IPv6 have none */
	struct rf_addr addr4;

	if (rf_addr_parse(rf_json_text(record, "address", ""), &addr4) < 0 || !rf_addr_is4(&addr4) ||
	    (text6 && (rf_addr_parse(text6, &pod->addr6) < 0 || rf_addr_is4(&pod->addr6))) || strlen(deployment) >= sizeof(pod->deployment))
		return -EBADMSG;
	pod->addr_be = addr4.be[3];
	snprintf(pod->deployment, sizeof(pod->deployment), "%s", deployment);
	pod->state = strcmp(state, "created") == 0 ? RF_POD_CREATED : (strcmp(state, "running") == 0 ? RF_POD_RUNNING : RF_POD_EXITED);
	pod->pid = (pid_t)rf_json_number(record, "pid", 0);
	pod->net_raw = rf_json_bool(record, "net_raw", false);
	pod->created_ns = (uint64_t)rf_json_number(record, "created", 0) * 1000000000;
	pod->exited_ns = (uint64_t)rf_json_number(record, "exited", 0) * 1000000000;
	pod->command = cJSON_DetachItemFromObjectCaseSensitive(record, "command");
	pod->env = cJSON_DetachItemFromObjectCaseSensitive(record, "env");
	if (load_pairs(pod, record, "labels", rf_local_pod_set_labels) < 0)
		return -ENOMEM;
	return load_pairs(pod, record, "annotations", rf_local_pod_set_annotations);
}

int rf_local_pod_load(const char *path, struct rf_local_pod **ret)
{
	_cleanup_json_ cJSON *record = NULL;
	RF_CLEANUP(rf_local_pod_freep) struct rf_local_pod *pod = NULL;
	const char *ns, *name, *account;
	int r;

	r = read_record(path, &record);
	if (r < 0)
		return r;
	ns = rf_json_text(record, "ns", "");
	name = rf_json_text(record, "name", "");
	account = rf_json_text(record, "service_account", "");
	if (rf_json_number(record, "version", 0) != RECORD_VERSION || !rf_pod_names_valid(ns, name) || !*account)
		return -EBADMSG;
	r = rf_local_pod_new(ns, name, account, &pod);
	if (r == 0)
		r = fill(pod, record);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pod);
	return 0;
}
