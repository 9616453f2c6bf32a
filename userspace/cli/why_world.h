/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `why` reads from the kernel: the names and lists of the live revision, read once a revision, and the running pods. Decisions are
 * never taken from here: the kernel is asked for each of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/instance.h"
#include "datapath/datapath.h"

struct rf_why_name { /* a ServiceAccount, or a Service by its address */
	rf_identity_t identity;
	struct rf_addr addr;
	char text[RF_IDENTITY_NAME_MAX]; /* "ns/name" */
};
struct rf_why_service {
	struct rf_service_key key;
	struct rf_service_value value;
};
struct rf_why_allow {
	struct rf_allow_key key;
	struct rf_allow_value value;
};
struct rf_why_pod {
	char ns[64];
	char name[64];
	struct rf_pod pod;
};

struct rf_why_world {
	struct rf_instance instance;
	struct rf_datapath *dp;
	rf_epoch_t epoch;
	struct rf_config config;
	void *routes; /* validated blob, NULL: none */
	size_t routes_size;
	struct rf_why_name *names;
	size_t name_count;
	struct rf_why_name *service_names;
	size_t service_name_count;
	struct rf_why_service *services;
	size_t service_count;
	struct rf_why_allow *allow;
	size_t allow_count;
	struct rf_why_pod *pods;
	size_t pod_count;
	uint64_t pods_ns; /* when they were looked at */
};

/* The instance of the environment. Complains on stderr: 0 or -errno. */
int rf_why_world_open(struct rf_why_world *world);
void rf_why_world_done(struct rf_why_world *world);
/* Reads again what has changed. -ENOENT: no revision was ever published; -EBADMSG: the routes are not whole. */
int rf_why_world_refresh(struct rf_why_world *world);

/* NULL: unknown. */
const char *rf_why_account(const struct rf_why_world *world, rf_identity_t identity);
const struct rf_why_name *rf_why_find_name(const struct rf_why_name *names, size_t count, const char *text);
const struct rf_why_pod *rf_why_pod_by_name(const struct rf_why_world *world, const char *text); /* "ns/name" */
const struct rf_why_pod *rf_why_pod_by_addr(const struct rf_why_world *world, const struct rf_addr *addr);

/* May a Service's port lead there: is it a targetPort of a Service that selects a running pod of this account? Then *ret_service (may be
 * NULL) is that Service's name. ns: only Services of that namespace, or that one Service ("ns/name"); NULL: any. */
bool rf_why_is_served(const struct rf_why_world *world, rf_identity_t account, uint16_t port, uint8_t proto, const char *ns,
		      const char **ret_service);
/* The different ports of the account that Services lead to, at most RF_WHY_PORTS_MAX. */
#define RF_WHY_PORTS_MAX 64
size_t rf_why_served_ports(const struct rf_why_world *world, rf_identity_t account, uint8_t proto, uint16_t ret[RF_WHY_PORTS_MAX]);
/* What the allow list says of the port's kind, from the entries of all sources: RF_VERDICT_L7 http, RF_VERDICT_ALLOW tcp, RF_VERDICT_DENY
 * not known. */
enum rf_verdict rf_why_port_kind(const struct rf_why_world *world, rf_identity_t account, uint16_t port);
