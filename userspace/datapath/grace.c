/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until no program runs any more that was running when the wait began: a store into an array of maps returns only after that
 * (the kernel's synchronize_rcu, some ten milliseconds). A revision may only be built into a slot that nobody reads any more. The wait for
 * the next one begins right behind a switch, in a thread, so that it is long over when the next change comes; a killed agent takes its
 * thread along, and the next agent waits itself.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

/* Stores the live configuration once more where it is. */
static int wait_now(int configs, rf_epoch_t epoch)
{
	__u32 slot = epoch % RF_SLOTS, id;
	_cleanup_close_ int fd = -1;

	if (bpf_map_lookup_elem(configs, &slot, &id) < 0)
		return errno == ENOENT ? 0 : -errno; /* half uninstalled: programs find no tables, and deny */
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0 || bpf_map_update_elem(configs, &slot, &fd, BPF_ANY) < 0)
		return -errno;
	return 0;
}

static void *run(void *arg)
{
	struct rf_dp_grace *g = arg;

	g->result = wait_now(g->configs, g->epoch);
	return NULL;
}

void rf_dp_grace_begin(struct rf_datapath *dp, rf_epoch_t epoch)
{
	struct rf_dp_grace *g = &dp->grace;

	rf_dp_grace_end(dp);
	*g = (struct rf_dp_grace){.epoch = epoch, .configs = dp->tables[RF_TABLE_CONFIG]};
	g->running = pthread_create(&g->thread, NULL, run, g) == 0;
	g->begun = g->running;
}

void rf_dp_grace_end(struct rf_datapath *dp)
{
	if (dp->grace.running)
		pthread_join(dp->grace.thread, NULL);
	dp->grace.running = false;
}

int rf_dp_grace(struct rf_datapath *dp)
{
	rf_epoch_t epoch = 0;
	int r = rf_datapath_epoch(dp, &epoch);

	rf_dp_grace_end(dp);
	if (r < 0 || !epoch)
		return r; /* no revision, so nobody has read one */
	r = wait_now(dp->tables[RF_TABLE_CONFIG], epoch);
	return r < 0 ? rf_dp_fail(dp, -r, "cannot wait for the readers of the revision before %u", epoch) : 0;
}

int rf_dp_grace_since(struct rf_datapath *dp, rf_epoch_t epoch)
{
	struct rf_dp_grace *g = &dp->grace;

	rf_dp_grace_end(dp);
	return g->begun && g->result == 0 && g->epoch == epoch ? 0 : rf_dp_grace(dp);
}
