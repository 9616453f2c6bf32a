/* SPDX-License-Identifier: Apache-2.0 */
/* A small routes blob laid out by hand, and questions to it. Every test of decisions over blobs includes this one. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "core/cleanup.h"

enum { OTHER = 5, BUYER = 10, THIEF = 20, WATCHED = 25, STORE = 100, DB = 200, STAGE = 250, NOBODY = 300, INTERNET = 400 };
enum {
	RULE_BUY = 1,
	RULE_STEAL,
	RULE_BUYER_PAIR,
	RULE_THIEF_PAIR,
	RULE_DB,
	RULE_PUBLIC,
	RULE_DENY,
	RULE_EMPTY,
	RULE_SHARED,
	RULE_PHONE,
	RULE_NAMED,
	RULE_HTTP,
	RULE_HTTPS,
	RULE_STAGE
};

/* The atoms of STORE: 0 buy (buyer and thief), 1 steal (thief), 2 public (buyer), 3 a part of steal (buyer), 4 to 8 with conditions. */
static const char *const get[] = {"GET"};
static const char *const android[] = {".*Android.*"}, *const letters[] = {"[a-z]+"}, *const any[] = {".*"},
			 *const names[] = {"shop[.]example(:80)?"}, *const one_or_two[] = {"one", "two"};
static const struct rf_route_condition phone[] = {{.kind = RF_COND_HEADER, .name = "User-Agent", .patterns = android, .pattern_count = 1}},
				       both[] = {{.kind = RF_COND_HEADER, .name = "x-a", .patterns = letters, .pattern_count = 1},
						 {.kind = RF_COND_HEADER, .name = "X-B", .patterns = any, .pattern_count = 1}},
				       named[] = {{.kind = RF_COND_AUTHORITY, .patterns = names, .pattern_count = 1}},
				       either[] = {{.kind = RF_COND_HEADER, .name = "x-a", .patterns = one_or_two, .pattern_count = 2}};
static const struct rf_route_atom store_atoms[] = {
	{.methods = get, .method_count = 1, .path_pattern = "/buy", .rule_id = RULE_BUY},
	{.methods = get, .method_count = 1, .path_pattern = "/api/steal.*", .rule_id = RULE_STEAL},
	{.path_pattern = "/public/.*", .rule_id = RULE_PUBLIC},
	{.methods = get, .method_count = 1, .path_pattern = "/api/steal/shared", .rule_id = RULE_SHARED},
	{.path_pattern = "/phone", .conditions = phone, .condition_count = 1, .rule_id = RULE_PHONE},
	{.path_pattern = "/phone", .conditions = both, .condition_count = 2, .rule_id = RULE_PHONE + 100},
	{.path_pattern = "/named", .conditions = named, .condition_count = 1, .rule_id = RULE_NAMED},
	{.path_pattern = "/buy", .conditions = phone, .condition_count = 1, .rule_id = RULE_PHONE + 200},
	{.path_pattern = "/either", .conditions = either, .condition_count = 1, .rule_id = RULE_PHONE + 300},
};
static const uint64_t buyer_atoms = 1 | 4 | 8 | 16 | 32 | 64 | 128 | 256, thief_atoms = 1 | 2;

/* Outside: one http and one https port. */
static const char *const httpbin[] = {"httpbin\\.org(:80)?"}, *const secure[] = {"[^.]+\\.example\\.com"};
static const struct rf_range documentation = {.net = {{0, 0, RF_ADDR_V4_MARK, RF_BE32(0xc0000200)}},
					      .mask = {{~0u, ~0u, ~0u, RF_BE32(0xffffff00)}}};
static const struct rf_route_condition http_conditions[] = {{.kind = RF_COND_AUTHORITY, .patterns = httpbin, .pattern_count = 1},
							    {.kind = RF_COND_ADDRESS, .ranges = &documentation, .range_count = 1}},
				       https_conditions[] = {{.kind = RF_COND_AUTHORITY, .patterns = secure, .pattern_count = 1}};
static const struct rf_route_atom http_atom = {.methods = get,
					       .method_count = 1,
					       .path_pattern = "/get.*",
					       .conditions = http_conditions,
					       .condition_count = 2,
					       .rule_id = RULE_HTTP + 100},
				  https_atom = {.conditions = https_conditions, .condition_count = 1, .rule_id = RULE_HTTPS + 100};

