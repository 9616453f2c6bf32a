/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's /etc/hosts: what cluster DNS would answer for the mesh's Services (hosts(5);
 * https://github.com/kubernetes/dns/blob/master/docs/specification.md), so that names work without a DNS server. Services in other
 * namespaces have no short name, as with Kubernetes' search domains. A Service has a line for each family it has an address of.
 */
#pragma once

#include "policy/policy.h"

/* pod4, pod6: the pod's own addresses; NULL or none: no such line for its own name. *ret is to be freed. 0 or -ENOMEM. */
int rf_hosts_text(const struct rf_policy *policy, const char *pod_ns, const char *hostname, const struct rf_addr *pod4,
		  const struct rf_addr *pod6, char **ret);
