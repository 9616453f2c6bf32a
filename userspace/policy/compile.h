/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the stages of the policy compiler; nobody outside userspace/policy/ includes this. Every stage takes what the stages before it
 * put into rf_compile and adds its own tables; all of them return 0 or -errno and say why in diags. Determinism comes from one habit:
 * a stage never walks the objects in their given order, only through an index sorted by namespace and name.
 *
 *	subjects -> identities (and audit) -> ports -> services -> splits -> targets -> egress_grants -> atoms -> automata -> allow ->
 *routes
 *	-> egress -> ingress -> exclusions -> capacity
 */
#pragma once

#include "automaton/automaton.h"
#include "core/arena.h"
#include "policy/policy.h"

/* Objects of one kind, sorted by (namespace, name). */
struct rf_index {
	const struct rf_meta **items;
	size_t count;
};
/* objects: array of structs of `stride` bytes that begin with their rf_meta. */
int rf_index_build(struct rf_arena *arena, const void *objects, size_t count, size_t stride, struct rf_index *ret);
const struct rf_meta *rf_index_find(const struct rf_index *index, const char *ns, const char *name); /* or NULL */
size_t rf_index_position(const struct rf_index *index, const struct rf_meta *meta);                  /* of an item that is in it */

/* A pod that runs, or one that a Deployment or Pod object would start: what a Service can select. */
struct rf_subject {
	const char *ns;
	const char *name;
	const char *service_account;
	const struct rf_pair_text *labels;
	size_t label_count;
	bool running;
	struct rf_subject_addr addr;        /* running only */
	const struct rf_endpoint *endpoint; /* running only, or NULL */
	struct rf_place place;              /* of the object; line 0 for a running pod */
};

/* One label of one subject, found by namespace, key and value (select.h). */
struct rf_label_row {
	uint64_t hash;
	uint32_t subject; /* position in `subjects` */
	uint32_t pad;
};

/* A ServiceAccount that any object or pod names. */
struct rf_account {
	const char *ns;
	const char *name;
	rf_identity_t id;
	bool meshed;
	bool datagrams;        /* a UDPRoute protects it */
	uint8_t audit;         /* RF_AUDIT_* */
	struct rf_place place; /* where it is named first; line 0 = only running pods have it */
};

/* A TCP port that a ServiceAccount's pods serve, by declaration of a Service. */
struct rf_served {
	rf_identity_t account;
	uint16_t port; /* targetPort */
	bool l7;       /* http or grpc */
};

/* One match of an HTTPRouteGroup: position of the group in its index << 32 | position of the match in the group. */
typedef uint64_t rf_atom_ref;

struct rf_atom {
	rf_atom_ref ref;
	const struct rf_http_route_group *group;
	const struct rf_http_match *match;
	uint32_t rule_id;
};

/* What is granted to one source on one port of one destination: first by one TrafficTarget, then, merged, by all of them. */
struct rf_pair {
	rf_identity_t src;
	rf_identity_t dst;
	uint16_t port; /* 0 = any: UDP only */
	uint8_t proto;
	bool l7;
	uint32_t target;          /* position in the index; the first one that grants */
	const rf_atom_ref *atoms; /* ascending, each once */
	size_t atom_count;
	uint32_t routes_id; /* set by automata.c */
};

/* One grant of the blob, before it has an offset. */
#define RF_NO_IMAGE SIZE_MAX
struct rf_grant {
	size_t image;          /* position in images; RF_NO_IMAGE: no route at all */
	size_t authority;      /* the same, of a text automaton; RF_NO_IMAGE: any */
	const uint64_t *atoms; /* bitmap, NULL without an image */
	size_t words;
};

/* One source of an Egress on one of its ports. */
struct rf_egress_claim {
	rf_identity_t src;
	const struct rf_account_ref *source;
	const struct rf_egress *egress;
	const struct rf_egress_port *port;
	size_t sequence;
};

