/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/drift.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

static const struct {
	const char *name, *text, *help;
} kinds[RF_DRIFT_BITS] = {
#define RF_DRIFT_ROW(sym, bit, name, text, help) [bit] = {name, text, help},
	RF_DRIFTS(RF_DRIFT_ROW)
#undef RF_DRIFT_ROW
};

const char *rf_drift_name(unsigned bit)
{
	return bit < RF_DRIFT_BITS ? kinds[bit].name : NULL;
}

const char *rf_drift_text(unsigned bit)
{
	return bit < RF_DRIFT_BITS ? kinds[bit].text : NULL;
}

const char *rf_drift_help(unsigned bit)
{
	return bit < RF_DRIFT_BITS ? kinds[bit].help : NULL;
}

static __u32 link_program(int fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.prog_id : 0;
}

/* The agent knows what it loaded. Who only inspects believes the pinned link (it runs what it runs), and the pinned program where a program
 * has no link of its own name. */
__u32 rf_dp_live_id(struct rf_datapath *dp, const char *name)
{
	struct bpf_program *program = rf_dp_program(dp, name);
	_cleanup_close_ int pinned = -1, link = -1;
	__u32 id;

	if (program)
		return rf_dp_program_id(bpf_program__fd(program));
	link = rf_dp_pinned(dp->dir, "links", name);
	id = link_program(link);
	if (id)
		return id;
	pinned = rf_dp_pinned(dp->dir, "progs", name);
	return rf_dp_program_id(pinned);
}

/* ---- a pod ---- */

static bool cgroup_is(const char *path, uint64_t id)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == id;
}

uint32_t rf_datapath_pod_drift(struct rf_datapath *dp, const struct rf_pod_hook *hook, const char *cgroup_path)
{
	const uint32_t ifindex = hook->pod.ifindex;
	struct rf_pod_attest a = {};
	uint32_t drift = 0;

	(void)rf_datapath_attest(dp, hook, cgroup_path, &a); /* what cannot be shown is not there */
	drift |= a.cgroup_hooked ? 0 : RF_DRIFT_CGROUP_PROGRAMS;
	drift |= cgroup_is(cgroup_path, hook->cgroup_id) ? 0 : RF_DRIFT_CGROUP_REMADE;
	drift |= a.tc_from_pod ? 0 : RF_DRIFT_TC_FROM_POD;
	drift |= a.tc_to_pod ? 0 : RF_DRIFT_TC_TO_POD;
	drift |= rf_dp_tc_first(dp, ifindex, true) && rf_dp_tc_first(dp, ifindex, false) ? 0 : RF_DRIFT_TC_NOT_FIRST;
	drift |= a.in_maps ? 0 : RF_DRIFT_MAP_ENTRIES;
	drift |= rf_dp_tc_pinned(dp, hook->key, ifindex) ? 0 : RF_DRIFT_LINK_PIN;
	return drift | (rf_dp_cgroup_beside(dp, cgroup_path) ? (uint32_t)RF_DRIFT_BESIDE : 0);
}

void rf_datapath_pod_moved(struct rf_datapath *dp, const struct rf_pod_hook *old, const struct rf_pod_hook *hook)
{
	uint64_t owner;

	if (old->pod.ifindex != hook->pod.ifindex && bpf_map_lookup_elem(dp->maps[RF_MAP_LINKS], &old->pod.ifindex, &owner) == 0 &&
	    owner == old->cgroup_id)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_LINKS], &old->pod.ifindex);
	if (old->cgroup_id != hook->cgroup_id)
		(void)bpf_map_delete_elem(dp->maps[RF_MAP_PODS], &old->cgroup_id);
}

/* ---- the node ---- */

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

/* Number of the live revision's table, 0 = there is none. */
static __u32 live_table(struct rf_datapath *dp, int table, rf_epoch_t epoch)
{
	__u32 slot = epoch % RF_SLOTS, id = 0;

	return bpf_map_lookup_elem(dp->tables[table], &slot, &id) == 0 ? id : 0;
}

static bool pinned_as(struct rf_datapath *dp, const char *sub, const char *name, __u32 id)
{
	_cleanup_close_ int fd = rf_dp_pinned(dp->dir, sub, name);

	return id && map_id(fd) == id;
}

static bool live_pinned(struct rf_datapath *dp, rf_epoch_t epoch)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		if (!pinned_as(dp, "live", rf_table_names[i], live_table(dp, i, epoch)))
			return false;
	return true;
}

static bool maps_pinned(struct rf_datapath *dp)
{
	bool ok = true;

	for (int i = 0; i < _RF_TABLE_MAX && ok; i++)
		ok = pinned_as(dp, "maps", rf_table_names[i], map_id(dp->tables[i]));
	for (int i = 0; i < _RF_MAP_MAX && ok; i++)
		ok = pinned_as(dp, "maps", rf_map_names[i], map_id(dp->maps[i]));
	return ok;
}

