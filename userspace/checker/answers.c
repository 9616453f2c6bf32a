/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct answer {
	unsigned int status;
	const char *reason;
	const char *body; /* "" = empty */
};

static const struct answer answers[] = {
	{400, "Bad Request", "ringfence: this request cannot be judged safely\n"},
	{403, "Forbidden", "RBAC: access denied"},
	{404, "Not Found", ""},
	{405, "Method Not Allowed", "ringfence: CONNECT is not supported\n"},
	{408, "Request Timeout", "ringfence: the request head took too long\n"},
	{414, "URI Too Long", "ringfence: the request target is too long\n"},
	{417, "Expectation Failed", "ringfence: only Expect: 100-continue is supported\n"},
	{431, "Request Header Fields Too Large", "ringfence: the request head is too large\n"},
	{502, "Bad Gateway", "ringfence: the response of the destination cannot be relayed safely\n"},
	{503, "Service Unavailable", "ringfence: the destination cannot be reached\n"},
	{505, "HTTP Version Not Supported", "ringfence: only HTTP/1.0 and HTTP/1.1 are supported here\n"},
};

static const struct answer *find(unsigned int status)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].status == status)
			return &answers[i];
	return &answers[0];
}

int rf_answer(unsigned int status, bool is_head, enum rf_answer_end end, char *out, size_t size)
{
	static const char *const connection[] = {
		[RF_ANSWER_CLOSE] = "Connection: close\r\n",
		[RF_ANSWER_KEEP] = "",
		[RF_ANSWER_KEEP_HTTP10] = "Connection: keep-alive\r\n",
	};
	const struct answer *a = find(status);
	int n = snprintf(out, size, "HTTP/1.1 %u %s\r\n%sContent-Length: %zu\r\n%s\r\n%s", a->status, a->reason,
			 *a->body ? "Content-Type: text/plain\r\n" : "", strlen(a->body), connection[end], is_head ? "" : a->body);

	return n < 0 || (size_t)n >= size ? -ENOBUFS : n;
}
