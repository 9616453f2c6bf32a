/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_labels.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#define RECORD_MAX (1024 * 1024)

static const char *keep(struct rf_why_labels *l, size_t *used, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *at = l->texts + *used;

	if (size > sizeof(l->texts) - *used || strchr(text, '\''))
		return NULL;
	memcpy(at, text, size);
	*used += size;
	return at;
}

int rf_why_labels_read(const struct rf_instance *instance, const char *pod, struct rf_why_labels *ret)
{
	_cleanup_free_ char *text = malloc(RECORD_MAX);
	_cleanup_json_ cJSON *record = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX + 300];
	const cJSON *label;
	size_t used = 0;

	snprintf(path, sizeof(path), "%s/pods/%.*s_%s/pod.json", instance->run_dir, (int)strcspn(pod, "/"), pod,
		 pod + strcspn(pod, "/") + 1);
	f = text ? fopen(path, "re") : NULL;
	if (!f)
		return text ? -errno : -ENOMEM;
	record = cJSON_ParseWithLength(text, fread(text, 1, RECORD_MAX, f));
	if (!record)
		return -EBADMSG;
	ret->count = 0;
	cJSON_ArrayForEach(label, cJSON_GetObjectItemCaseSensitive(record, "labels"))
	{
		struct rf_why_label l = {};

		if (ret->count == RF_WHY_LABELS_MAX || !cJSON_IsString(label))
			continue;
		l.key = keep(ret, &used, label->string);
		l.value = l.key ? keep(ret, &used, label->valuestring) : NULL;
		if (l.value)
			ret->items[ret->count++] = l;
	}
	return 0;
}