static bool programs_pinned(struct rf_datapath *dp)
{
	for (size_t i = 0; rf_dp_program_names[i]; i++) {
		_cleanup_close_ int fd = rf_dp_pinned(dp->dir, "progs", rf_dp_program_names[i]);
		__u32 id = rf_dp_program_id(fd);

		if (!id || id != rf_dp_live_id(dp, rf_dp_program_names[i]))
			return false;
	}
	return true;
}

static bool tables_are(struct rf_datapath *dp, rf_epoch_t epoch)
{
	struct rf_config config = {};

	return rf_datapath_config(dp, &config) == 0 && config.epoch == epoch;
}

uint32_t rf_datapath_node_drift(struct rf_datapath *dp, rf_epoch_t epoch)
{
	rf_epoch_t live = 0;
	uint32_t drift = 0;

	if (rf_datapath_epoch(dp, &live) < 0)
		return RF_DRIFT_NO_TABLES;
	drift |= rf_dp_cgroup_effective(dp, dp->instance.pods_cgroup) && rf_dp_sockd_effective(dp) ? 0 : RF_DRIFT_NODE_PROGRAMS;
	drift |= rf_dp_cgroup_pinned(dp) ? 0 : RF_DRIFT_NODE_LINK_PIN;
	drift |= maps_pinned(dp) ? 0 : RF_DRIFT_MAP_PIN;
	drift |= programs_pinned(dp) ? 0 : RF_DRIFT_PROGRAM_PIN;
	if (epoch && live != epoch)
		return drift | RF_DRIFT_EPOCH; /* its tables are another question, once it is right again */
	if (live && !tables_are(dp, live))
		return drift | RF_DRIFT_NO_TABLES;
	return drift | (!live || live_pinned(dp, live) ? 0 : (uint32_t)RF_DRIFT_LIVE_PIN);
}

static int restore_epoch(struct rf_datapath *dp, rf_epoch_t epoch)
{
	struct rf_control control;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(dp->maps[RF_MAP_CONTROL], &zero, &control) < 0)
		return -errno;
	control.epoch = epoch;
	return bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0 ? -errno : 0;
}

static int repin_live(struct rf_datapath *dp, rf_epoch_t epoch)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		__u32 id = live_table(dp, i, epoch);
		_cleanup_close_ int fd = id ? bpf_map_get_fd_by_id(id) : -1;
		int r = fd < 0 ? -errno : rf_dp_pin(fd, dp->dir, "live", rf_table_names[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int repin_maps(struct rf_datapath *dp)
{
	int r = 0;

	for (int i = 0; i < _RF_TABLE_MAX && r == 0; i++)
		if (!pinned_as(dp, "maps", rf_table_names[i], map_id(dp->tables[i])))
			r = rf_dp_pin(dp->tables[i], dp->dir, "maps", rf_table_names[i]);
	for (int i = 0; i < _RF_MAP_MAX && r == 0; i++)
		if (!pinned_as(dp, "maps", rf_map_names[i], map_id(dp->maps[i])))
			r = rf_dp_pin(dp->maps[i], dp->dir, "maps", rf_map_names[i]);
	return r;
}

int rf_datapath_node_repair(struct rf_datapath *dp, rf_epoch_t epoch, uint32_t drift)
{
	int r = 0, q = 0;

	if (drift & RF_DRIFT_EPOCH) /* first: until then the kernel may decide with another policy */
		r = restore_epoch(dp, epoch);
	dp->grace.begun &= !(drift & RF_DRIFT_EPOCH); /* meanwhile programs may have begun with the other slot */
	if (drift & RF_DRIFT_PINS)                    /* the file system may be another one than before */
		q = rf_dp_make_directories(dp);
	r = r < 0 ? r : q;
	if (drift & RF_DRIFT_NODE_PROGRAMS)
		q = rf_dp_attach_cgroups(dp);
	r = r < 0 ? r : q;
	if (drift & RF_DRIFT_NODE_LINK_PIN)
		q = rf_dp_cgroup_repin(dp);
	r = r < 0 ? r : q;
	if (drift & RF_DRIFT_MAP_PIN)
		q = repin_maps(dp);
	r = r < 0 ? r : q;
	if (drift & RF_DRIFT_PROGRAM_PIN)
		q = rf_dp_pin_programs(dp);
	r = r < 0 ? r : q;
	if (drift & (RF_DRIFT_EPOCH | RF_DRIFT_LIVE_PIN))
		q = repin_live(dp, epoch);
	return r < 0 ? r : q;
}
