/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reason_text.h"

#include <stddef.h>

#include <ringfence/reason.h>

#include "core/cleanup.h"

static const struct {
	uint32_t number;
	const char *name;
	const char *text;
} reasons[] = {
#define ROW(sym, num, name, text) {(num), (name), (text)},
	RF_REASONS(ROW)
#undef ROW
};

const char *rf_reason_name(uint32_t reason)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(reasons); i++)
		if (reasons[i].number == reason)
			return reasons[i].name;
	return "unknown";
}

const char *rf_reason_text(uint32_t reason)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(reasons); i++)
		if (reasons[i].number == reason)
			return reasons[i].text;
	return "a reason that this version does not know";
}
