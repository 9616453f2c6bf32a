/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/datapath.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"
#include "datapath/takeover.h"

const char *const rf_table_names[_RF_TABLE_MAX] = {"config",   "idents", "allow",    "ingress",       "egress", "exclusions",
						   "services", "splits", "backends", "service_names", "rules",  "routes"};
const char *const rf_map_names[_RF_MAP_MAX] = {"control", "pods",  "links",    "peers", "tags",  "flows", "origdst", "reasons", "lost",
					       "events",  "names", "requests", "usage", "dials", "talks", "prober",  "audit"};

/* cgroup programs etc. whose pins bpftool and attestation use */
const char *const rf_dp_program_names[] = {
	"rf_ask",     "rf_sock_create", "rf_connect4", "rf_connect6", "rf_sendmsg4", "rf_sendmsg6", "rf_getpeername4", "rf_getpeername6",
	"rf_sockops", "rf_getsockopt",  "rf_from_pod", "rf_to_pod",   "rf_forget",   "rf_recvmsg4", "rf_recvmsg6",     NULL};

int rf_dp_fail(struct rf_datapath *dp, int err, const char *format, ...)
{
	size_t used;
	va_list ap;

	va_start(ap, format);
	vsnprintf(dp->error, sizeof(dp->error), format, ap);
	va_end(ap);
	used = strlen(dp->error);
	snprintf(dp->error + used, sizeof(dp->error) - used, ": %s", err == E2BIG ? "the table is full" : strerror(err));
	return -err;
}

const char *rf_datapath_error(const struct rf_datapath *dp)
{
	return dp->error;
}

const char *rf_datapath_warning(const struct rf_datapath *dp, enum rf_datapath_warning which)
{
	return dp->warnings[which];
}

const char *rf_datapath_note(const struct rf_datapath *dp)
{
	return dp->note;
}

static void datapath_freep(struct rf_datapath **dp)
{
	rf_datapath_close(*dp);
}

/* libbpf's own words go nowhere: errors come back as return values, and probing fails on purpose. */
static int silent(enum libbpf_print_level level, const char *format, va_list ap)
{
	if (level == LIBBPF_WARN && getenv("RINGFENCE_LIBBPF_LOG"))
		return vfprintf(stderr, format, ap);
	return 0;
}

static struct rf_datapath *datapath_new(const struct rf_instance *instance)
{
	struct rf_datapath *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return NULL;
	libbpf_set_print(silent);
	dp->instance = *instance;
	snprintf(dp->dir, sizeof(dp->dir), "%s", instance->bpffs_dir);
	dp->lock_fd = -1;
	memset(dp->tables, 0xff, sizeof(dp->tables)); /* -1 */
	memset(dp->maps, 0xff, sizeof(dp->maps));
	return dp;
}

void rf_datapath_close(struct rf_datapath *dp)
{
	if (!dp)
		return;
	rf_dp_grace_end(dp);
	ring_buffer__free(dp->ring);
	for (int i = 0; i < _RF_TABLE_MAX; i++)
		rf_closep(&dp->tables[i]);
	for (int i = 0; i < _RF_MAP_MAX; i++)
		rf_closep(&dp->maps[i]);
	rf_dp_release_all(dp);
	rf_dp_objects_close(dp);
	rf_closep(&dp->lock_fd);
	free(dp);
}

/* A killed agent's child that has not yet become the broker (between fork and exec) holds the lock for some milliseconds more. */
#define LOCK_TRIES   50
#define LOCK_WAIT_MS 20

static int lock_exclusively(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		poll(NULL, 0, LOCK_WAIT_MS);
	}
	return -EBUSY;
}

/* The lock is a file of its own, never removed while held: a lock on a directory that a rename replaces would guard nothing. */
static int take_lock(struct rf_datapath *dp)
{
	char path[sizeof(dp->instance.run_dir) + 32];
	int r;

	if (mkdir(dp->instance.run_dir, 0755) < 0 && errno != EEXIST)
		return rf_dp_fail(dp, errno, "cannot make '%s'", dp->instance.run_dir);
	snprintf(path, sizeof(path), "%s/agent.lock", dp->instance.run_dir);
	dp->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (dp->lock_fd < 0)
		return rf_dp_fail(dp, errno, "cannot open '%s'", path);
	r = lock_exclusively(dp->lock_fd);
	if (r < 0)
		return rf_dp_fail(dp, -r, "another agent of instance '%s' is running", dp->instance.name);
	return 0;
}

static int open_maps(struct rf_datapath *dp)
{
	for (int i = 0; i < _RF_TABLE_MAX; i++) {
		dp->tables[i] = rf_dp_pinned(dp->dir, "maps", rf_table_names[i]);
		if (dp->tables[i] < 0)
			return rf_dp_fail(dp, -dp->tables[i], "cannot open the map '%s/maps/%s'", dp->dir, rf_table_names[i]);
	}
	for (int i = 0; i < _RF_MAP_MAX; i++) {
		dp->maps[i] = rf_dp_pinned(dp->dir, "maps", rf_map_names[i]);
		if (dp->maps[i] < 0)
			return rf_dp_fail(dp, -dp->maps[i], "cannot open the map '%s/maps/%s'", dp->dir, rf_map_names[i]);
	}
	return 0;
}

