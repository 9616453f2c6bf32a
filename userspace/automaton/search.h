/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in the sorted lists of a validated blob. NULL: not there. */
#pragma once

#include <ringfence/routes.h>
#include <stdint.h>

const struct rf_route_ident *rf_routes_ident(const void *blob, rf_identity_t identity); /* 0 is never there */
/* Exact port, then port 0. */
const struct rf_route_pair *rf_routes_pair(const void *blob, rf_identity_t src, rf_identity_t dst, uint16_t port);
const struct rf_route_egress *rf_routes_egress(const void *blob, rf_identity_t src, uint16_t port);
