/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Keys and values of every BPF map, exactly as `bpftool map dump` shows them. Conventions: addresses are struct rf_addr (both families,
 * network byte order), ports are in host byte order in fields named port or *_port, time is CLOCK_MONOTONIC nanoseconds, padding is named
 * and zero. A change of what a field means must change RF_LAYOUT_VERSION; a change of the structs themselves is recognised from their BTF.
 *
 * Two kinds of tables. REVISION tables (struct names rf_allow_*, rf_service_*, ...) belong to one compiled policy: for each there is a
 * BPF_MAP_TYPE_ARRAY_OF_MAPS with RF_SLOTS entries and a program looks into entry (epoch % RF_SLOTS), having read the epoch once from
 * `control`. LIVE tables (pods, peers, flows, ...) follow pods and connections and are shared by all revisions.
 */
#pragma once

#include <ringfence/address.h>
#include <ringfence/identity.h>
#include <ringfence/reason.h>
#include <ringfence/types.h>

#ifndef RF_LAYOUT_VERSION /* `make LAYOUT=version` builds another, for tests */
#define RF_LAYOUT_VERSION 3
#endif
#define RF_SLOTS 2 /* the live revision and the one being built */

/* `make LAYOUT=test` builds the same programs with other structs, to test that an agent of another layout takes the tables over. What is
 * shared with the checker or hangs on sockets has no such member. */
#ifdef RF_LAYOUT_TEST
#define RF_LAYOUT_TEST_MEMBER __u64 layout_test;
#define RF_LAYOUT_TEST_SIZE   8
#else
#define RF_LAYOUT_TEST_MEMBER
#define RF_LAYOUT_TEST_SIZE 0
#endif

enum rf_verdict {
	RF_VERDICT_DENY = 0, /* zeroed memory denies */
	RF_VERDICT_ALLOW = 1,
	RF_VERDICT_L7 = 2, /* allowed through the checker only */
};

#define RF_CONTROL_TAKEOVER                                                                                                                \
	0x1 /* flows are being moved from maps of another layout: a segment of no known flow is dropped in silence (it will                \
	       be sent again) instead of being answered with a reset */
/* ---- control: ARRAY[1]. Writer: agent (the one store that switches). Readers: all programs, checker. Never full. ---- */
struct rf_control {
	rf_epoch_t epoch;  /* live revision; its tables are in slot epoch % RF_SLOTS; 0 = none: deny */
	__u32 layout;      /* RF_LAYOUT_VERSION of the agent that wrote it */
	__u64 switched_ns; /* when */
	__u32 flags;       /* RF_CONTROL_* */
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_control) == 24, "map layout");

/* getsockopt(SOL_IP, RF_SO_CONTROL) on a socket of the broker's cgroup answers with struct rf_control: for a checker whose kernel lets no
 * unprivileged process look into a map (before 5.19, with kernel.unprivileged_bpf_disabled). No option of the kernel's has this number. */
#define RF_SO_CONTROL 0x5246

enum rf_permissive {
	RF_PERMISSIVE_OFF = 0,
	RF_PERMISSIVE_ON = 1, /* every pod of the mesh may talk to every other */
	RF_PERMISSIVE_NAMED =
		2, /* the same, but (strictAuthority) HTTP by the destination's own names only: `allow` of source 0 is L7 there */
};

/* ---- config (revision): ARRAY[1] ---- */
struct rf_config {
	rf_epoch_t epoch;           /* must equal the epoch it was looked up with, else deny: proof against a slot reused too early */
	__u8 permissive;            /* enum rf_permissive */
	__u8 egress;                /* enableEgress */
	__u8 service_ranges;        /* how many of `service` are used */
	__u8 exclusions;            /* RF_EXCLUDES_* : which look-ups in `exclusions` can find anything */
	struct rf_range service[2]; /* where Service addresses come from: IPv4, IPv6 */
};
RF_STATIC_ASSERT(sizeof(struct rf_config) == 72, "map layout");

