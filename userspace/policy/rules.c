/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/compile.h"

#define PLACE_MAX 120 /* of RF_RULE_TEXT_MAX: a long path loses its beginning, a long name its end, "file:line" is always there */

static void place_text(struct rf_place at, char *ret, size_t size)
{
	char line[16];
	size_t len, keep;

	if (!at.line) { /* a running pod's own annotation stands in no file */
		snprintf(ret, size, " (annotation)");
		return;
	}
	snprintf(line, sizeof(line), "%u", at.line);
	len = strlen(at.file);
	keep = size - strlen(line) - sizeof(" (...:)");
	if (len > keep)
		snprintf(ret, size, " (...%s:%s)", at.file + len - keep, line);
	else
		snprintf(ret, size, " (%s:%s)", at.file, line);
}

int rf_rule_add(struct rf_compile *c, const struct rf_meta *meta, const char *part, struct rf_place at, uint32_t *ret)
{
	struct rf_policy *p = c->policy;
	char place[PLACE_MAX], name[512];
	struct rf_rule *rule;
	int r = rf_capacity(c, "rule texts", p->rule_count + 1, RF_RULES_MAX);

	if (r)
		return r;
	rule = RF_ARENA_PUSH(p->arena, p->rules, p->rule_count);
	if (!rule)
		return -ENOMEM;
	place_text(at, place, sizeof(place));
	snprintf(name, sizeof(name), "%s %s/%s%s%s", meta->kind, meta->ns, meta->name, part ? " " : "", part ? part : "");
	snprintf(rule->text, sizeof(rule->text), "%.*s%s", (int)(sizeof(rule->text) - strlen(place) - 1), name, place);
	*ret = (uint32_t)(p->rule_count - 1);
	return 0;
}
