/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's /etc/hosts: what cluster DNS would answer for the mesh's Services (hosts(5);
 * https://github.com/kubernetes/dns/blob/master/docs/specification.md), so that names work without a DNS server. Services in other
 * namespaces have no short name, as with Kubernetes' search domains.
 */
#pragma once

#include <stdint.h>

#include "policy/policy.h"

/* pod_addr_be: network byte order; 0 = no line for the pod's own name. *ret is to be freed. 0 or -ENOMEM. */
int rf_hosts_text(const struct rf_policy *policy, const char *pod_ns, const char *hostname, uint32_t pod_addr_be, char **ret);
