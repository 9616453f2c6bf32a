/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mesh's objects, decoded and checked: what the policy compiler reads. One rf_objects is one whole set of files. Everything in it
 * belongs to its arena. Strings are never NULL unless the comment says "or NULL". Ports are host order. Addresses are struct rf_addr.
 * Specs: SMI access v1alpha3 / specs v1alpha4 / split v1alpha2, OSM policy v1alpha1 / config v1alpha2, Kubernetes v1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringfence/address.h>

#include "core/diag.h"

struct rf_node;
struct rf_document;

struct rf_pair_text {
	const char *key;
	const char *value;
	struct rf_place place;
};

struct rf_meta {
	const char *kind; /* "TrafficTarget" */
	const char *ns;   /* "default" where the document has none; "" for cluster-scoped kinds (Namespace) */
	const char *name;
	struct rf_place place; /* of the document's `kind` */
	size_t text_start;     /* byte range of the document in its file, without the "---" lines */
	size_t text_end;
	struct rf_pair_text *labels;
	size_t label_count;
	struct rf_pair_text *annotations;
	size_t annotation_count;
};

struct rf_account_ref {
	const char *ns;
	const char *name;
	struct rf_place place;
};

struct rf_namespace {
	struct rf_meta meta; /* membership: label openservicemesh.io/monitored-by, openservicemesh.io/ignore */
};

struct rf_service_account {
	struct rf_meta meta;
};

struct rf_container_port {
	const char *name;
	uint16_t port;
	bool udp;
};

/* What a pod's annotations, or MeshConfig's spec.traffic, take out of the mesh (semantics row 24). Annotations:
 * openservicemesh.io/outbound-port-exclusion-list, inbound-port-exclusion-list, outbound-ip-range-exclusion-list; comma-separated. */
struct rf_cidr {
	struct rf_addr net;  /* already masked */
	unsigned prefix_len; /* of the 128 bits of net: 96 + n for IPv4's /n */
	struct rf_place place;
};
struct rf_excluded_port {
	uint16_t port;
	struct rf_place place;
};
struct rf_exclusions {
	struct rf_excluded_port *outbound_ports;
	size_t outbound_port_count;
	struct rf_excluded_port *inbound_ports;
	size_t inbound_port_count;
	struct rf_cidr *outbound_ranges;
	size_t outbound_range_count;
};
struct rf_arena;
/* Reads the three annotations among `annotations` (others are skipped). Bad values: errors in diags that name value and annotation.
 * 0, -EINVAL (diags has why), -ENOMEM. Memory belongs to the arena. */
int rf_exclusions_read(struct rf_arena *arena, const struct rf_pair_text *annotations, size_t count, struct rf_diags *diags,
		       struct rf_exclusions *ret);

/* Deployment (also Pod, StatefulSet-like owners later): a template of pods. */
struct rf_workload {
	struct rf_meta meta;
	struct rf_pair_text *pod_annotations; /* of the template; a Pod's own */
	size_t pod_annotation_count;
	struct rf_exclusions exclusions; /* what these say */
	bool is_pod;
	const char *service_account; /* "default" if absent */
	struct rf_pair_text *pod_labels;
	size_t pod_label_count;
	struct rf_pair_text *env; /* of the first container, literal values only */
	size_t env_count;
	const char *pod_ip;              /* Pod's status.podIP, or NULL */
	unsigned replicas;               /* spec.replicas, 1 if absent */
	struct rf_container_port *ports; /* named TCP and UDP ports of all containers: what a Service's targetPort may name */
	size_t port_count;
};

enum rf_port_kind { RF_PORT_HTTP, RF_PORT_TCP, RF_PORT_GRPC, RF_PORT_UDP }; /* semantics row 23; tcp-server-first is RF_PORT_TCP */

struct rf_service_port {
	const char *name; /* "" if absent */
	uint16_t port;
	uint16_t target_port;    /* = port if absent; 0 = a name that no container has: admits nothing */
	const char *target_name; /* named targetPort, or NULL; resolved against containers' ports by rf_objects_check */
	enum rf_port_kind kind;
	struct rf_place place;
};

/* Kubernetes' ipFamilyPolicy: https://kubernetes.io/docs/concepts/services-networking/dual-stack/ */
enum rf_family_policy { RF_FAMILY_SINGLE, RF_FAMILY_PREFER_DUAL, RF_FAMILY_REQUIRE_DUAL };

struct rf_service {
	struct rf_meta meta;
	bool headless;                           /* clusterIP: None */
	struct rf_addr cluster_ip4, cluster_ip6; /* none = to be assigned, if it has the family */
	bool family4, family6;                   /* at least one; IPv4 alone unless the object says otherwise */
	enum rf_family_policy family_policy;
	struct rf_place family_place; /* of what asks for IPv6 */
	struct rf_pair_text *selector;
	size_t selector_count; /* 0 = selects nothing */
	struct rf_service_port *ports;
	size_t port_count;
};

