/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing a revision. 1. every table is made as a map of its own and filled; 2. each is stored into the slot of the outer map that is
 * not live; 3. control.epoch is stored: the switch. Before 2, no program may still read the revision before the live one, whose slot is
 * about to be overwritten: grace.c waits for that, which began behind the last switch. A failure before 3 changes nothing that a program
 * looks at.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "datapath/private.h"
#include "policy/policy.h"

const struct rf_table_spec rf_table_specs[_RF_TABLE_MAX] = {
	[RF_TABLE_CONFIG] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, 4, sizeof(struct rf_config), "unsigned int", "rf_config"},
	[RF_TABLE_IDENTS] = {BPF_MAP_TYPE_HASH, 0, sizeof(rf_identity_t), sizeof(struct rf_ident), "rf_identity_t", "rf_ident"},
	[RF_TABLE_ALLOW] = {BPF_MAP_TYPE_HASH, 0, sizeof(struct rf_allow_key), sizeof(struct rf_allow_value), "rf_allow_key",
			    "rf_allow_value"},
	[RF_TABLE_INGRESS] = {BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, sizeof(struct rf_ingress_key), sizeof(struct rf_ingress_value),
			      "rf_ingress_key", "rf_ingress_value"},
	[RF_TABLE_EGRESS] = {BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, sizeof(struct rf_egress_key), sizeof(struct rf_egress_value),
			     "rf_egress_key", "rf_egress_value"},
	[RF_TABLE_EXCLUSIONS] = {BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, sizeof(struct rf_exclusion_key),
				 sizeof(struct rf_exclusion_value), "rf_exclusion_key", "rf_exclusion_value"},
	[RF_TABLE_SPLITS] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, 4, sizeof(struct rf_split_part), "unsigned int", "rf_split_part"},
	[RF_TABLE_SERVICE_NAMES] = {BPF_MAP_TYPE_HASH, 0, sizeof(struct rf_addr), sizeof(struct rf_name), "rf_addr", "rf_name"},
	[RF_TABLE_SERVICES] = {BPF_MAP_TYPE_HASH, 0, sizeof(struct rf_service_key), sizeof(struct rf_service_value), "rf_service_key",
			       "rf_service_value"},
	[RF_TABLE_BACKENDS] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, 4, sizeof(struct rf_backend), "unsigned int", "rf_backend"},
	[RF_TABLE_RULES] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, 4, sizeof(struct rf_rule), "unsigned int", "rf_rule"},
	[RF_TABLE_ROUTES] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP | BPF_F_MMAPABLE, 4, sizeof(__u64), "unsigned int", "__u64"},
};

struct content { /* keys NULL: an array, key = index */
	const void *keys;
	const void *values;
	size_t count;
};

static struct content content_of(const struct rf_policy *p, enum rf_table_id id)
{
	switch (id) {
	case RF_TABLE_CONFIG:
		return (struct content){NULL, &p->config, 1};
	case RF_TABLE_IDENTS:
		return (struct content){p->idents_keys, p->idents_values, p->idents_count};
	case RF_TABLE_ALLOW:
		return (struct content){p->allow_keys, p->allow_values, p->allow_count};
	case RF_TABLE_INGRESS:
		return (struct content){p->ingress_keys, p->ingress_values, p->ingress_count};
	case RF_TABLE_EGRESS:
		return (struct content){p->egress_keys, p->egress_values, p->egress_count};
	case RF_TABLE_EXCLUSIONS:
		return (struct content){p->exclusions_keys, p->exclusions_values, p->exclusions_count};
	case RF_TABLE_SPLITS:
		return (struct content){NULL, p->splits, p->split_count};
	case RF_TABLE_SERVICE_NAMES:
		return (struct content){p->service_names_keys, p->service_names_values, p->service_names_count};
	case RF_TABLE_SERVICES:
		return (struct content){p->services_keys, p->services_values, p->services_count};
	case RF_TABLE_BACKENDS:
		return (struct content){NULL, p->backends, p->backend_count};
	case RF_TABLE_RULES:
		return (struct content){NULL, p->rules, p->rule_count};
	case RF_TABLE_ROUTES:
		return (struct content){NULL, p->routes, p->routes_size / sizeof(__u64)};
	default:
		return (struct content){};
	}
}