/* ---- idents (revision): HASH identity -> is this ServiceAccount's namespace in the mesh. Missing = not in the mesh. ---- */
struct rf_ident {
	__u8 meshed;
	__u8 datagrams; /* a TrafficTarget with a UDPRoute names it as destination: its UDP is protected (SMI traffic-specs, UDPRoute) */
	__u8 audit;     /* RF_AUDIT_*: what would be denied passes and is counted (annotation of a TrafficTarget or Namespace) */
	__u8 pad[5];
};
RF_STATIC_ASSERT(sizeof(struct rf_ident) == 8, "map layout");
#define RF_AUDIT_TO   0x1 /* connections and requests to this ServiceAccount */
#define RF_AUDIT_FROM 0x2 /* connections of this ServiceAccount to outside the mesh */

/* ---- allow (revision): HASH. The allow list. port is the destination's own port (targetPort), 0 = any port. ----
 * Look-up order: exact port, then port 0; the exact entry is final. So a DENY or L7 on a port cannot be widened by an any-port ALLOW.
 * Source 0 is every ServiceAccount of the mesh: only under RF_PERMISSIVE_NAMED, only L7, only exact ports. */
struct rf_allow_key {
	rf_identity_t src;
	rf_identity_t dst;
	__u16 port;
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 pad[5];
};
RF_STATIC_ASSERT(sizeof(struct rf_allow_key) == 24, "map layout");

struct rf_allow_value {
	__u32 verdict;   /* enum rf_verdict */
	__u32 routes_id; /* grant in the routes blob for RF_VERDICT_L7, else RF_ROUTES_NONE */
	__u32 rule_id;   /* into `rules` */
	__u32 pad;
	RF_LAYOUT_TEST_MEMBER
	__u64 hits; /* connections decided by this entry; added to by programs, the agent starts it at 0 */
};
RF_STATIC_ASSERT(sizeof(struct rf_allow_value) == 24 + RF_LAYOUT_TEST_SIZE, "map layout");
#define RF_ROUTES_NONE 0xffffffffu

/* ---- ingress (revision): LPM_TRIE. Who outside the mesh may reach a destination port (IngressBackend). ---- */
struct rf_ingress_key {
	__u32 prefixlen; /* RF_INGRESS_FIXED_BITS + CIDR length, + 96 for IPv4 */
	__u16 port;      /* destination's targetPort */
	__u8 proto;
	__u8 pad;
	rf_identity_t dst;   /* 8-byte aligned at offset 8 */
	struct rf_addr addr; /* source */
};
RF_STATIC_ASSERT(sizeof(struct rf_ingress_key) == 32, "map layout");
#define RF_INGRESS_FIXED_BITS 96 /* port, proto, pad, dst */

struct rf_ingress_value {
	__u32 rule_id;
	__u32 pad;
	__u64 hits; /* as in rf_allow_value */
};
RF_STATIC_ASSERT(sizeof(struct rf_ingress_value) == 16, "map layout");

/* ---- egress (revision): LPM_TRIE. Which addresses outside the mesh a ServiceAccount may connect to (Egress). ----
 * The longest prefix is final. Where an http or https port of any Egress names a source, that source's whole port has L7 entries and
 * nothing else: no tcp port of another Egress opens what is checked per request. They are for the ranges of those objects; of length 0 if
 * one of them names none. */
struct rf_egress_key {
	__u32 prefixlen; /* RF_EGRESS_FIXED_BITS + CIDR length, + 96 for IPv4; RF_EGRESS_FIXED_BITS = any address of both families */
	__u16 port;      /* as dialled, which outside is the destination's own */
	__u8 proto;
	__u8 pad;
	rf_identity_t src;
	struct rf_addr addr; /* destination */
};
RF_STATIC_ASSERT(sizeof(struct rf_egress_key) == 32, "map layout");
#define RF_EGRESS_FIXED_BITS 96 /* port, proto, pad, src */

