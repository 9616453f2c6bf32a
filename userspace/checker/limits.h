/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the checker waits and how much it takes from one pod or connection (docs/ARCHITECTURE.md names them for people).
 */
#pragma once

#define RF_CONNS_PER_POD 1024 /* more wait in the pod's own accept queue; no pod can take all descriptors of the process */

/* Milliseconds. */
#define RF_HEAD_MS    30000  /* first byte of a head to its last: 408 */
#define RF_IDLE_MS    300000 /* between requests, and before the first */
#define RF_BROKER_MS  10000  /* for an answer of the broker: 503 */
#define RF_CONNECT_MS 10000  /* for the destination to accept: 503 */
#define RF_DRAIN_MS   30000  /* for the body of a denied request */
#define RF_FLUSH_MS   30000  /* for the client to take our last bytes */
#define RF_LINGER_MS  2000
#define RF_DRAIN_MAX  (64 * 1024) /* body bytes of a denied request, beyond them the connection is closed */
#define RF_LINGER_MAX (256 * 1024)