static const struct rf_route_ident idents[] = {
	{.identity = BUYER}, {.identity = THIEF}, {.identity = WATCHED, .audit = RF_AUDIT_FROM},
	{.identity = STORE}, {.identity = DB},    {.identity = STAGE, .audit = RF_AUDIT_TO},
};

/* Sorted by (src, dst, port). */
static const struct rf_route_pair pairs[] = {
	{.src = BUYER, .dst = STORE, .port = 0, .verdict = RF_VERDICT_ALLOW, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DB},
	{.src = BUYER, .dst = STORE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 0, .rule_id = RULE_BUYER_PAIR},
	{.src = BUYER, .dst = STORE, .port = 81, .verdict = RF_VERDICT_DENY, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DENY},
	{.src = BUYER, .dst = STORE, .port = 82, .verdict = RF_VERDICT_L7, .routes_id = 2, .rule_id = RULE_EMPTY},
	{.src = BUYER, .dst = STORE, .port = 83, .verdict = RF_VERDICT_L7, .routes_id = 3, .rule_id = RULE_BUYER_PAIR},
	{.src = BUYER, .dst = DB, .port = 3306, .verdict = RF_VERDICT_ALLOW, .routes_id = RF_ROUTES_NONE, .rule_id = RULE_DB},
	{.src = BUYER, .dst = STAGE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 3, .rule_id = RULE_STAGE},
	{.src = THIEF, .dst = STORE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 1, .rule_id = RULE_THIEF_PAIR},
	{.src = THIEF, .dst = STAGE, .port = 80, .verdict = RF_VERDICT_L7, .routes_id = 1, .rule_id = RULE_STAGE},
};

/* Sorted by (src, port). */
static const struct rf_route_egress egresses[] = {
	{.src = BUYER, .port = 80, .kind = RF_EGRESS_HTTP, .routes_id = 4, .rule_id = RULE_HTTP},
	{.src = BUYER, .port = 443, .kind = RF_EGRESS_HTTPS, .routes_id = 5, .rule_id = RULE_HTTPS},
	{.src = WATCHED, .port = 80, .kind = RF_EGRESS_HTTP, .routes_id = 4, .rule_id = RULE_HTTP},
	{.src = WATCHED, .port = 443, .kind = RF_EGRESS_HTTPS, .routes_id = 5, .rule_id = RULE_HTTPS},
};

struct blob {
	struct rf_routes_head head;
	struct rf_route_ident idents[RF_ARRAY_SIZE(idents)];
	struct rf_route_pair pairs[RF_ARRAY_SIZE(pairs)];
	struct rf_route_egress egresses[RF_ARRAY_SIZE(egresses)];
	struct rf_route_grant grants[6]; /* buyer, thief, no route at all, buyer by name, http, https */
	uint64_t bitmaps[3];
	char automata[];
};

#define AT(member) offsetof(struct blob, member)

static inline void fill_blob(struct blob *b, size_t size, unsigned flags)
{
	b->head = (struct rf_routes_head){.magic = RF_ROUTES_MAGIC,
					  .version = RF_ROUTES_VERSION,
					  .epoch = 1,
					  .flags = flags,
					  .size = size,
					  .idents_off = AT(idents),
					  .pairs_off = AT(pairs),
					  .egresses_off = AT(egresses),
					  .grants_off = AT(grants),
					  .ident_count = RF_ARRAY_SIZE(idents),
					  .pair_count = RF_ARRAY_SIZE(pairs),
					  .egress_count = RF_ARRAY_SIZE(egresses),
					  .grant_count = RF_ARRAY_SIZE(b->grants)};
	memcpy(b->idents, idents, sizeof(idents));
	memcpy(b->pairs, pairs, sizeof(pairs));
	memcpy(b->egresses, egresses, sizeof(egresses));
	b->bitmaps[0] = buyer_atoms;
	b->bitmaps[1] = thief_atoms;
	b->bitmaps[2] = 1;
}