struct rf_ingress_path {
	const char *host;      /* "" = any */
	const char *path;      /* "/" */
	const char *path_type; /* Prefix, Exact, ImplementationSpecific */
	const char *service;
	uint16_t service_port;         /* 0 = by name */
	const char *service_port_name; /* or NULL */
	struct rf_place place;
};

struct rf_ingress {
	struct rf_meta meta; /* annotations carry class and rewrite-target */
	struct rf_ingress_path *paths;
	size_t path_count;
};

enum rf_rule_kind { RF_RULE_HTTP_ROUTE_GROUP, RF_RULE_TCP_ROUTE, RF_RULE_UDP_ROUTE };

struct rf_name_ref {
	const char *name;
	struct rf_place place;
};

struct rf_target_rule {
	enum rf_rule_kind kind;
	const char *name;
	struct rf_name_ref *matches;
	size_t match_count;
	bool has_matches; /* false: the key is absent = all matches of the group; true with 0 = none */
	struct rf_place place;
};

struct rf_traffic_target {
	struct rf_meta meta;
	struct rf_account_ref destination; /* ns == meta.ns (checked) */
	struct rf_account_ref *sources;
	size_t source_count;
	struct rf_target_rule *rules;
	size_t rule_count;
};

struct rf_header_match {
	const char *name;
	const char *regex;
	struct rf_place place;
};

struct rf_http_match {
	const char *name;
	const char *path_regex; /* ".*" if absent or empty */
	const char **methods;
	size_t method_count; /* 0 = any (also where the list has "*") */
	struct rf_header_match *headers;
	size_t header_count;
	struct rf_place place;       /* of the match */
	struct rf_place regex_place; /* of pathRegex */
};

struct rf_http_route_group {
	struct rf_meta meta;
	struct rf_http_match *matches;
	size_t match_count;
};

struct rf_port_route { /* TCPRoute, UDPRoute */
	struct rf_meta meta;
	uint16_t *ports;
	size_t port_count; /* 0 = all */
};

struct rf_split_backend {
	const char *service; /* in the namespace of the TrafficSplit */
	unsigned weight;
	struct rf_place place;
};

struct rf_traffic_split {
	struct rf_meta meta;
	const char *service; /* its name alone, in the namespace of the TrafficSplit, however it was written */
	struct rf_split_backend *backends;
	size_t backend_count;
	bool has_matches; /* names requests, which is not enforced: the object moves no traffic */
};

#define RF_SPLIT_BACKENDS_MAX 64         /* of one TrafficSplit */
#define RF_SPLIT_WEIGHT_MAX   UINT32_MAX /* all weights of one TrafficSplit together */

enum rf_ingress_source_kind { RF_SOURCE_SERVICE, RF_SOURCE_IP_RANGE, RF_SOURCE_PRINCIPAL };

struct rf_ingress_source {
	enum rf_ingress_source_kind kind;
	const char *name;    /* Service name, principal, or the CIDR as written */
	const char *ns;      /* of a Service; "" otherwise */
	struct rf_addr net;  /* IP_RANGE, already masked */
	unsigned prefix_len; /* of the 128 bits of net: 96 + n for IPv4's /n */
	struct rf_place place;
};

struct rf_ingress_backend_entry {
	const char *service;
	uint16_t port;        /* targetPort */
	const char *protocol; /* "http" or "https", lower case; https is not enforced yet: admits nothing */
	struct rf_place place;
};

struct rf_ingress_backend {
	struct rf_meta meta;
	struct rf_ingress_backend_entry *backends;
	size_t backend_count;
	struct rf_ingress_source *sources;
	size_t source_count;
};

enum rf_egress_protocol { RF_EGRESS_PROTOCOL_TCP, RF_EGRESS_PROTOCOL_HTTP, RF_EGRESS_PROTOCOL_HTTPS }; /* tcp-server-first is TCP */

struct rf_egress_port {
	uint16_t port;
	enum rf_egress_protocol protocol;
	struct rf_place place;
};

/* OSM policy v1alpha1 Egress: who may reach what outside the mesh. hosts: for http and https, "*.example.com" allowed; ranges: for tcp
 * which addresses (none given = any), for http and https an additional condition. */
struct rf_egress {
	struct rf_meta meta;
	struct rf_account_ref *sources;
	size_t source_count;
	struct rf_name_ref *hosts;
	size_t host_count;
	struct rf_cidr *ranges;
	size_t range_count;
	struct rf_egress_port *ports;
	size_t port_count;
	struct rf_name_ref *matches; /* HTTPRouteGroup names, in the Egress' namespace; UpstreamTrafficSetting references are not in here */
	size_t match_count;
	bool has_route_groups; /* false: no HTTPRouteGroup is named = every method and path */
};

/* Kinds that are checked strictly and listed, but not enforced yet: UpstreamTrafficSetting, Retry. They admit nothing. */
struct rf_plain_object {
	struct rf_meta meta;
};

