/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/mounts.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "pods/restrict.h"

#define STAGE "/run/.stage" /* tmpfs of its own, gone before the pod starts */

static const char *const hidden_types[] = {"cgroup", "cgroup2",    "bpf",    "nsfs",     "tracefs",   "debugfs",
					   "mqueue", "securityfs", "pstore", "configfs", "selinuxfs", "fusectl"};
static const char *const hidden_below[] = {"/proc", "/sys", "/run", "/var/run"};

/* ---- taking away ---- */

static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		unsigned code;

		if (*text == '\\' && sscanf(text, "\\%3o", &code) == 1 && strlen(text) >= 4) {
			*out++ = (char)code;
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

int rf_mountinfo_parse(char *line, char **ret_point, char **ret_type)
{
	char *point = line, *type = strstr(line, " - ");

	if (!type)
		return -EINVAL;
	for (int i = 0; i < 4; i++) { /* id, parent, device, root */
		point = strchr(point, ' ');
		if (!point || point >= type)
			return -EINVAL;
		point++;
	}
	type += 3;
	point[strcspn(point, " ")] = '\0';
	type[strcspn(type, " \n")] = '\0';
	unescape(point);
	*ret_point = point;
	*ret_type = type;
	return 0;
}

static bool below(const char *point, const char *top)
{
	size_t len = strlen(top);

	return strncmp(point, top, len) == 0 && (!point[len] || point[len] == '/');
}

static bool must_hide(const char *point, const char *type)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(hidden_below); i++)
		if (below(point, hidden_below[i]))
			return true;
	for (size_t i = 0; i < RF_ARRAY_SIZE(hidden_types); i++)
		if (strcmp(type, hidden_types[i]) == 0)
			return true;
	return false;
}

struct points {
	char **items;
	size_t count;
};

static void free_points(const struct points *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i]);
	free(p->items);
}

static int list_hidden(struct points *points)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (!f)
		return -errno;
	while (getline(&line, &room, f) > 0) {
		char *point, *type, **grown;

		if (rf_mountinfo_parse(line, &point, &type) < 0)
			return -EBADMSG;
		if (!must_hide(point, type))
			continue;
		grown = reallocarray(points->items, points->count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		points->items = grown;
		points->items[points->count] = strdup(point);
		if (!points->items[points->count])
			return -ENOMEM;
		points->count++;
	}
	return 0;
}

/* Unmounting (not only covering) matters: a copy of another pod's namespace mount would keep that namespace alive. /proc is needed until
 * the end of the list, and taken away by then. */