/* BTF is for people: where the kernel refuses a map with it, there is one without. */
int rf_dp_table_make(struct rf_datapath *dp, enum rf_table_id table, size_t count)
{
	const struct rf_table_spec *s = &rf_table_specs[table];
	const char *name = rf_table_names[table];
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = s->flags);
	struct btf *btf = bpf_object__btf(dp->objects[RF_OBJECT_ASK]);
	__s32 key = btf__find_by_name(btf, s->key_type), value = btf__find_by_name(btf, s->value_type);
	__u32 entries = count ? (__u32)count : 1;
	int fd;

	if (dp->has_inner_btf && key > 0 && value > 0) {
		opts.btf_fd = (__u32)bpf_object__btf_fd(dp->objects[RF_OBJECT_ASK]);
		opts.btf_key_type_id = (__u32)key;
		opts.btf_value_type_id = (__u32)value;
	}
	fd = bpf_map_create(s->type, name, s->key_size, s->value_size, entries, &opts);
	if (fd < 0 && opts.btf_fd) {
		opts.btf_fd = opts.btf_key_type_id = opts.btf_value_type_id = 0;
		fd = bpf_map_create(s->type, name, s->key_size, s->value_size, entries, &opts);
	}
	return fd < 0 ? -errno : fd;
}

static int fill(int fd, const struct rf_table_spec *s, const struct content *c)
{
	return rf_dp_fill(fd, &(struct rf_dp_content){c->keys, c->values, c->count, s->key_size, s->value_size});
}

/* The blob goes in through memory and is frozen: nobody, not even root through the system call, changes it afterwards. */
static int fill_routes(int fd, const struct content *c)
{
	size_t size = (c->count ? c->count : 1) * sizeof(__u64);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	if (c->count)
		memcpy(p, c->values, size);
	munmap(p, size);
	return bpf_map_freeze(fd) < 0 ? -errno : 0;
}

struct build {
	int fds[_RF_TABLE_MAX];
};

static void build_done(struct build *b)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		rf_closep(&b->fds[i]);
}

static int build_tables(struct rf_datapath *dp, const struct rf_policy *policy, struct build *b)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		struct content c = content_of(policy, (enum rf_table_id)i);
		int r;

		b->fds[i] = rf_dp_table_make(dp, (enum rf_table_id)i, c.count);
		if (b->fds[i] < 0)
			return rf_dp_fail(dp, -b->fds[i], "cannot make the table '%s' for %zu entries", rf_table_names[i], c.count);
		r = i == RF_TABLE_ROUTES ? fill_routes(b->fds[i], &c) : fill(b->fds[i], &rf_table_specs[i], &c);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot fill the table '%s' with %zu entries", rf_table_names[i], c.count);
	}
	return 0;
}

struct store {
	int outer, inner;
	__u32 slot;
	int result;
};

static void *store_run(void *arg)
{
	struct store *s = arg;

	s->result = bpf_map_update_elem(s->outer, &s->slot, &s->inner, BPF_ANY) < 0 ? -errno : 0;
	return NULL;
}

/* Each outer store waits for a grace period of the kernel (tens of milliseconds); side by side they share it. */
static int store_tables(struct rf_datapath *dp, const struct build *b, __u32 slot)
{
	struct store stores[_RF_TABLE_MAX];
	pthread_t threads[_RF_TABLE_MAX];
	bool started[_RF_TABLE_MAX];
	int r = 0;

	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		stores[i] = (struct store){.outer = dp->tables[i], .inner = b->fds[i], .slot = slot};
		started[i] = pthread_create(&threads[i], NULL, store_run, &stores[i]) == 0;
		if (!started[i])
			store_run(&stores[i]);
	}
	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		if (stores[i].result < 0)
			r = rf_dp_fail(dp, -stores[i].result, "cannot store the table '%s'", rf_table_names[i]);
	}
	return r;
}

static int add_names(struct rf_datapath *dp, const struct rf_policy *policy)
{
	int r = rf_dp_fill(dp->maps[RF_MAP_NAMES], &(struct rf_dp_content){policy->names_keys, policy->names_values, policy->names_count,
									   sizeof(*policy->names_keys), sizeof(*policy->names_values)});

	return r < 0 ? rf_dp_fail(dp, -r, "cannot store a name (the map 'names' holds %zu)", policy->names_count) : 0;
}