struct rf_mesh_config {
	struct rf_meta meta;
	bool permissive;                 /* spec.traffic.enablePermissiveTrafficPolicyMode, default false */
	bool egress;                     /* spec.traffic.enableEgress, default false */
	bool strict_authority;           /* spec.traffic.strictAuthority, ours, default false */
	bool egress_objects_off;         /* spec.featureFlags.enableEgressPolicy: false; then Egress objects open nothing */
	struct rf_exclusions exclusions; /* spec.traffic.{outboundPort,inboundPort,outboundIPRange}ExclusionList */
};

/* Every object of every list below once more, in the order of the files: for listing and editing. */
struct rf_object_ref {
	struct rf_meta meta;
	const struct rf_node *node; /* its tree (tree.h), in the same arena; NULL where the trees were dropped (parts.h), as the next */
	const struct rf_document *document;
	bool in_list; /* an item of a `List`: text_start and text_end are the item's own */
};

struct rf_part;

struct rf_objects {
	struct rf_arena *arena; /* owned */
	struct rf_diags diags;  /* in the same arena */
	struct rf_part **parts; /* joined from these (parts.h), which hold what the lists point to; one reference to each is owned */
	size_t part_count;
#define RF_OBJECT_LIST(type, name)                                                                                                         \
	struct type *name;                                                                                                                 \
	size_t name##_count
	RF_OBJECT_LIST(rf_object_ref, all);
	RF_OBJECT_LIST(rf_namespace, namespaces);
	RF_OBJECT_LIST(rf_service_account, service_accounts);
	RF_OBJECT_LIST(rf_workload, workloads);
	RF_OBJECT_LIST(rf_service, services);
	RF_OBJECT_LIST(rf_ingress, ingresses);
	RF_OBJECT_LIST(rf_traffic_target, targets);
	RF_OBJECT_LIST(rf_http_route_group, route_groups);
	RF_OBJECT_LIST(rf_port_route, tcp_routes);
	RF_OBJECT_LIST(rf_port_route, udp_routes);
	RF_OBJECT_LIST(rf_traffic_split, splits);
	RF_OBJECT_LIST(rf_ingress_backend, ingress_backends);
	RF_OBJECT_LIST(rf_egress, egresses);
	RF_OBJECT_LIST(rf_plain_object, plain);
	RF_OBJECT_LIST(rf_mesh_config, mesh_configs);
#undef RF_OBJECT_LIST
};

/* Limits, each named in the message that reports it. */
#define RF_FILE_MAX  (1024 * 1024) /* bytes of one policy file */
#define RF_FILES_MAX 10000         /* files of one policy directory */
#define RF_DEPTH_MAX 32            /* nesting of one document */

int rf_objects_new(struct rf_objects **ret);
void rf_objects_free(struct rf_objects *objects); /* NULL-safe */
static inline void rf_objects_freep(struct rf_objects **o)
{
	rf_objects_free(*o);
}

/* Adds every document of one file's text (YAML multi-document; JSON if the name ends in .json; a `List` kind is unfolded). Problems go
 * to objects->diags, all of them, not only the first. Returns 0 also with diags, -ENOMEM without memory. `name` is copied. */
int rf_objects_add(struct rf_objects *objects, const char *name, const char *text, size_t len);
/* The same for who neither shows nor edits the documents: the trees, most of the memory, are freed again. */
int rf_objects_add_bare(struct rf_objects *objects, const char *name, const char *text, size_t len);

/* Reads and adds a file, or the *.yaml *.yml *.json files directly inside a directory (sorted by name). display_base: prefix cut off
 * the displayed names, or NULL. Returns 0, -errno of the path itself (nothing added). */
int rf_objects_add_path(struct rf_objects *objects, const char *path, const char *display_base);

/* The annotation by which denials of a Namespace or TrafficTarget pass and are counted: "enabled"; "disabled" is as absent, anything else
 * an error. */
#define RF_AUDIT_ANNOTATION "ringfence.io/audit"
#define RF_AUDIT_ENABLED    "enabled"
const char *rf_meta_annotation(const struct rf_meta *meta, const char *key); /* or NULL */

/* Checks between objects, to be called once after the last add: duplicates, references (warnings of semantics.md), kinds and fields
 * that are accepted but not enforced yet (warnings). */
int rf_objects_check(struct rf_objects *objects);

const char *rf_meta_label(const struct rf_meta *meta, const char *key); /* or NULL */
/* Is this namespace of the mesh? monitored-by == mesh_name and not ignored. Unknown namespace: no. */
bool rf_objects_meshed(const struct rf_objects *objects, const char *ns, const char *mesh_name);
/* The same of a Namespace that was found. */
bool rf_namespace_meshed(const struct rf_meta *ns, const char *mesh_name);
/* Effective MeshConfig: the one object or the defaults (two are an error of check). */
struct rf_mesh_config rf_objects_mesh_config(const struct rf_objects *objects);
