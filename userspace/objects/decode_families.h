/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address families a Service has and which addresses it was given: spec.clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, as the
 * API server reads them (https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services); internal to objects/.
 */
#pragma once

#include "objects/decode.h"

/* Fills headless, cluster_ip4/6, family4/6, family_policy and family_place. spec: the Service's, or NULL. 0 or -ENOMEM. */
int rf_decode_families(struct rf_decode *d, struct rf_service *s, const struct rf_node *spec);
