/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Pods and sockets of pods. Writer of pods, links and peers: the agent, before the first process of a pod runs. */
#pragma once

#include "lib/common.bpf.h"

#define RF_PEERS_MAX 131072

/* pods: cgroup id -> pod. Readers: sock_create, connect, tc. Lifetime: the pod's. Full: the agent refuses to start the pod. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_PODS_MAX);
	__type(key, __u64);
	__type(value, struct rf_pod);
} pods SEC(".maps");

/* links: host-side ifindex -> cgroup id of the pod behind it. Reader: tc. Lifetime: the pod's. Full: as pods. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_PODS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} links SEC(".maps");

/* peers: address of either family -> who has it. Readers: connect, tc. Missing = outside the mesh. Full: the agent refuses to start the
 * pod. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RF_PEERS_MAX);
	__type(key, struct rf_addr);
	__type(value, struct rf_peer);
} peers SEC(".maps");

/* tags: whose socket. Writers: sock_create; the broker, through the socket's fd; connect and sockops for the
 * subflows of MPTCP sockets. Readers: connect, tc. Lifetime: the socket's; an accepted
 * socket inherits its listener's. No memory: the socket cannot be created. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct rf_tag);
} tags SEC(".maps");

/* dials: what connect did. Writer: connect. Readers: getpeername, sockops. Lifetime: the socket's. No memory: connect is refused. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rf_dial);
} dials SEC(".maps");

/* talks: which backend a datagram socket has for a Service. Writers: connect, sendmsg. Reader: recvmsg. Lifetime: the socket's. Full: the
 * oldest row is used again. No memory: the datagram is refused. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rf_talks);
} talks SEC(".maps");

static __always_inline struct rf_peer *rf_peer_of(const struct rf_addr *addr)
{
	return bpf_map_lookup_elem(&peers, addr);
}

/* The pod's own address of this family; none if it has none. */
static __always_inline const struct rf_addr *rf_own_addr(const struct rf_pod *pod, const struct rf_addr *family_of)
{
	return rf_addr_is4(family_of) ? &pod->addr4 : &pod->addr6;
}
