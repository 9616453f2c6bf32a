/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which names a ServiceAccount's pods are asked (semantics row 18; OSM v1.2.4 GetHostnamesForService): those of the Services that select
 * them, and of the root Services of TrafficSplits with such a Service as backend. Only where MeshConfig has strictAuthority. Internal to
 * policy/.
 */
#pragma once

#include "policy/compile.h"

struct rf_name_claim { /* pods of the account answer on this targetPort to a Service's name and port */
	rf_identity_t account;
	uint16_t target_port;
	uint16_t port;
	const struct rf_service *service;
};

struct rf_authorities {
	struct rf_name_claim *claims; /* sorted */
	size_t claim_count;
	const struct rf_account **accounts; /* sorted by number */
};

int rf_authorities_init(struct rf_compile *c, struct rf_authorities *ret); /* 0 or -ENOMEM */

/* Are both of one namespace? Then the Service's name alone is enough. */
bool rf_authorities_local(const struct rf_compile *c, const struct rf_authorities *a, rf_identity_t src, rf_identity_t dst);

/* The text automaton of the names; *ret_image is its position in images, *digest is carried on. */
int rf_authorities_image(struct rf_compile *c, const struct rf_authorities *a, rf_identity_t dst, uint16_t port, bool local,
			 size_t *ret_image, uint64_t *digest);