struct rf_egress_value {
	__u32 verdict;   /* RF_VERDICT_ALLOW (tcp) or RF_VERDICT_L7 (http, https); anything else denies */
	__u32 routes_id; /* grant in the routes blob for RF_VERDICT_L7, else RF_ROUTES_NONE */
	__u32 rule_id;
	__u32 pad;
	__u64 hits;
};
RF_STATIC_ASSERT(sizeof(struct rf_egress_value) == 24, "map layout");

/* ---- exclusions (revision): LPM_TRIE. What the exclusion lists of MeshConfig and of pods' annotations take out of the mesh (OSM:
 * outboundPortExclusionList, inboundPortExclusionList, outboundIPRangeExclusionList). A hit on a way OUT makes the source of that
 * connection a source outside the mesh; a hit on the way IN admits sources outside the mesh. Neither opens anything else: a pod of the
 * mesh that an excluded client dials still wants an IngressBackend, and pairs of the mesh are still decided by the allow list. ---- */
enum rf_exclusion_kind {
	RF_EXCLUSION_PORT_OUT = 1,  /* port as dialled (TCP; for UDP the destination's own) */
	RF_EXCLUSION_RANGE_OUT = 2, /* address as dialled (as above) */
	RF_EXCLUSION_PORT_IN = 3,   /* destination pod's own port */
};
struct rf_exclusion_key {
	__u32 prefixlen; /* RF_EXCLUSION_FIXED_BITS; for ranges + CIDR length, + 96 for IPv4 */
	__u16 port;      /* 0 for ranges */
	__u8 kind;
	__u8 pad;
	struct rf_addr pod;  /* whose annotation: an address of the source (out) or destination (in); none = MeshConfig's, every pod's */
	struct rf_addr addr; /* of the range, else none */
};
RF_STATIC_ASSERT(sizeof(struct rf_exclusion_key) == 40, "map layout");
#define RF_EXCLUSION_FIXED_BITS 160                 /* port, kind, pad, pod */
#define RF_EXCLUDES_MESH(kind)  (1u << ((kind)-1))  /* bit of rf_config.exclusions: MeshConfig has such entries */
#define RF_EXCLUDES_PODS(kind)  (16u << ((kind)-1)) /* some pod has */

struct rf_exclusion_value {
	__u32 rule_id;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_exclusion_value) == 8, "map layout");

/* ---- services (revision): HASH. Service address and port -> a run of entries in `backends`. ---- */
struct rf_service_key {
	struct rf_addr addr;
	__u16 port;
	__u8 proto;
	__u8 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_service_key) == 20, "map layout");

struct rf_service_value {
	__u32 first;       /* index into `backends` */
	__u32 count;       /* 0 = Service without a running pod */
	__u32 parts_first; /* index into `splits` */
	__u32 parts;       /* 0 = no TrafficSplit: every backend alike; else first and count are not looked at */
};
RF_STATIC_ASSERT(sizeof(struct rf_service_value) == 16, "map layout");

/* ---- splits (revision): ARRAY. The backends of a TrafficSplit's root Service: a random number below the last part's `until` picks the
 * first part with a greater `until`, once a connection. Weights are relative. A part of weight 0 is not listed; a part without a running
 * pod denies (no-backend), as traffic shifted to nobody does. ---- */
#define RF_SPLIT_PARTS_MAX 64 /* backends of one TrafficSplit: the program's loop */
struct rf_split_part {
	__u32 until; /* sum of the weights up to and with this part */
	__u32 first; /* index into `backends` */
	__u32 count;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_split_part) == 16, "map layout");

/* ---- service_names (revision): HASH struct rf_addr of a Service -> struct rf_name "namespace/name"; for people, no program reads it. */

/* ---- backends (revision): ARRAY ---- */
struct rf_backend {
	struct rf_addr addr; /* pod; of the Service address's family */
	__u16 port;          /* targetPort */
	__u16 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_backend) == 20, "map layout");

