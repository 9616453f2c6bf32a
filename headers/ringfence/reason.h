/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Why something was admitted or denied. Every decision, in the kernel or in the checker, ends in exactly one of these codes; each code
 * has a counter in the `reasons` map (the checker's in `requests`) and is the reason field of the event. Codes are part of the map layout:
 * append, never renumber. docs/reasons.md says what to do about each, `scripts/check docs` compares.
 */
#pragma once

#include <ringfence/types.h>

/* X(symbol, number, "name-for-people", "one sentence a person can act on") */
#define RF_REASONS(X)                                                                                                                      \
	X(UNSPEC, 0, "unspecified", "no decision was made")                                                                                \
	/* admitted */                                                                                                                     \
	X(ALLOW_RULE, 1, "allow-rule", "a TrafficTarget allows this pair on this port")                                                    \
	X(ALLOW_L7, 2, "allow-l7", "this pair is allowed, each request is checked")                                                        \
	X(ALLOW_PERMISSIVE, 3, "allow-permissive", "permissive mode is on")                                                                \
	X(ALLOW_UNMESHED, 4, "allow-unmeshed", "neither side is in a namespace of the mesh")                                               \
	X(ALLOW_EGRESS, 5, "allow-egress", "enableEgress is on")                                                                           \
	X(ALLOW_INGRESS, 6, "allow-ingress", "an IngressBackend names this source")                                                        \
	X(ALLOW_SELF, 7, "allow-self", "a pod talks to itself")                                                                            \
	X(ALLOW_FLOW, 8, "allow-flow", "the packet belongs to an admitted flow")                                                           \
	X(ALLOW_CHECKER, 9, "allow-checker", "the checker's own connection for a pair it checks")                                          \
	X(ALLOW_PROBE, 10, "allow-probe", "a health probe of this node")                                                                   \
	X(ALLOW_DATAGRAM, 11, "allow-datagram", "no UDPRoute protects the destination, so the mesh's pods may send UDP to it")             \
	X(ALLOW_RELATED, 12, "allow-related", "an ICMP error about an admitted flow")                                                      \
	X(ALLOW_EXCLUDED, 13, "allow-excluded", "an exclusion list takes this port or address out of the mesh")                            \
	X(ALLOW_EGRESS_RULE, 14, "allow-egress-rule", "an Egress object allows this source to reach this address and port")                \
	X(ALLOW_EGRESS_L7, 15, "allow-egress-l7", "an Egress object names this source and port, each request or TLS name is checked")      \
	X(ALLOW_AUDIT, 16, "allow-audit",                                                                                                  \
	  "this would be denied, but the destination (or a source that goes outside) is under audit: it passes and is counted")            \
	/* denied by policy */                                                                                                             \
	X(NO_RULE, 32, "no-rule", "no TrafficTarget allows this source to reach this destination on this port")                            \
	X(NO_INGRESS, 33, "no-ingress", "the source is outside the mesh and no IngressBackend names it for this port")                     \
	X(NO_EGRESS, 34, "no-egress", "the destination is outside the mesh, no Egress object allows it, and enableEgress is off")          \
	X(NO_ROUTE, 35, "no-route", "the pair is allowed but no route matches the request (404)")                                          \
	X(ROUTE_OTHERS, 36, "route-for-others", "a route matches, but only for other ServiceAccounts (403)")                               \
	X(BAD_REQUEST, 37, "bad-request", "not an HTTP/1 request that can be judged safely (4xx)")                                         \
	X(BAD_PATH, 38, "bad-path", "the path has no canonical form (400)")                                                                \
	X(NO_SERVICE, 39, "no-service", "an address of the service range, but no Service has this address and port")                       \
	X(NO_BACKEND, 40, "no-backend", "the Service has no running pod")                                                                  \
	X(AUTHORITY, 41, "wrong-authority", "the Host is no name of the destination's Services, and strictAuthority is on (404)")          \
	X(SERVER_NAME, 42, "server-name", "the TLS server name is not one that an Egress object allows, or this is not TLS")               \
	/* denied because the machinery cannot vouch for it */                                                                             \
	X(NO_TAG, 64, "no-tag", "the socket was not created inside a pod that ringfence knows")                                            \
	X(NO_POD, 65, "no-pod", "the pod behind the socket or interface is not known")                                                     \
	X(NETNS_MISMATCH, 66, "netns-mismatch", "the socket is used in another network namespace than its pod's")                          \
	X(NO_POLICY, 67, "no-policy", "no policy has been published yet, or a table of it is missing")                                     \
	X(CHECKER_BYPASS, 68, "checker-bypass", "a pair checked per request tried to connect around the checker")                          \
	X(CHECKER_DIALED, 69, "checker-dialed", "a process dialled the checker's port by itself")                                          \
	X(CHECKER_DOWN, 70, "checker-down", "the checker cannot listen in this pod (port taken?) or is not there")                         \
	X(BOUND_DEVICE, 71, "bound-device", "a socket bound to a device cannot be sent through the checker")                               \
	X(SPOOFED, 72, "spoofed-source", "the packet's source address is not the pod's")                                                   \
	X(NO_FLOW, 73, "no-flow", "a packet in the middle of a connection that nothing admitted")                                          \
	X(ETHERTYPE, 74, "ethertype", "neither IPv4 nor IPv6")                                                                             \
	X(IP_PROTOCOL, 75, "ip-protocol", "only TCP and UDP are admitted between pods of the mesh")                                        \
	X(MALFORMED, 76, "malformed", "the packet is truncated or its headers contradict each other")                                      \
	X(FRAGMENT, 77, "fragment", "IP fragments cannot be attributed to a connection")                                                   \
	X(IP_OPTIONS, 78, "ip-options", "IP options are not admitted")                                                                     \
	X(FAMILY, 79, "address-family", "this pod has no address of that family, or the address is of a kind that is not admitted")        \
	X(DATAGRAM, 80, "datagram", "the checker never sends datagrams")                                                                   \
	X(FLOW_FULL, 81, "flow-table-full", "the flow table is full")                                                                      \
	X(STORAGE_FULL, 82, "socket-storage", "the kernel could not attach storage to the socket")                                         \
	X(UPSTREAM_FAILED, 83, "upstream-failed", "the destination did not accept the connection (503)")                                   \
	X(REVOKED, 84, "revoked", "the connection was admitted by an older policy and is not any more")                                    \
	X(NOT_ADDRESSED, 85, "not-addressed", "a packet for another address than the pod's arrived at its interface")                      \
	X(ICMP, 86, "icmp", "ICMP is not admitted, but for errors about admitted flows")                                                   \
	X(EXTENSION, 87, "extension-header", "IPv6 extension headers are not admitted")                                                    \
	X(FLOW_QUOTA, 88, "flow-quota", "this pod has as many connections as one pod may have")                                            \
	X(CHECKER_BUSY, 89, "checker-busy", "too many connections of this pod wait for the checker")                                       \
	X(MULTICAST, 90, "multicast", "multicast and broadcast are not admitted")

enum rf_reason {
#define RF_REASON_ENUM(sym, num, name, text) RF_REASON_##sym = (num),
	RF_REASONS(RF_REASON_ENUM)
#undef RF_REASON_ENUM
		_RF_REASON_MAX = 128, /* size of the `reasons` counter array */
};

/* Anything that is not an explicit admission is a denial. */
static inline int rf_reason_admits(__u32 reason)
{
	return reason >= RF_REASON_ALLOW_RULE && reason <= RF_REASON_ALLOW_AUDIT;
}
