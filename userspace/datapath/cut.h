/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting connections that the live revision does not allow. tc refuses their next packet anyway; this tells both ends at once, also an
 * idle one. Works per network namespace through sock_diag(7), SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY): the pod's socket ends with
 * ECONNABORTED and the kernel sends an RST to the other end, which the tc programs let pass.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "datapath/datapath.h"

/* Looks at every TCP connection and every connected UDP socket of one pod, of both families (not at those inside the pod), and destroys
 * those that are not allowed: those whose flow entry is decided otherwise now, TCP connections without one if an end of them is in the
 * mesh, UDP sockets without one if neither direction is allowed. 0 and the number cut, or -errno
 * (-EOPNOTSUPP: the kernel cannot destroy sockets; tc still refuses their packets). */
int rf_datapath_cut(struct rf_datapath *dp, const char *netns_path, const struct rf_pod_hook *hook, size_t *ret_cut);