/* ---- rules (revision): ARRAY rule_id -> where the rule stands; for people, no program reads it. rule 0 = "none". ---- */
#define RF_RULE_TEXT_MAX 256
struct rf_rule {
	char text[RF_RULE_TEXT_MAX]; /* "TrafficTarget bookstore/bookstore (dir/file.yaml:12)", NUL-terminated */
};

/* ---- routes (revision): ARRAY of 8-byte words, MMAPABLE, frozen: the blob of routes.h. Reader: checker. ---- */

/* ---- names (live): HASH identity -> name; for people. Append only within an agent's life, pruned with the policy. ---- */
struct rf_name {
	char text[RF_IDENTITY_NAME_MAX];
};

/* ---- pods (live): HASH cgroup id -> pod. Writer: agent. Readers: sock_create, connect, tc. Full: the pod is not started. ---- */
#define RF_POD_CHECKER_READY 0x1 /* the checker listens in this pod; without it L7 pairs fail closed */
struct rf_pod {
	rf_identity_t identity;
	__u64 netns_cookie;
	RF_LAYOUT_TEST_MEMBER
	struct rf_addr addr4; /* IPv4 */
	struct rf_addr addr6; /* IPv6; none where the machine has no IPv6 */
	__u32 ifindex;        /* host side of its veth */
	__u16 checker_port;   /* where the checker listens, on each of the pod's own addresses */
	__u16 pad;
	__u32 flags;
	__u32 pad2;
};
RF_STATIC_ASSERT(sizeof(struct rf_pod) == 64 + RF_LAYOUT_TEST_SIZE, "map layout");

/* ---- links (live): HASH host-side ifindex -> cgroup id of the pod behind it ---- */
/* ---- peers (live): HASH struct rf_addr -> who has that address. Missing = outside. Only removed if it is still that pod's. ---- */
#define RF_PEER_LOCAL 0x1 /* a pod of this node: its packets must have been admitted at its own veth */
struct rf_peer {
	rf_identity_t identity;
	RF_LAYOUT_TEST_MEMBER
	__u64 pod; /* cgroup id for local pods */
	__u32 flags;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_peer) == 24 + RF_LAYOUT_TEST_SIZE, "map layout");

/* ---- tags: SK_STORAGE, written at socket creation (sock_create) or by the broker through the socket's fd; inherited by accept ---- */
enum rf_tag_kind {
	RF_TAG_NONE = 0,
	RF_TAG_POD = 1,     /* made by a process of the pod */
	RF_TAG_CHECKER = 2, /* made by the broker for the checker, acting for the pod */
};
struct rf_tag {
	__u64 pod; /* cgroup id */
	__u32 kind;
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_tag) == 16, "map layout");

/* ---- dials: SK_STORAGE, what the application dialled and where it was really sent. Writer: connect. Readers: getpeername, sockops ---- */
struct rf_dial {
	struct rf_addr dialed; /* what the application asked for */
	struct rf_addr real;   /* the pod behind it */
	__u16 dialed_port;
	__u16 real_port;
	__u32 via_checker;
	rf_identity_t src;
	rf_identity_t dst;
	__u64 started_ns;
};
RF_STATIC_ASSERT(sizeof(struct rf_dial) == 64, "map layout");

/* ---- talks: SK_STORAGE of datagram sockets: which Service address each recent backend stands for, so that a socket keeps its backend and
 * sees answers come from the address it wrote to. Writers: connect, sendmsg. Reader: recvmsg. Full: the oldest row is used again; then
 * answers of that backend show its own address. ---- */
#define RF_TALKS 8
struct rf_talk {
	struct rf_addr service; /* none: free row */
	struct rf_addr backend;
	__u16 service_port;
	__u16 backend_port;
};
RF_STATIC_ASSERT(sizeof(struct rf_talk) == 36, "map layout");
struct rf_talks {
	struct rf_talk rows[RF_TALKS];
	__u32 next;
};
RF_STATIC_ASSERT(sizeof(struct rf_talks) == 292, "map layout");

