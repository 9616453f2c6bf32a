/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a local socket: root outside every pod, or nobody. unix(7) SO_PEERCRED, cgroups(7).
 */
#pragma once

#include "core/instance.h"

/* 0, or -EACCES for everybody else and for everything that cannot be told for sure. */
int rf_peer_check(int sock, const struct rf_instance *instance);