/* The automata one after the other: STORE's, its names, http, https. */
static inline struct blob *make_blob(size_t states_max, unsigned flags)
{
	struct rf_automaton_image *images[4] = {NULL};
	size_t offsets[4], size = sizeof(struct blob);
	struct blob *b;

	assert_int_equal(rf_automaton_build(store_atoms, RF_ARRAY_SIZE(store_atoms), states_max, &images[0]), 0);
	assert_int_equal(rf_text_automaton_build(names, 1, true, &images[1]), 0);
	assert_int_equal(rf_automaton_build(&http_atom, 1, states_max, &images[2]), 0);
	assert_int_equal(rf_automaton_build(&https_atom, 1, states_max, &images[3]), 0);
	for (size_t i = 0; i < 4; i++) {
		offsets[i] = size;
		size += rf_automaton_place_size(images[i]);
	}
	b = calloc(1, size);
	assert_non_null(b);
	fill_blob(b, size, flags);
	b->grants[0] = (struct rf_route_grant){offsets[0], AT(bitmaps), 0};
	b->grants[1] = (struct rf_route_grant){offsets[0], AT(bitmaps) + 8, 0};
	b->grants[3] = (struct rf_route_grant){offsets[0], AT(bitmaps), offsets[1]};
	b->grants[4] = (struct rf_route_grant){offsets[2], AT(bitmaps) + 16, 0};
	b->grants[5] = (struct rf_route_grant){offsets[3], AT(bitmaps) + 16, 0};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(rf_automaton_place(images[i], b, offsets[i]), rf_automaton_place_size(images[i]));
		rf_automaton_image_free(images[i]);
	}
	return b;
}

static inline struct rf_request_question ask(rf_identity_t src, rf_identity_t dst, uint16_t port, const char *method, const char *target)
{
	return (struct rf_request_question){.src = src,
					    .dst = dst,
					    .port = port,
					    .method = method,
					    .method_len = strlen(method),
					    .target = target,
					    .target_len = strlen(target)};
}

static inline struct rf_request_answer decide(const void *blob, const struct rf_request_question *q)
{
	struct rf_request_answer answer = {.rule_id = 99, .would = RF_REASON_NO_TAG};

	rf_routes_decide(blob, q, &answer);
	return answer;
}

static inline void expect(const void *blob, const struct rf_request_question *q, enum rf_reason reason, uint32_t rule)
{
	const struct rf_request_answer answer = decide(blob, q);

	assert_int_equal(answer.reason, reason);
	assert_int_equal(answer.rule_id, rule);
	assert_int_equal(answer.would, RF_REASON_UNSPEC);
}

static inline void expect_audit(const void *blob, const struct rf_request_question *q, enum rf_reason would, uint32_t rule)
{
	const struct rf_request_answer answer = decide(blob, q);

	assert_int_equal(answer.reason, RF_REASON_ALLOW_AUDIT);
	assert_int_equal(answer.would, would);
	assert_int_equal(answer.rule_id, rule);
}

/* Both kinds of automaton must say the same. */
#define FOR_BOTH_KINDS(b, flags)                                                                                                           \
	for (size_t states = 1; states <= RF_DFA_STATES_MAX; states += RF_DFA_STATES_MAX - 1)                                              \
		for (struct blob *b = make_blob(states, flags); b; free(b), b = NULL)

#define FIELDS_MAX 4
struct fields {
	struct rf_header_field items[FIELDS_MAX];
	size_t count;
};

/* "Name: value" lines, in the order given. */
static inline struct fields fields_of(const char *const *lines, size_t count)
{
	struct fields f = {.count = count};

	for (size_t i = 0; i < count; i++) {
		const char *colon = strchr(lines[i], ':');

		f.items[i] = (struct rf_header_field){
			.name = lines[i], .name_len = (size_t)(colon - lines[i]), .value = colon + 2, .value_len = strlen(colon + 2)};
	}
	return f;
}

static inline void with_authority(struct rf_request_question *q, const char *authority)
{
	q->authority = authority;
	q->authority_len = strlen(authority);
}

static inline struct rf_request_question ask_out(rf_identity_t src, uint16_t port, const char *target, const char *host, uint32_t last)
{
	struct rf_request_question q = ask(src, INTERNET, port, "GET", target);

	with_authority(&q, host);
	q.addr = rf_addr4(RF_BE32(0xc0000200) | RF_BE32(last));
	return q;
}