/* Who began a connection, as far as tc can tell. */
enum rf_opener {
	RF_OPENER_POD = 0, /* the pod's own socket, or somebody elsewhere */
	RF_OPENER_CHECKER = 1,
	RF_OPENER_PROBER = 2, /* a socket of the node's configured prober cgroup */
};

/* A connection or datagram exchange. */
struct rf_tuple {
	struct rf_addr saddr;
	struct rf_addr daddr;
	__u16 sport;
	__u16 dport;
	__u8 proto;
	__u8 pad[3];
};
RF_STATIC_ASSERT(sizeof(struct rf_tuple) == 40, "map layout");

/* ---- origdst (live): HASH of redirected connections, struct rf_tuple (client -> checker's listener). A pod's address is the listener's
 * address, so tuples of two pods cannot meet. Writer: sockops (TCP_CONNECT_CB; it also removes what was never accepted, when the client's
 * socket closes). Reader: cgroup/getsockopt, which removes the entry. Full, or the pod's quota is: the checker finds no entry and closes
 * that connection (checker-busy). ---- */

/* What getsockopt(SOL_IP, SO_ORIGINAL_DST) answers on an accepted socket of the checker, of either family. The kernel's own error:
 * nobody was redirected here, close. */
struct rf_origdst {
	struct rf_addr real;   /* the chosen backend */
	struct rf_addr dialed; /* what the application dialled */
	__u16 real_port;
	__u16 dialed_port;
	__u32 pad;
	rf_identity_t src;
	rf_identity_t dst;
	__u64 pod; /* cgroup id of the client's pod */
};
RF_STATIC_ASSERT(sizeof(struct rf_origdst) == 64, "map layout");

/* ---- flows (live): HASH, struct rf_tuple initiator -> responder, TCP and UDP. Writer: tc; the agent's sweep removes through the program
 * rf_forget. Full: new flows are denied (flow-table-full); one pod's share: flow-quota. ---- */
#define RF_FLOW_ANSWERED  0x1 /* the responder sent something */
#define RF_FLOW_FIN_THERE 0x2 /* FIN from the initiator */
#define RF_FLOW_FIN_BACK  0x4 /* FIN from the responder */
#define RF_FLOW_RESET     0x8
#define RF_FLOW_HALF_OPEN 0x10 /* TCP: the initiator has not acknowledged anything yet */
/* epoch, verdict and reason are one aligned 8-byte word and are always stored as one, so no reader sees half a decision. */
struct rf_flow {
	rf_epoch_t epoch; /* revision that decided; another epoch = decide again */
	__u16 verdict;    /* enum rf_verdict */
	__u16 reason;     /* enum rf_reason */
	rf_identity_t src;
	rf_identity_t dst;
	RF_LAYOUT_TEST_MEMBER
	__u16 opener; /* enum rf_opener */
	__u16 life;   /* RF_FLOW_* bits, for the agent's sweep */
	__u32 rule_id;
	__u64 seen_ns;
	__u64 bytes; /* IP bytes both ways */
	__u64 pod;   /* cgroup id of the local pod whose quota it counts on: the initiator's, or the responder's for initiators elsewhere */
	struct rf_addr dialed; /* what the initiator asked for (its Service), for `exclusions`; the responder if that is not known */
	__u16 dialed_port;
	__u16 pad[3];
};
RF_STATIC_ASSERT(sizeof(struct rf_flow) == 80 + RF_LAYOUT_TEST_SIZE, "map layout");
#define RF_FLOW_UDP_IDLE_NS (180ull * 1000000000) /* after that a datagram is decided as the first of a new exchange */

/* ---- usage (live): HASH cgroup id -> what this pod occupies of the tables that all pods share. Writers: the agent makes and removes the
 * row with the pod, programs count in it (atomically). No row: the pod gets nothing (flow-quota). Full: the pod is not started. ---- */
