/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/caps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "core/cleanup.h"

/* What ordinary server programs started as root use: change owner and user, low ports, chroot. Never SYS_ADMIN, BPF, NET_ADMIN (they could
 * leave the hooks), SYS_PTRACE or MKNOD (they could reach other processes or the disk). */
static const int kept[] = {
	CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,           CAP_FSETID,     CAP_KILL,    CAP_SETGID,
	CAP_SETUID, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_SETFCAP, CAP_AUDIT_WRITE,
};

uint64_t rf_caps_kept(bool net_raw)
{
	uint64_t mask = net_raw ? 1ULL << CAP_NET_RAW : 0;

	for (size_t i = 0; i < RF_ARRAY_SIZE(kept); i++)
		mask |= 1ULL << kept[i];
	return mask;
}

static int drop_bounding(uint64_t keep)
{
	for (int cap = 0; cap < 64; cap++) {
		int have = cap_get_bound(cap);

		if (have < 0)
			return cap ? 0 : -errno; /* past the last one this kernel knows */
		if (have && !(keep & (1ULL << cap)) && cap_drop_bound(cap) < 0)
			return -errno;
	}
	return 0;
}

static void free_caps(const cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
}

/* Permitted and effective = what is kept of what we have; inheritable empty. */
static int set_process(uint64_t keep)
{
	RF_CLEANUP(free_caps) cap_t now = cap_get_proc();
	RF_CLEANUP(free_caps) cap_t next = cap_init();

	if (!now || !next)
		return -errno;
	for (int cap = 0; cap < 64 && cap_get_bound(cap) >= 0; cap++) {
		cap_value_t value = cap;
		cap_flag_value_t have;

		if (!(keep & (1ULL << cap)) || cap_get_flag(now, value, CAP_PERMITTED, &have) < 0 || have != CAP_SET)
			continue;
		if (cap_set_flag(next, CAP_PERMITTED, 1, &value, CAP_SET) < 0 || cap_set_flag(next, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0)
			return -errno;
	}
	return cap_set_proc(next) < 0 ? -errno : 0;
}

int rf_caps_drop(bool net_raw)
{
	uint64_t keep = rf_caps_kept(net_raw);
	int r;

	if (cap_reset_ambient() < 0)
		return -errno;
	r = drop_bounding(keep);
	if (r == 0)
		r = set_process(keep);
	if (r < 0)
		return r;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

bool rf_caps_bounded(pid_t pid, int cap)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	uint64_t bounding;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapBnd: %" SCNx64, &bounding) == 1)
			return bounding >> cap & 1;
	return false;
}