static int compare_identities(const void *a, const void *b)
{
	rf_identity_t x = *(const rf_identity_t *)a, y = *(const rf_identity_t *)b;

	return x < y ? -1 : x > y;
}

/* FNV-1a (headers/ringfence/identity.h) over all numbers; never 0. */
static uint64_t digest_names(const struct rf_policy *policy)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < policy->names_count; i++)
		h = (h ^ policy->names_keys[i]) * 0x100000001b3ULL;
	return h ? h : 1;
}

/* After the switch: names that the policy does not know go. At most as many as the policy has, so a sweep is bounded; the next does the
 * rest. */
static void prune_names(struct rf_datapath *dp, const struct rf_policy *policy)
{
	size_t count = policy->names_count, victims = 0, room = count + 1024;
	_cleanup_free_ rf_identity_t *known = NULL, *gone = NULL;
	rf_identity_t key, *previous = NULL, next;
	uint64_t digest = digest_names(policy);
	bool ended = false;

	if (digest == dp->pruned_names)
		return;
	known = calloc(count + 1, sizeof(*known));
	gone = calloc(room, sizeof(*gone));
	if (!known || !gone)
		return; /* a name too many harms nobody */
	if (count)
		memcpy(known, policy->names_keys, count * sizeof(*known));
	qsort(known, count, sizeof(*known), compare_identities);
	for (size_t seen = 0; seen < 2 * room && victims < room; seen++) {
		ended = bpf_map_get_next_key(dp->maps[RF_MAP_NAMES], previous, &next) < 0;
		if (ended)
			break;
		key = next;
		previous = &key;
		if (!bsearch(&key, known, count, sizeof(*known), compare_identities))
			gone[victims++] = key;
	}
	for (size_t i = 0; i < victims; i++)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_NAMES], &gone[i]);
	dp->pruned_names = ended ? digest : 0;
}

/* Stable paths for bpftool. The switch has happened: a failure here is not one of the revision, but what people look at is stale. */
static void repin_live(struct rf_datapath *dp, const struct build *b)
{
	char *warning = dp->warnings[RF_DATAPATH_WARNING_LIVE];

	warning[0] = '\0';
	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		int r = rf_dp_pin(b->fds[i], dp->dir, "live", rf_table_names[i]);

		if (r < 0)
			snprintf(warning, sizeof(dp->warnings[0]), "'%s/live/%s' does not show the live table: it cannot be pinned: %s",
				 dp->dir, rf_table_names[i], strerror(-r));
	}
}

int rf_datapath_epoch(struct rf_datapath *dp, rf_epoch_t *ret)
{
	struct rf_control control;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control) < 0)
		return rf_dp_fail(dp, errno, "cannot read the control map");
	*ret = control.epoch;
	return 0;
}

int rf_datapath_publish(struct rf_datapath *dp, const struct rf_policy *policy)
{
	struct rf_control control;
	__u32 zero = 0, slot = policy->config.epoch % RF_SLOTS;
	RF_CLEANUP(build_done) struct build b;
	rf_epoch_t live = 0;
	int r;

	memset(&b, 0xff, sizeof(b));
	r = rf_datapath_epoch(dp, &live);
	if (r < 0)
		return r;
	if (policy->config.epoch != live + 1)
		return rf_dp_fail(dp, ESTALE, "revision %u does not follow the live revision %u", policy->config.epoch, live);
	r = build_tables(dp, policy, &b);
	if (r == 0)
		r = add_names(dp, policy);
	if (r == 0)
		r = rf_dp_grace_since(dp, live); /* the slot may be written again only when nobody reads the revision before the live one */
	if (r == 0)
		r = store_tables(dp, &b, slot);
	if (r < 0)
		return r;
	if (bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control) < 0)
		return rf_dp_fail(dp, errno, "cannot read the control map");
	control.epoch = policy->config.epoch;
	control.layout = RF_LAYOUT_VERSION;
	control.switched_ns = rf_now_ns();
	if (bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot switch to revision %u", control.epoch);
	rf_dp_grace_begin(dp, control.epoch);
	repin_live(dp, &b);
	prune_names(dp, policy);
	return 0;
}
