/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest policy that would admit what was asked, as YAML that `ringfence validate` accepts. Pure: what is to be admitted is said by a
 * plan, where names come from is the caller's matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/address.h>

struct rf_why_header {
	const char *name, *value;
	size_t name_len, value_len;
};

struct rf_why_label {
	const char *key, *value;
};

enum rf_plan_kind {
	RF_PLAN_TARGET,  /* TrafficTarget with its routes */
	RF_PLAN_INGRESS, /* IngressBackend for one address */
	RF_PLAN_EGRESS,  /* Egress */
};

struct rf_why_plan {
	enum rf_plan_kind kind;
	const char *src, *dst; /* "ns/name" of ServiceAccounts; egress has no dst, ingress no src */
	uint16_t port;         /* the destination's own */
	bool udp;
	bool http;                 /* TARGET: with an HTTPRouteGroup */
	bool tcp_route;            /* TARGET: with a TCPRoute of this port alone */
	const char *service;       /* INGRESS: "ns/name" of a Service whose targetPort is port */
	struct rf_addr addr;       /* INGRESS: the source; EGRESS tcp: the destination */
	const char *protocol;      /* EGRESS: tcp, http, https */
	const char *host;          /* EGRESS http, https */
	const char *method, *path; /* NULL: every request */
	const struct rf_why_header *headers;
	size_t header_count;
	/* A Service that makes the port known comes first, if labels are given (and service is NULL). */
	const struct rf_why_label *labels;
	size_t label_count;
	const char *service_protocol; /* "http" or "tcp" */
};

/* *ret is to be freed. -EINVAL: a name that the kind needs is missing; -EILSEQ: no pattern can name this path (not UTF-8, or without a
 * canonical form); -ENOMEM. */
int rf_why_plan_text(const struct rf_why_plan *plan, char **ret);
