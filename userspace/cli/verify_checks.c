/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify_checks.h"

#include <stdio.h>
#include <string.h>

static const char *const words[] = {[RF_VERIFY_OK] = "Success", [RF_VERIFY_NOTE] = "Note", [RF_VERIFY_FAILED] = "Failure"};

struct rf_verify_check *rf_verify_add(struct rf_verify *v, unsigned depth, enum rf_verify_status status, const char *context,
				      const char *reason, const char *suggestion)
{
	struct rf_verify_check *c;

	if (v->count == RF_VERIFY_MAX)
		return NULL;
	c = &v->checks[v->count++];
	*c = (struct rf_verify_check){.depth = depth, .status = status};
	snprintf(c->context, sizeof(c->context), "%s", context);
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	snprintf(c->suggestion, sizeof(c->suggestion), "%s", suggestion);
	return c;
}

bool rf_verify_failed(const struct rf_verify *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->checks[i].status == RF_VERIFY_FAILED)
			return true;
	return false;
}

/* Lines of a text, each behind the same indentation. */
static void print_lines(const char *title, unsigned indent, const char *text)
{
	size_t len;

	if (!*text)
		return;
	printf("%*s%s", (int)indent, "", title);
	for (bool first = true; *text; first = false) {
		len = strcspn(text, "\n");
		printf("%*s%.*s\n", first ? 0 : (int)(indent + strlen(title)), "", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void rf_verify_print(const struct rf_verify *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct rf_verify_check *c = &v->checks[i];
		const unsigned indent = 2 * c->depth;

		printf("%*s%s %s\n", (int)indent, "",
		       c->status == RF_VERIFY_FAILED ? "[-]"
		       : c->status == RF_VERIFY_NOTE ? "[i]"
						     : "[+]",
		       c->context);
		printf("%*sStatus: %s\n", (int)indent + 4, "", words[c->status]);
		print_lines("Reason: ", indent + 4, c->reason);
		print_lines("Suggestion: ", indent + 4, c->suggestion);
	}
}

static cJSON *level(const struct rf_verify *v, size_t *at, unsigned depth)
{
	cJSON *list = cJSON_CreateArray();

	while (*at < v->count && v->checks[*at].depth >= depth) {
		const struct rf_verify_check *c = &v->checks[(*at)++];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "context", c->context);
		cJSON_AddStringToObject(o, "status", words[c->status]);
		if (*c->reason)
			cJSON_AddStringToObject(o, "reason", c->reason);
		if (*c->suggestion)
			cJSON_AddStringToObject(o, "suggestion", c->suggestion);
		if (*at < v->count && v->checks[*at].depth > c->depth)
			cJSON_AddItemToObject(o, "checks", level(v, at, c->depth + 1));
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

cJSON *rf_verify_json(const struct rf_verify *v)
{
	cJSON *root = cJSON_CreateObject();
	size_t at = 0;

	cJSON_AddBoolToObject(root, "ok", !rf_verify_failed(v));
	cJSON_AddItemToObject(root, "checks", level(v, &at, 0));
	return root;
}
