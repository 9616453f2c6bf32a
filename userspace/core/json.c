/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <errno.h>

const char *rf_json_text(const cJSON *object, const char *field, const char *fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsString(item) && item->valuestring ? item->valuestring : fallback;
}

double rf_json_number(const cJSON *object, const char *field, double fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

bool rf_json_bool(const cJSON *object, const char *field, bool fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

int rf_json_int(const cJSON *object, const char *field, int64_t min, int64_t max, int64_t *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);

	if (!item)
		return 0;
	if (!cJSON_IsNumber(item) || item->valuedouble < (double)min || item->valuedouble > (double)max)
		return -EINVAL;
	if (item->valuedouble != (double)(int64_t)item->valuedouble)
		return -EINVAL;
	*ret = (int64_t)item->valuedouble;
	return 0;
}
