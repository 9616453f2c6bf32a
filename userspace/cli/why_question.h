/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks for what: names on the command line (or in a line of --batch) -> identities, addresses, ports. A name that nobody has is an
 * error with the nearest ones, never "denied".
 */
#pragma once

#include <stdbool.h>

#include "automaton/automaton.h"
#include "cli/why_world.h"
#include "core/json.h"

#define RF_WHY_PODS_MAX   32 /* pods of one account that are asked about one by one */
#define RF_WHY_FIELDS_MAX 32
#define RF_WHY_ERROR_MAX  512

enum rf_why_kind {
	RF_WHY_ACCOUNT, /* NS/SA */
	RF_WHY_POD,     /* pod/NS/NAME */
	RF_WHY_ADDRESS, /* an address that no pod here has */
	RF_WHY_SERVICE, /* NAME.NS */
};

struct rf_why_end {
	enum rf_why_kind kind;
	char text[RF_IDENTITY_NAME_MAX]; /* "ns/sa", "ns/service", or the address */
	rf_identity_t identity;          /* 0 = outside, or a Service */
	bool meshed;
	struct rf_pod_end {
		char name[130]; /* "ns/name", "" = nobody that is known here */
		struct rf_addr addr4, addr6;
		bool local;
		bool checker_ready;
		uint16_t checker_port;
	} pods[RF_WHY_PODS_MAX]; /* of an account: its running pods; ADDRESS, POD: one */
	size_t pod_count;
	uint16_t port;                     /* to: as dialled */
	struct rf_addr service4, service6; /* to a Service */
};

struct rf_why_question {
	struct rf_why_end from, to;
	uint8_t proto;
	bool ipv6;          /* the IPv6 addresses, where both families are there */
	const char *method; /* NULL with path NULL: about the connection */
	const char *path;
	const char *server_name; /* of a TLS connection, or NULL */
	char authority[RF_IDENTITY_NAME_MAX];
	struct rf_header_field fields[RF_WHY_FIELDS_MAX]; /* Host is the first */
	size_t field_count;
};

/* As written; all may be NULL but from and to. Texts must outlive the question. */
struct rf_why_words {
	const char *from, *to;
	const char *method, *path, *server_name;
	const char *headers[RF_WHY_FIELDS_MAX]; /* "name=value" or "name: value" */
	size_t header_count;
	bool udp, ipv6;
};

/* 0; -EINVAL: cannot be understood; -ENOENT: nobody has that name. error gets the sentence. */
int rf_why_question_read(const struct rf_why_world *world, const struct rf_why_words *words, struct rf_why_question *ret,
			 char error[RF_WHY_ERROR_MAX]);
/* The same words from a line of --batch: {"from", "to", "method", "path", "headers": {name: value or [values]}, "udp", "ipv6",
 * "server_name"}. Texts belong to the line and to *ret_room, which the caller deletes. */
int rf_why_words_read(const cJSON *line, struct rf_why_words *ret, cJSON **ret_room, char error[RF_WHY_ERROR_MAX]);

/* The addresses of a pod of that family, none if it has none. */
static inline const struct rf_addr *rf_why_addr(const struct rf_pod_end *pod, bool ipv6)
{
	return ipv6 ? &pod->addr6 : &pod->addr4;
}