/* What the http or https ports of Egress objects grant one source on one port: the request checker decides there. */
struct rf_egress_grant {
	rf_identity_t src;
	uint16_t port;
	enum rf_egress_kind kind;         /* http and https on one (src, port): http, with a warning */
	const struct rf_egress **objects; /* those with such a port of this kind that admit anything, in the order of the index */
	size_t count;                     /* may be 0: none of them names a host; every request is denied */
	uint32_t rule_id;                 /* of the first object with such a port */
	uint32_t routes_id;               /* set by automata.c */
};

/* Under RF_PERMISSIVE_NAMED: an http or grpc port, and by which names it may be asked. */
struct rf_named_port {
	rf_identity_t dst;
	uint16_t port;
	uint32_t routes_id; /* grant of other namespaces' sources */
	uint32_t local_id;  /* of those of its own */
};

struct rf_compile {
	const struct rf_policy_input *input;
	const struct rf_objects *objects;
	struct rf_diags *diags;
	struct rf_arena *arena; /* scratch, freed when compile returns */
	struct rf_policy *policy;

	struct rf_index namespaces;
	struct rf_index services;
	struct rf_index targets;
	struct rf_index route_groups;
	struct rf_index tcp_routes;
	struct rf_index udp_routes;
	struct rf_index ingress_backends;
	struct rf_index egresses;
	struct rf_index splits;

	struct rf_subject *subjects; /* sorted by (ns, name, running, address) */
	size_t subject_count;
	struct rf_label_row *label_rows; /* sorted by (hash, subject) */
	size_t label_row_count;
	struct rf_account *accounts; /* sorted by (ns, name) */
	size_t account_count;
	/* [i]: the TrafficSplit in force for the Service at position i of the index, or NULL; its backends answer to the root's names, too
	 */
	const struct rf_traffic_split **root_splits;
	size_t *service_entries;  /* [i]: where the entries in `services` of the Service at position i of the index begin; one more at the
				     end */
	uint32_t *account_slots;  /* by hash of the name: position + 1, 0 = free */
	size_t account_room;      /* of account_slots: a power of two, at least twice as many as accounts */
	struct rf_served *served; /* sorted by (account, port) */
	size_t served_count;
	struct rf_pair *pairs; /* sorted by (dst, src, port, proto) */
	size_t pair_count;
	uint32_t *target_rules; /* rule_id of each target, 0 = it grants nothing */
	struct rf_atom *atoms;  /* every route that someone is granted, sorted by ref */
	size_t atom_count;
	/* Of each destination with routes, of names, of what Egress grants; owned, freed by compile.c. */
	struct rf_automaton_image **images;
	size_t image_count;
	struct rf_grant *grants;
	size_t grant_count;
	struct rf_named_port *named_ports; /* sorted by (dst, port) */
	size_t named_port_count;
	struct rf_egress_claim *egress_claims; /* sorted by (src, port) */
	size_t egress_claim_count;
	struct rf_egress_grant *egress_grants; /* sorted by (src, port) */
	size_t egress_grant_count;
	uint32_t *egress_rules; /* rule_id of each Egress, by its position in the index; 0 = it names no source of the mesh */
};

int rf_compile_subjects(struct rf_compile *c);
int rf_compile_identities(struct rf_compile *c);
int rf_compile_ports(struct rf_compile *c);
int rf_compile_services(struct rf_compile *c);
int rf_compile_splits(struct rf_compile *c);
int rf_compile_targets(struct rf_compile *c);
int rf_compile_atoms(struct rf_compile *c);
int rf_compile_automata(struct rf_compile *c);
int rf_compile_permissive(struct rf_compile *c);
int rf_compile_allow(struct rf_compile *c);
int rf_compile_routes(struct rf_compile *c);
int rf_compile_egress_grants(struct rf_compile *c); /* egress_grants and egress_rules */
int rf_compile_egress(struct rf_compile *c);        /* the table, with routes_id */
int rf_compile_ingress(struct rf_compile *c);
int rf_compile_exclusions(struct rf_compile *c);
int rf_compile_capacity(struct rf_compile *c);

