/* SPDX-License-Identifier: Apache-2.0 */
#include "re2.h"

#include <re2/re2.h>
#include <string_view>

struct re2_pattern {
	RE2 re;
};

/* Where RE2 gives up because of memory there is nothing to compare: it gets more than its default of 8 MiB. */
static constexpr int64_t memory = 256 << 20;

static RE2::Options options()
{
	RE2::Options o;

	o.set_log_errors(false);
	o.set_max_mem(memory);
	return o;
}

enum re2_answer re2_new(const char *pattern, size_t len, struct re2_pattern **ret)
{
	auto p = new re2_pattern{RE2(std::string_view(pattern, len), options())};

	*ret = p;
	if (p->re.ok())
		return RE2_OK;
	return p->re.error_code() == RE2::ErrorPatternTooLarge ? RE2_TOO_LARGE : RE2_REFUSED;
}

void re2_free(struct re2_pattern *pattern)
{
	delete pattern;
}

const char *re2_error(const struct re2_pattern *pattern)
{
	return pattern->re.error().c_str();
}

bool re2_full_match(const struct re2_pattern *pattern, const char *subject, size_t len)
{
	return RE2::FullMatch(std::string_view(subject, len), pattern->re);
}
