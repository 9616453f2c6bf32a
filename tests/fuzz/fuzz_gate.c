/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker's judgement over arbitrary bytes, as requests and as responses. Beyond not crashing it must hold that
 * - how the bytes are cut into segments changes nothing,
 * - an accepted head has one Host at most, one length, one line end, and every line of it is a field of the request,
 * - a head without its h2c upgrade is accepted again, is no longer than before and has none.
 */
#include <stdint.h>
#include <stdlib.h>

/* clang-format off: each is one module with its own static names */
#include "checker/chunk.c"
#include "checker/gate.c"
#include "checker/head.c"
#define start framing_start
#include "checker/framing.c"
#undef start
/* clang-format on */

#define REQUIRE(condition)                                                                                                                 \
	do {                                                                                                                               \
		if (!(condition))                                                                                                          \
			abort();                                                                                                           \
	} while (0)

struct outcome {
	int scan;
	size_t head;
	unsigned int status;
	int framing;
	size_t whole;
	bool complete;
};

static void body(struct rf_framing *framing, const char *data, size_t len, size_t step, struct outcome *o)
{
	o->whole = o->head;
	while (o->framing == 0 && o->whole < len && !framing->complete) {
		size_t n = len - o->whole < step ? len - o->whole : step;
		ssize_t r = rf_framing_feed(framing, data + o->whole, n);

		if (r < 0)
			o->framing = -EBADMSG;
		else
			o->whole += (size_t)r;
	}
	o->complete = o->framing == 0 && framing->complete;
	if (o->framing) /* the exact place of a fault depends on the cuts, that there is one does not */
		o->whole = 0;
}

static struct outcome judge(const char *data, size_t len, size_t step, bool response)
{
	struct outcome o = {0};
	struct rf_framing framing;
	struct rf_request request;
	struct rf_response answer;

	for (size_t seen = 0; o.scan == 0 && seen < len;) {
		seen = len - seen < step ? len : seen + step;
		o.scan = rf_head_scan(data, seen, &o.head);
	}
	if (o.scan <= 0) {
		o.head = 0;
		return o;
	}
	o.status = response ? (rf_gate_response(data, o.head, false, &answer) < 0) : rf_gate_request(data, o.head, &request);
	if (o.status)
		return o;
	o.framing = response ? rf_framing_response(&framing, &answer, data, o.head) : rf_framing_request(&framing, &request, data, o.head);
	body(&framing, data, len, step, &o);
	return o;
}

static void check_head(const char *data, size_t size, bool response)
{
	static struct rf_head head;
	size_t hosts = 0, lengths = 0, newlines = 0;

	REQUIRE(rf_head_index(data, size, &head) == 0);
	for (size_t i = 0; i < head.count; i++) {
		hosts += rf_text_is(head.lines[i].name, "host");
		lengths += rf_text_is(head.lines[i].name, "content-length") || rf_text_is(head.lines[i].name, "transfer-encoding");
	}
	for (size_t i = 0; i < size; i++)
		newlines += data[i] == '\n';
	REQUIRE((response || hosts <= 1) && lengths <= 1 && newlines == head.count + 2 && !memchr(data, '\0', size));
}

/* What conditions are asked about is what is forwarded. */
static void check_fields(const char *data, size_t size)
{
	static struct rf_head head;
	static struct rf_request request;
	struct rf_text host = {0};

	REQUIRE(rf_head_index(data, size, &head) == 0 && rf_gate_request(data, size, &request) == 0);
	REQUIRE(request.field_count == head.count);
	for (size_t i = 0; i < head.count; i++) {
		REQUIRE(request.fields[i].name == head.lines[i].name.data && request.fields[i].name_len == head.lines[i].name.len);
		REQUIRE(request.fields[i].value == head.lines[i].value.data && request.fields[i].value_len == head.lines[i].value.len);
		if (rf_text_is(head.lines[i].name, "host"))
			host = head.lines[i].value;
	}
	REQUIRE(request.authority.data == host.data && request.authority.len == host.len);
}

static void check_strip(const char *data, size_t size)
{
	struct rf_request before, after;
	char *out = malloc(size);
	size_t n;

	REQUIRE(out && rf_gate_request(data, size, &before) == 0);
	n = rf_gate_strip_h2c(data, size, out);
	REQUIRE(n > 0 && n <= size && rf_gate_request(out, n, &after) == 0 && !after.h2c);
	REQUIRE(before.h2c || (n == size && memcmp(out, data, n) == 0));
	REQUIRE(before.body == after.body && before.length == after.length && before.upgrade == after.upgrade);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *data = (const char *)bytes;

	for (int response = 0; response < 2; response++) {
		struct outcome whole = judge(data, len, len + 1, response), one = judge(data, len, 1, response);

		REQUIRE(whole.scan == one.scan && whole.head == one.head && whole.status == one.status);
		REQUIRE(whole.framing == one.framing && whole.whole == one.whole && whole.complete == one.complete);
		if (whole.scan > 0 && !whole.status) {
			check_head(data, whole.head, response);
			if (!response)
				check_fields(data, whole.head);
			if (!response)
				check_strip(data, whole.head);
		}
	}
	return 0;
}
