/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees are D = <bpffs_dir>, D_new and D_old. The steps, and why a kill -9 after each of them is safe; "hook" is an attachment to a
 * cgroup or to a pod's veth. A hook is moved by one link update (or filter replacement), so it always runs one whole program with one whole
 * set of maps, and both sets hold the same revision: nothing forbidden passes whatever the mixture.
 *
 *  1. D_new is built: maps of the same layout are shared (pinned a second time; above all those that hang on sockets, which nobody
 *     can copy), the others are made anew and filled from D. No hook uses them. Killed: the next start removes D_new and begins again.
 *  2. Every link is pinned in D_new, too. Killed: as 1; D's pins still hold the links.
 *  3. rename D -> D_old, rename D_new -> D. Killed in between: there is no D but a D_old, which is renamed back. Killed
 *     afterwards: there are a D and a D_old, so the next start does the rest. No hook has been moved, all of them still use D_old's
 *     maps, and an agent writes nothing before the rest is done.
 *  4. Every hook is moved. In between a flow that began at a hook of the one kind is not known to one of the other: those packets are
 *     dropped, in silence while RF_CONTROL_TAKEOVER is set, and sent again. Older flows are in both tables. Killed: the mixture
 *     stays until the next start, which moves all hooks again.
 *  5. A grace period: no program of the former kind runs any more. What came into D_old since 1 is carried. Killed: it is carried again; an
 *     entry that has seen a packet since is not overwritten.
 *  6. The flag is taken back and D_old removed, which drops the last references to its maps and the second pins of the links.
 *
 * A start by a third layout, or by the former one again, between 3 and 6 does the same with D as its source, and D_old's flows besides.
 */
#include "datapath/takeover.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/carry.h"
#include "datapath/pinned_btf.h"

#define TREE_MAX (sizeof(((struct rf_instance *)0)->bpffs_dir) + 8)

struct trees {
	char live[TREE_MAX], fresh[TREE_MAX], old[TREE_MAX];
};

static struct trees trees_of(const struct rf_instance *instance)
{
	struct trees t;

	snprintf(t.live, sizeof(t.live), "%s", instance->bpffs_dir);
	snprintf(t.fresh, sizeof(t.fresh), "%s_new", instance->bpffs_dir);
	snprintf(t.old, sizeof(t.old), "%s_old", instance->bpffs_dir);
	return t;
}