#define RF_FLOWS_PER_POD      65536 /* entries of `flows` */
#define RF_FLOWS_FROM_OUTSIDE 32768 /* so many, and none of them is opened from outside the mesh any more: the pod's own still are */
#define RF_ORIGINS_PER_POD    4096  /* entries of `origdst`: connections that wait for the checker */
#define RF_EVENTS_PER_POD     1000  /* events a second (2^30 ns); what is above is counted here and in `lost` */
struct rf_usage {
	__u64 flows;
	__u64 origins;
	__u64 window; /* the second that `events` counts */
	__u64 events;
	__u64 events_lost;
	__u64 refused; /* flows and redirects denied for the quota */
};
RF_STATIC_ASSERT(sizeof(struct rf_usage) == 48, "map layout");

/* What the program rf_forget gets as packet data of PROG_TEST_RUN: remove this flow if nothing has been seen of it since. */
struct rf_forget {
	__u8 lead[16]; /* where an Ethernet header would stand */
	struct rf_tuple key;
	__u64 seen_ns; /* as the asker read it */
	__u32 gone;    /* out: 1 = removed */
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_forget) == 72, "asked through packet bytes");

/* ---- prober (live): ARRAY[1]. The cgroup whose processes are the node's health probers (the kubelet's): their connections to pods of the
 * mesh are admitted. Writer: agent. Reader: tc, by the cgroup of the packet's socket. 0 = none: no probe is recognised. ---- */
struct rf_prober {
	__u64 cgroup_id;
	__u32 level; /* depth of that cgroup below the cgroup2 root, for bpf_skb_ancestor_cgroup_id */
	__u32 pad;
};
RF_STATIC_ASSERT(sizeof(struct rf_prober) == 16, "map layout");

/* ---- audit (live): HASH. Connections that would have been denied but for an audit annotation. Writer: programs (agent: removes on
 * request). Readers: agent, `ringfence audit`. Lifetime: until it is cleared; it outlives agents and revisions. Full: the row is missing,
 * counted in `lost`[RF_LOST_AUDIT]; the connection passes all the same, for audit never denies. ---- */
#define RF_AUDIT_MAX 16384
struct rf_audit_key {
	rf_identity_t src; /* 0 = outside */
	rf_identity_t dst; /* 0 = outside */
	__u16 port;
	__u16 would; /* enum rf_reason that would have denied */
	__u8 proto;
	__u8 pad[3];
};
RF_STATIC_ASSERT(sizeof(struct rf_audit_key) == 24, "map layout");
struct rf_audit {
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
};
RF_STATIC_ASSERT(sizeof(struct rf_audit) == 24, "map layout");

/* ---- reasons: PERCPU_ARRAY[_RF_REASON_MAX] of __u64, one counter a reason. lost: PERCPU_ARRAY[RF_LOST_MAX] ---- */
#define RF_LOST_EVENTS 0 /* events the ring, or their pod's budget, had no room for */
#define RF_LOST_AUDIT  1 /* would-be denials the audit table had no room for */
#define RF_LOST_MAX    2

/* ---- events: RINGBUF. Reader: agent. Full: counted in `lost`, the decision stands. ---- */
enum rf_event_kind {
	RF_EVENT_CONNECT = 1, /* decided at connect() */
	RF_EVENT_PACKET = 2,  /* decided at tc, new flow or denial */
	RF_EVENT_CLOSE = 3,   /* a TCP connection ended (sockops) */
};
struct rf_event {
	__u64 time_ns;
	rf_identity_t src;
	rf_identity_t dst;
	struct rf_addr saddr;
	struct rf_addr daddr;
	__u16 sport;
	__u16 dport;
	__u8 kind;
	__u8 proto;
	__u16 reason;
	__u32 rule_id;
	rf_epoch_t epoch;
	__u64 bytes;       /* CLOSE: acknowledged + received */
	__u64 duration_ns; /* CLOSE */
	__u16 would;       /* reason ALLOW_AUDIT: what would have denied, else 0 */
	__u16 pad[3];
};
RF_STATIC_ASSERT(sizeof(struct rf_event) == 96, "ring layout");