static int hide(struct rf_pod_error *error)
{
	RF_CLEANUP(free_points) struct points points = {0};
	int r = list_hidden(&points);

	if (r < 0)
		return rf_pod_fail(error, -r, "cannot read the list of mounts");
	for (size_t i = points.count; i > 0; i--) /* later ones are on top of earlier ones */
		if (umount2(points.items[i - 1], MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
			return rf_pod_fail(error, errno, "cannot hide %s from the pod", points.items[i - 1]);
	return 0;
}

/* ---- building ---- */

static int mount_new(const char *type, const char *target, unsigned long flags, const char *data, struct rf_pod_error *error)
{
	if (mount(type, target, type, flags, data) < 0)
		return rf_pod_fail(error, errno, "cannot mount %s on %s", type, target);
	return 0;
}

static int read_only_root(struct rf_pod_error *error)
{
	_cleanup_fclose_ FILE *mountinfo = fopen("/proc/self/mountinfo", "re"); /* hide() takes /proc away */
	int r;

	if (!mountinfo)
		return rf_pod_fail(error, errno, "cannot read the list of mounts");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return rf_pod_fail(error, errno, "cannot make the pod's mounts private");
	r = hide(error);
	if (r < 0)
		return r;
	r = rf_restrict_tree("/", mountinfo, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return r < 0 ? rf_pod_fail(error, -r, "cannot make the pod's file system read-only") : 0;
}

static int stage_dir(const char *name, mode_t mode, struct rf_pod_error *error)
{
	char path[128];

	snprintf(path, sizeof(path), STAGE "/%s", name);
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0) /* whatever the umask is */
		return rf_pod_fail(error, errno, "cannot make %s", path);
	return 0;
}

/* The machine's content below, the pod's own changes above, in memory. */
static int overlay(const char *path, const char *tag, struct rf_pod_error *error)
{
	char upper[32], work[32], options[256];
	int r;

	snprintf(upper, sizeof(upper), "%s-upper", tag);
	snprintf(work, sizeof(work), "%s-work", tag);
	r = stage_dir(upper, 01777, error);
	if (r == 0)
		r = stage_dir(work, 0700, error);
	if (r < 0)
		return r;
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=" STAGE "/%s,workdir=" STAGE "/%s", path, upper, work);
	if (mount("overlay", path, "overlay", MS_NOSUID | MS_NODEV, options) < 0)
		return rf_pod_fail(error, errno, "cannot give the pod its own %s (overlayfs; try: modprobe overlay)", path);
	return 0;
}

static int device(const char *name, struct rf_pod_error *error)
{
	char source[64], target[128];
	int fd, r;

	snprintf(source, sizeof(source), "/dev/%s", name);
	snprintf(target, sizeof(target), STAGE "/dev/%s", name);
	fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return rf_pod_fail(error, errno, "cannot make %s", target);
	close(fd);
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		return rf_pod_fail(error, errno, "cannot show %s to the pod", source);
	r = rf_restrict_mount(target, 0, MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
	return r < 0 ? rf_pod_fail(error, -r, "cannot open %s to the pod", source) : 0;
}

/* A /dev of its own: the machine's has the disks, which root in the pod could open without any capability. */
static int make_dev(struct rf_pod_error *error)
{
	static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {{"/proc/self/fd", STAGE "/dev/fd"},
					       {"/proc/self/fd/0", STAGE "/dev/stdin"},
					       {"/proc/self/fd/1", STAGE "/dev/stdout"},
					       {"/proc/self/fd/2", STAGE "/dev/stderr"},
					       {"pts/ptmx", STAGE "/dev/ptmx"}};
	int r = stage_dir("dev", 0755, error);

	if (r == 0)
		r = mount_new("tmpfs", STAGE "/dev", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k,nr_inodes=64", error);
	for (size_t i = 0; r == 0 && i < RF_ARRAY_SIZE(devices); i++)
		r = device(devices[i], error);
	for (size_t i = 0; r == 0 && i < RF_ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			r = rf_pod_fail(error, errno, "cannot make %s", links[i][1]);
	if (r == 0)
		r = stage_dir("dev/pts", 0755, error);
	if (r == 0)
		r = stage_dir("dev/shm", 01777, error);
	if (r == 0)
		r = mount_new("devpts", STAGE "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620", error);
	if (r == 0)
		r = mount_new("tmpfs", STAGE "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777,size=64m", error);
	if (r == 0 && mount(STAGE "/dev", "/dev", NULL, MS_MOVE, NULL) < 0)
		r = rf_pod_fail(error, errno, "cannot put the pod's /dev in place");
	return r;
}

/* Files of /proc and directories of it that belong to the machine: uid 0 may write them without any capability (core_pattern!). */
static int protect_proc(struct rf_pod_error *error)
{
	static const char *const read_only[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"};
	static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats", "/proc/sched_debug"};

	for (size_t i = 0; i < RF_ARRAY_SIZE(read_only); i++) {
		int r;

		if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
			if (errno == ENOENT)
				continue; /* not in this kernel */
			return rf_pod_fail(error, errno, "cannot protect %s", read_only[i]);
		}
		/* one mount: nothing is mounted below in a /proc that was made a moment ago */
		r = rf_restrict_mount(read_only[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0);
		if (r < 0)
			return rf_pod_fail(error, -r, "cannot make %s read-only", read_only[i]);
	}
	for (size_t i = 0; i < RF_ARRAY_SIZE(masked); i++)
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
			return rf_pod_fail(error, errno, "cannot mask %s", masked[i]);
	return 0;
}

static int place_hosts(int tree, struct rf_pod_error *error)
{
	int r;

	if (move_mount(tree, "", AT_FDCWD, "/etc/hosts", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
		return rf_pod_fail(error, errno, "cannot put the pod's /etc/hosts in place");
	r = rf_restrict_mount("/etc/hosts", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0);
	return r < 0 ? rf_pod_fail(error, -r, "cannot make the pod's /etc/hosts read-only") : 0;
}

static int make_stage(struct rf_pod_error *error)
{
	int r = mount_new("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755", error);

	if (r < 0)
		return r;
	if (mkdir(STAGE, 0700) < 0)
		return rf_pod_fail(error, errno, "cannot make " STAGE);
	return 0;
}

static int make_run(struct rf_pod_error *error)
{
	/* the overlays keep their parts of the stage alive, the pod has no path to it */
	if (umount2("/run", MNT_DETACH) < 0)
		return rf_pod_fail(error, errno, "cannot take the stage away");
	if (mount_new("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755,size=64m", error) < 0)
		return -EIO;
	if (mkdir("/run/lock", 01777) < 0 || chmod("/run/lock", 01777) < 0)
		return rf_pod_fail(error, errno, "cannot make /run/lock");
	return 0;
}

int rf_mounts_make(const char *hosts, struct rf_pod_error *error)
{
	_cleanup_close_ int tree = -1;
	int r;

	r = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0; /* before the copy, so that it is private as well */
	tree = r < 0 ? -1 : open_tree(AT_FDCWD, hosts, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return rf_pod_fail(error, errno, "cannot open the pod's hosts file %s", hosts);
	r = read_only_root(error);
	if (r == 0)
		r = make_stage(error);
	if (r == 0)
		r = overlay("/tmp", "tmp", error);
	if (r == 0)
		r = overlay("/var/tmp", "vartmp", error);
	if (r == 0)
		r = make_dev(error);
	if (r == 0)
		r = mount_new("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, error);
	if (r == 0)
		r = protect_proc(error);
	if (r == 0)
		r = mount_new("sysfs", "/sys", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, error);
	if (r == 0)
		r = place_hosts(tree, error);
	return r < 0 ? r : make_run(error);
}