static void warn(struct rf_datapath *dp, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct rf_datapath *dp, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(dp->warnings[RF_DATAPATH_WARNING_TAKEOVER], sizeof(dp->warnings[0]), format, ap);
	va_end(ap);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int rf_takeover_tidy(struct rf_datapath *dp)
{
	struct trees t = trees_of(&dp->instance);

	if (!exists(t.live) && exists(t.old) && rename(t.old, t.live) < 0)
		return rf_dp_fail(dp, errno, "cannot rename '%s' to '%s'", t.old, t.live);
	return 0;
}

/* Calls fn for every pin in <dir>/<sub>. */
static int each_pin(const char *dir, const char *sub, int (*fn)(void *arg, const char *sub, const char *name, int fd), void *arg)
{
	char path[TREE_MAX + 32];
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		_cleanup_close_ int fd = -1;
		int r;

		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		fd = rf_dp_pinned(dir, sub, e->d_name);
		if (fd < 0)
			continue; /* "links" has the directory "pods" */
		r = fn(arg, sub, e->d_name, fd);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- 1. build and carry ---- */

static int share_maps(struct rf_datapath *dp, const struct rf_comparison *c, const char *live)
{
	for (size_t i = 0; i < c->count; i++) {
		_cleanup_close_ int fd = c->maps[i].same ? rf_dp_pinned(live, "maps", c->maps[i].name) : -1;
		int r = 0;

		if (c->maps[i].same)
			r = fd < 0 ? fd : rf_dp_pin(fd, dp->dir, "maps", c->maps[i].name);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot share the map '%s'", c->maps[i].name);
	}
	return 0;
}

static int find_table(const char *name)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		if (!strcmp(rf_table_names[i], name))
			return i;
	return -1;
}

static int inner_of(int outer, __u32 slot)
{
	__u32 id;
	int fd;

	if (bpf_map_lookup_elem(outer, &slot, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int max_entries_of(int fd, __u32 *ret)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*ret = info.max_entries;
	return 0;
}

/* The live revision's table, made again in this layout. */
static int carry_table(struct rf_datapath *dp, int table, int from_outer, rf_epoch_t epoch, const struct btf *from_btf,
		       struct rf_carried *carried)
{
	const struct rf_table_spec *s = &rf_table_specs[table];
	const struct btf *to_btf = bpf_object__btf(dp->objects[RF_OBJECT_ASK]);
	struct rf_carry_types types = {.from_key = rf_layout_named(from_btf, s->key_type),
				       .from_value = rf_layout_named(from_btf, s->value_type),
				       .to_key = rf_layout_named(to_btf, s->key_type),
				       .to_value = rf_layout_named(to_btf, s->value_type)};
	__u32 slot = epoch % RF_SLOTS, entries = 0;
	_cleanup_close_ int from = inner_of(from_outer, slot), to = -1;
	int r = from < 0 ? from : max_entries_of(from, &entries);

	if (r < 0)
		return r;
	to = rf_dp_table_make(dp, (enum rf_table_id)table, entries);
	if (to < 0)
		return to;
	r = rf_carry_map(from, to, &types, carried);
	if (r == 0 && table == RF_TABLE_ROUTES)
		r = bpf_map_freeze(to) < 0 ? -errno : 0;
	if (r == 0 && bpf_map_update_elem(dp->tables[table], &slot, &to, BPF_ANY) < 0)
		r = -errno;
	return r;
}

static __u32 map_type(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? BPF_MAP_TYPE_UNSPEC : info.type;
}

static int carry_one(struct rf_datapath *dp, const char *live, const char *name, rf_epoch_t epoch, const struct btf *ask,
		     struct rf_carried *carried)
{
	_cleanup_close_ int from = rf_dp_pinned(live, "maps", name), to = rf_dp_pinned(dp->dir, "maps", name);
	int table = find_table(name);

	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	if (map_type(from) == BPF_MAP_TYPE_RINGBUF)
		return 0; /* events that nobody has read yet go with it */
	if (map_type(from) == BPF_MAP_TYPE_SK_STORAGE) {
		warn(dp,
		     "what sockets carry for the map '%s' has another layout and could not be taken along: connections of pods that "
		     "are older than this agent end",
		     name);
		return 0;
	}
	if (table >= 0)
		return epoch ? carry_table(dp, table, from, epoch, ask, carried) : 0;
	return rf_carry_map(from, to, NULL, carried);
}

/* The epoch came along; whose layout it is did not. */
static int own_control(struct rf_datapath *dp)
{
	struct rf_control control;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control) < 0)
		return rf_dp_fail(dp, errno, "cannot read the control map");
	if (control.layout == RF_LAYOUT_VERSION)
		return 0;
	control.layout = RF_LAYOUT_VERSION;
	if (bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the control map");
	return 0;
}

/* Tables that the other version did not have: the live revision has nothing in them. */
static int make_missing(struct rf_datapath *dp, rf_epoch_t epoch)
{
	__u32 slot = epoch % RF_SLOTS, id;

	for (int i = 0; epoch && i < _RF_TABLE_MAX; i++) {
		_cleanup_close_ int fd = -1;

		if (bpf_map_lookup_elem(dp->tables[i], &slot, &id) == 0)
			continue;
		fd = rf_dp_table_make(dp, (enum rf_table_id)i, 0);
		if (fd < 0 || bpf_map_update_elem(dp->tables[i], &slot, &fd, BPF_ANY) < 0)
			return rf_dp_fail(dp, fd < 0 ? -fd : errno, "cannot make the table '%s'", rf_table_names[i]);
		if (rf_dp_pin(fd, dp->dir, "live", rf_table_names[i]) < 0)
			warn(dp, "'%s/live/%s' is not there until the next revision", dp->dir, rf_table_names[i]);
	}
	return 0;
}

static int carry_all(struct rf_datapath *dp, const struct rf_comparison *c, const char *live)
{
	RF_CLEANUP(rf_btf_freep) struct btf *ask = rf_btf_of_program(live, "rf_ask");
	rf_epoch_t epoch = c->epoch;
	int r;

	for (size_t i = 0; i < c->count; i++) {
		struct rf_carried carried = {};

		r = c->maps[i].same ? 0 : carry_one(dp, live, c->maps[i].name, epoch, ask, &carried);

		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot carry the map '%s' over to this version's layout", c->maps[i].name);
		if (carried.lost)
			warn(dp, "%zu entries of the map '%s' found no room in this version's", carried.lost, c->maps[i].name);
	}
	r = make_missing(dp, epoch);
	return r < 0 ? r : own_control(dp);
}

/* What cannot be converted stays behind: everything is denied until the agent publishes, and open connections of pods are reset. */
static int begin_empty(struct rf_datapath *dp, const struct rf_comparison *c)
{
	struct rf_control control = {.layout = RF_LAYOUT_VERSION};
	__u32 zero = 0;

	if (rf_layout_is_convertible(c->version))
		warn(dp, "the tables in the kernel were not whole (an uninstall that was interrupted?): this agent began with empty ones");
	else
		warn(dp,
		     "tables of layout %u cannot be converted to layout %u: this agent began with empty ones, and connections of pods "
		     "that were open were reset",
		     c->version, RF_LAYOUT_VERSION);
	if (bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the control map");
	return 0;
}

static int carry_live_pin(void *arg, const char *sub, const char *name, int fd)
{
	struct rf_datapath *dp = arg;
	int table = find_table(name);
	rf_epoch_t epoch = 0;
	_cleanup_close_ int inner = -1;

	(void)fd;
	if (table < 0 || rf_datapath_epoch(dp, &epoch) < 0 || !epoch)
		return 0;
	inner = inner_of(dp->tables[table], epoch % RF_SLOTS);
	return inner < 0 ? 0 : rf_dp_pin(inner, dp->dir, sub, name);
}

static int build(struct rf_datapath *dp, const struct rf_comparison *c, const struct trees *t)
{
	int r;

	snprintf(dp->dir, sizeof(dp->dir), "%s", t->fresh);
	r = rf_dp_unpin_tree(dp->dir, false, NULL, NULL);
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot remove the half-built '%s'", dp->dir);
	r = rf_dp_make_directories(dp);
	if (r == 0)
		r = share_maps(dp, c, t->live);
	if (r == 0)
		r = rf_dp_load_all(dp);
	if (r == 0)
		r = c->convertible ? carry_all(dp, c, t->live) : begin_empty(dp, c);
	if (r == 0 && each_pin(t->live, "live", carry_live_pin, dp) < 0)
		warn(dp, "'%s/live' does not show the live tables until the next revision", t->live);
	return r;
}

/* ---- 2. and 3. publish ---- */

static int pin_again(void *arg, const char *sub, const char *name, int fd)
{
	const char *fresh = arg;

	return rf_dp_pin(fd, fresh, sub, name);
}

static void carry_late(struct rf_datapath *dp, const char *from_dir);

static int publish(struct rf_datapath *dp, struct trees *t)
{
	int r = each_pin(t->live, "links", pin_again, t->fresh);

	if (r == 0)
		r = each_pin(t->live, "links/pods", pin_again, t->fresh);
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot pin the links in '%s'", t->fresh);
	if (exists(t->old)) { /* of a takeover that did not come to its end */
		carry_late(dp, t->old);
		r = rf_dp_unpin_tree(t->old, false, NULL, NULL);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot remove '%s'", t->old);
	}
	if (rename(t->live, t->old) < 0)
		return rf_dp_fail(dp, errno, "cannot rename '%s' to '%s'", t->live, t->old);
	if (rename(t->fresh, t->live) < 0)
		return rf_dp_fail(dp, errno, "cannot publish '%s'", t->live);
	snprintf(dp->dir, sizeof(dp->dir), "%s", t->live);
	return 0;
}

/* ---- 4. move the hooks ---- */

static int move_pod_link(void *arg, const char *sub, const char *name, int fd)
{
	struct rf_datapath *dp = arg;

	(void)sub;
	return rf_dp_tc_move_link(dp, name, fd);
}

#define FILTERS_MAX 65536 /* interfaces; a bound, for a walk that a removal could make begin anew */

/* Kernels without tcx have filters, which no pin names; the interfaces are in the map `links`. */
static int move_filters(struct rf_datapath *dp)
{
	__u32 ifindex, next, *previous = NULL;

	for (__u32 i = 0; i < FILTERS_MAX && bpf_map_get_next_key(dp->maps[RF_MAP_LINKS], previous, &next) == 0; i++) {
		int r = rf_dp_tc_move_filters(dp, next);

		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot move the filters of interface %u", next);
		ifindex = next;
		previous = &ifindex;
	}
	return 0;
}

static int set_flag(struct rf_datapath *dp, bool on)
{
	struct rf_control control;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control) < 0)
		return rf_dp_fail(dp, errno, "cannot read the control map");
	if (on == ((control.flags & RF_CONTROL_TAKEOVER) != 0))
		return 0;
	control.flags ^= RF_CONTROL_TAKEOVER;
	if (bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the control map");
	return 0;
}

static int move_hooks(struct rf_datapath *dp)
{
	int r = rf_dp_attach_cgroups(dp);

	if (r < 0)
		return r;
	r = each_pin(dp->dir, "links/pods", move_pod_link, dp);
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot move the links in '%s/links/pods'", dp->dir);
	return move_filters(dp);
}

/* ---- 5. what came late ---- */

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? 0 : info.id;
}

/* Everything is enforced whether this succeeds or not; a flow that stays behind ends, and that is said. */
static void carry_late(struct rf_datapath *dp, const char *from_dir)
{
	static const enum rf_map_id ids[] = {RF_MAP_FLOWS, RF_MAP_ORIGDST, RF_MAP_AUDIT};

	if (!rf_layout_is_convertible(rf_layout_version_of(from_dir)))
		return;
	for (size_t i = 0; i < RF_ARRAY_SIZE(ids); i++) {
		int to = dp->maps[ids[i]], r;
		_cleanup_close_ int from = rf_dp_pinned(from_dir, "maps", rf_map_names[ids[i]]);
		struct rf_carried carried = {};

		if (from < 0 || map_id(from) == map_id(to))
			continue;
		r = ids[i] == RF_MAP_FLOWS ? rf_carry_flows(from, to, &carried) : rf_carry_missing(from, to, &carried);
		if (ids[i] == RF_MAP_AUDIT)
			continue; /* a row that both have keeps what it had: it counts those few connections less */
		if (r < 0 || carried.lost)
			warn(dp, "connections that began during the takeover may have ended: map '%s': %s", rf_map_names[ids[i]],
			     r < 0 ? strerror(-r) : "full");
	}
}

/* ---- all of it ---- */

int rf_takeover_finish(struct rf_datapath *dp)
{
	struct trees t = trees_of(&dp->instance);
	bool old = exists(t.old);
	int r = old ? set_flag(dp, true) : 0;

	if (r == 0)
		r = old ? move_hooks(dp) : rf_dp_attach_cgroups(dp);
	if (r < 0)
		return r;
	if (old) {
		r = rf_dp_grace(dp);
		if (r < 0)
			return r;
		carry_late(dp, t.old);
	}
	r = set_flag(dp, false);
	if (r == 0 && old) {
		r = rf_dp_unpin_tree(t.old, false, NULL, NULL);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot remove '%s'", t.old);
	}
	return r;
}

/* "took over tables of another layout: pods, peers, flows" */
static void note(struct rf_datapath *dp, const struct rf_comparison *c)
{
	size_t used =
		(size_t)snprintf(dp->note, sizeof(dp->note), "%s tables of another layout", c->convertible ? "took over" : "replaced");
	const char *separator = ": ";

	for (size_t i = 0; i < c->count && used < sizeof(dp->note); i++) {
		if (c->maps[i].same)
			continue;
		used += (size_t)snprintf(dp->note + used, sizeof(dp->note) - used, "%s%s", separator, c->maps[i].name);
		separator = ", ";
	}
}

int rf_takeover(struct rf_datapath *dp, const struct rf_comparison *comparison)
{
	struct trees t = trees_of(&dp->instance);
	int r = build(dp, comparison, &t);

	if (r == 0)
		r = publish(dp, &t);
	if (r == 0)
		r = rf_takeover_finish(dp);
	if (r == 0)
		note(dp, comparison);
	return r;
}