/* subjects.c: does a Service select it? An empty selector selects nothing. Whom it selects: select.h. */
bool rf_service_selects(const struct rf_service *service, const struct rf_subject *subject);

/* identities.c: NULL if nothing ever named this account. */
const struct rf_account *rf_account_find(const struct rf_compile *c, const char *ns, const char *name);
/* Refuses two accounts with one number: -EEXIST and both names in diags. */
int rf_accounts_distinct(struct rf_compile *c);

/* ports.c: the ports an account serves. */
const struct rf_served *rf_served_of(const struct rf_compile *c, rf_identity_t account, size_t *ret_count);

/* audit.c: sets `audit` of the accounts. */
void rf_audit_accounts(struct rf_compile *c);

/* services.c: adds the pods behind the Service at this position of the index as a run of backends of one family. 0, -E2BIG, -ENOMEM. */
int rf_service_backends(struct rf_compile *c, size_t position, bool is4, uint16_t port, uint32_t *ret_first, uint32_t *ret_count);
/* services.c: addresses of a Service's running pods, ascending, each once; NULL and 0 if there is none. -ENOMEM only. */
int rf_service_endpoints(const struct rf_compile *c, struct rf_arena *arena, const struct rf_service *service,
			 const struct rf_subject_addr **ret, size_t *ret_count);

/* egress.c: the rule of an Egress that is in the index. */
uint32_t rf_egress_rule(const struct rf_compile *c, const struct rf_egress *egress);

/* atoms.c: the routes that one HTTPRouteGroup rule of a target names, added to *refs (unsorted). */
int rf_atoms_of_rule(struct rf_compile *c, const struct rf_traffic_target *target, const struct rf_target_rule *rule, rf_atom_ref **refs,
		     size_t *count);
size_t rf_atoms_sort(rf_atom_ref *refs, size_t count); /* ascending, each once; returns how many are left */
const struct rf_atom *rf_atom_find(const struct rf_compile *c, rf_atom_ref ref);
/* One match as the automaton takes it, with its header conditions and then those of `more`. 0 or -ENOMEM. */
int rf_atom_write(struct rf_compile *c, const struct rf_http_match *match, const struct rf_route_condition *more, size_t more_count,
		  uint32_t rule_id, struct rf_route_atom *ret);
uint64_t rf_atoms_digest(const struct rf_route_atom *atoms, size_t count); /* rule numbers do not count */

/* grants.c: builds an automaton and keeps it; *ret is its position in images. A failure is told in diags at `place`, `what` says whose. */
int rf_image_add(struct rf_compile *c, const struct rf_route_atom *atoms, size_t count, struct rf_place place, const char *what,
		 size_t *ret);
/* The number of a new grant, or -ENOMEM. digest: of what its automaton was built from. */
int rf_grant_add(struct rf_compile *c, const struct rf_grant *grant, uint64_t digest);
uint64_t rf_digest(uint64_t hash, const void *data, size_t len); /* goes on from hash: RF_DIGEST_START at first */
#define RF_DIGEST_START 0xcbf29ce484222325ULL
/* Text in which nothing has a meaning to RE2. NULL without memory. */
char *rf_pattern_quote(struct rf_arena *arena, const char *text);

/* egress_routes.c: grants of c->egress_grants. */
int rf_compile_egress_routes(struct rf_compile *c);

/* rules.c: adds "KIND ns/name[ part] (file:line)"; part may be NULL. */
int rf_rule_add(struct rf_compile *c, const struct rf_meta *meta, const char *part, struct rf_place at, uint32_t *ret);

/* capacity.c: -E2BIG with name and limit in diags if count is past the limit. */
int rf_capacity(struct rf_compile *c, const char *what, size_t count, size_t max);

static inline int rf_compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}
