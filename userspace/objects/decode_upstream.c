/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/decode_upstream.h"

#include <string.h>

#define COUNT_MAX 4294967295LL

static const char *const units[] = {"second", "minute", "hour", NULL};

static const struct rf_field header_fields[] = {
	RF_FIELD("name", TEXT, RF_REQUIRED),
	RF_FIELD("value", TEXT, RF_REQUIRED),
	RF_END,
};
static const struct rf_field header_item = RF_FIELD(NULL, MAP, .fields = header_fields);

static const struct rf_field http_limit[] = {
	RF_FIELD("requests", INTEGER, .min = 1, .max = COUNT_MAX),
	RF_FIELD("unit", ENUM, .values = units),
	RF_FIELD("burst", INTEGER, .max = COUNT_MAX),
	RF_FIELD("responseStatusCode", INTEGER, .min = 400, .max = 599),
	RF_FIELD("responseHeadersToAdd", LIST, .item = &header_item),
	RF_END,
};
static const struct rf_field tcp_limit[] = {
	RF_FIELD("connections", INTEGER, .min = 1, .max = COUNT_MAX),
	RF_FIELD("unit", ENUM, .values = units),
	RF_FIELD("burst", INTEGER, .max = COUNT_MAX),
	RF_END,
};
static const struct rf_field local_limit[] = {
	RF_FIELD("tcp", MAP, .fields = tcp_limit),
	RF_FIELD("http", MAP, .fields = http_limit),
	RF_END,
};
static const struct rf_field limit_fields[] = {
	RF_FIELD("local", MAP, .fields = local_limit),
	RF_END,
};
static const struct rf_field route_limit[] = {
	RF_FIELD("local", MAP, .fields = http_limit),
	RF_END,
};
static const struct rf_field route_fields[] = {
	RF_FIELD("path", PATTERN, RF_REQUIRED),
	RF_FIELD("rateLimit", MAP, .fields = route_limit),
	RF_END,
};
static const struct rf_field route_item = RF_FIELD(NULL, MAP, .fields = route_fields);

static const struct rf_field tcp_settings[] = {
	RF_FIELD("maxConnections", INTEGER, .max = COUNT_MAX),
	RF_FIELD("connectTimeout", DURATION),
	RF_END,
};
static const struct rf_field http_settings[] = {
	RF_FIELD("maxRequests", INTEGER, .max = COUNT_MAX),
	RF_FIELD("maxRequestsPerConnection", INTEGER, .max = COUNT_MAX),
	RF_FIELD("maxPendingRequests", INTEGER, .max = COUNT_MAX),
	RF_FIELD("maxRetries", INTEGER, .max = COUNT_MAX),
	RF_END,
};
static const struct rf_field connection_fields[] = {
	RF_FIELD("tcp", MAP, .fields = tcp_settings),
	RF_FIELD("http", MAP, .fields = http_settings),
	RF_END,
};
static const struct rf_field upstream_spec[] = {
	RF_FIELD("host", HOST, RF_REQUIRED),
	RF_FIELD("connectionSettings", MAP, .fields = connection_fields),
	RF_FIELD("rateLimit", MAP, .fields = limit_fields),
	RF_FIELD("httpRoutes", LIST, .item = &route_item),
	RF_END,
};

const struct rf_field rf_upstream_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = upstream_spec),
	RF_END,
};

static const char *const source_kinds[] = {"ServiceAccount", NULL};
static const char *const destination_kinds[] = {"Service", NULL};

static const struct rf_field source_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = source_kinds),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL, RF_REQUIRED),
	RF_END,
};
static const struct rf_field destination_fields[] = {
	RF_FIELD("kind", ENUM, RF_REQUIRED, .values = destination_kinds),
	RF_FIELD("name", NAME, RF_REQUIRED),
	RF_FIELD("namespace", LABEL, RF_REQUIRED),
	RF_END,
};
static const struct rf_field destination_item = RF_FIELD(NULL, MAP, .fields = destination_fields);
static const struct rf_field policy_fields[] = {
	RF_FIELD("retryOn", TEXT, RF_REQUIRED),
	RF_FIELD("perTryTimeout", DURATION, RF_REQUIRED),
	RF_FIELD("numRetries", INTEGER, RF_REQUIRED, .max = COUNT_MAX),
	RF_FIELD("retryBackoffBaseInterval", DURATION, RF_REQUIRED),
	RF_END,
};
static const struct rf_field retry_spec[] = {
	RF_FIELD("source", MAP, RF_REQUIRED, .fields = source_fields),
	RF_FIELD("destinations", LIST, RF_REQUIRED, .item = &destination_item),
	RF_FIELD("retryPolicy", MAP, RF_REQUIRED, .fields = policy_fields),
	RF_END,
};

const struct rf_field rf_retry_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = retry_spec),
	RF_END,
};

static bool is_condition(const char *word, size_t len)
{
	/* the retry conditions of the proxy that OSM hands this list to */
	static const char *const words[] = {"5xx",
					    "gateway-error",
					    "reset",
					    "connect-failure",
					    "envoy-ratelimited",
					    "retriable-4xx",
					    "refused-stream",
					    "retriable-status-codes",
					    "retriable-headers",
					    "http3-post-connect-failure",
					    "cancelled",
					    "deadline-exceeded",
					    "internal",
					    "resource-exhausted",
					    "unavailable"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return true;
	}
	return false;
}

int rf_decode_retry(struct rf_decode *d)
{
	const struct rf_node *policy = rf_get(d->root, "spec.retryPolicy");
	const char *on = rf_get_text(policy, "retryOn", "");
	int r = 0;

	while (*on && r == 0) {
		size_t n = strcspn(on, ",");

		if (!is_condition(on, n))
			r = rf_decode_error(d, rf_node_get(policy, "retryOn"), "\"%.*s\" is not a retry condition", (int)(n < 64 ? n : 64),
					    on);
		on += n + (on[n] == ',');
	}
	return r < 0 ? r : rf_decode_plain(d);
}