int rf_dp_pin_programs(struct rf_datapath *dp)
{
	for (size_t i = 0; rf_dp_program_names[i]; i++) {
		int r = rf_dp_pin(bpf_program__fd(rf_dp_program(dp, rf_dp_program_names[i])), dp->dir, "progs", rf_dp_program_names[i]);

		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot pin the program '%s'", rf_dp_program_names[i]);
	}
	return 0;
}

int rf_dp_make_directories(struct rf_datapath *dp)
{
	static const char *const subs[] = {"", "/maps", "/live", "/progs", "/links", "/links/pods"};
	char path[sizeof(dp->dir) + 16];

	for (size_t i = 0; i < RF_ARRAY_SIZE(subs); i++) {
		int r;

		snprintf(path, sizeof(path), "%s%s", dp->dir, subs[i]);
		r = rf_dp_mkdir(path);
		if (r < 0)
			return rf_dp_fail(dp, -r, "cannot make '%s' (is bpffs mounted? 'ringfence check' tells)", path);
	}
	return 0;
}

int rf_dp_load_all(struct rf_datapath *dp)
{
	int r = rf_dp_make_directories(dp);

	if (r == 0)
		r = rf_dp_objects_load(dp);
	if (r == 0)
		r = rf_dp_pin_programs(dp);
	if (r == 0)
		r = open_maps(dp);
	return r;
}

/* Everything is built beside and appears with one rename: a killed start leaves nothing that looks finished. */
static int create(struct rf_datapath *dp)
{
	struct rf_control control = {.layout = RF_LAYOUT_VERSION};
	__u32 zero = 0;
	int r;

	snprintf(dp->dir, sizeof(dp->dir), "%s_new", dp->instance.bpffs_dir);
	r = rf_dp_unpin_tree(dp->dir, false, NULL, NULL);
	if (r < 0)
		return rf_dp_fail(dp, -r, "cannot remove the half-built '%s'", dp->dir);
	r = rf_dp_load_all(dp);
	if (r < 0)
		return r;
	if (bpf_map_update_elem(dp->maps[RF_MAP_CONTROL], &zero, &control, BPF_ANY) < 0)
		return rf_dp_fail(dp, errno, "cannot write the control map");
	r = rf_dp_attach_cgroups(dp); /* epoch 0: everything is denied until the first policy */
	if (r < 0)
		return r;
	if (rename(dp->dir, dp->instance.bpffs_dir) < 0)
		return rf_dp_fail(dp, errno, "cannot publish '%s'", dp->instance.bpffs_dir);
	snprintf(dp->dir, sizeof(dp->dir), "%s", dp->instance.bpffs_dir);
	return 0;
}

/* Maps stay as they are, programs are loaded against them, links are switched over one by one: no packet meets an empty hook. */
static int adopt(struct rf_datapath *dp)
{
	char fresh[sizeof(dp->dir)];
	int r;

	snprintf(fresh, sizeof(fresh), "%s_new", dp->instance.bpffs_dir);
	(void)rf_dp_unpin_tree(fresh, false, NULL, NULL); /* of a takeover that ended before it changed anything */
	r = rf_dp_load_all(dp);
	return r < 0 ? r : rf_takeover_finish(dp);
}

static int adopt_or_take_over(struct rf_datapath *dp)
{
	struct rf_comparison c;
	int r = rf_compare_layouts(dp, dp->dir, &c);

	if (r < 0)
		return r;
	return c.differs ? rf_takeover(dp, &c) : adopt(dp);
}

/* Who only looks cannot read what another version wrote. */
static int check_layout(struct rf_datapath *dp)
{
	struct rf_comparison c;
	int r = rf_compare_layouts(dp, dp->dir, &c);

	if (r < 0)
		return r;
	if (c.differs)
		return rf_dp_fail(
			dp, EPROTO,
			"the kernel's tables are of another version than this program (layout %u, here %u): use the 'ringfence' of "
			"the ringfenced that runs, or start this version's ringfenced, which takes them over",
			c.version, RF_LAYOUT_VERSION);
	return 0;
}

/* The error text must outlive the object: failures hand out a datapath that can only be asked for its error and closed. */
static int finish_open(struct rf_datapath **dp, int r, struct rf_datapath **ret)
{
	*ret = TAKE_PTR(*dp);
	return r;
}

int rf_datapath_open(const struct rf_instance *instance, struct rf_datapath **ret)
{
	RF_CLEANUP(datapath_freep) struct rf_datapath *dp = datapath_new(instance);
	int r;

	if (!dp)
		return -ENOMEM;
	r = take_lock(dp);
	if (r < 0)
		return finish_open(&dp, r, ret);
	r = rf_takeover_tidy(dp);
	if (r == 0)
		r = access(instance->bpffs_dir, F_OK) == 0 ? adopt_or_take_over(dp) : create(dp);
	return finish_open(&dp, r, ret);
}

int rf_datapath_inspect(const struct rf_instance *instance, struct rf_datapath **ret)
{
	RF_CLEANUP(datapath_freep) struct rf_datapath *dp = datapath_new(instance);
	int r;

	if (!dp)
		return -ENOMEM;
	dp->inspect_only = true;
	if (access(instance->bpffs_dir, F_OK) < 0)
		return finish_open(&dp, rf_dp_fail(dp, ENOENT, "nothing is installed at '%s'", instance->bpffs_dir), ret);
	r = check_layout(dp);
	if (r == 0)
		r = open_maps(dp);
	return finish_open(&dp, r, ret);
}
