/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/private.h"

static int deliver(void *arg, void *data, size_t size)
{
	struct rf_datapath *dp = arg;

	if (size >= sizeof(struct rf_event) && dp->event_fn)
		dp->event_fn(dp->event_arg, data);
	return 0;
}

int rf_datapath_events_fd(struct rf_datapath *dp)
{
	if (!dp->ring)
		dp->ring = ring_buffer__new(dp->maps[RF_MAP_EVENTS], deliver, dp, NULL);
	if (!dp->ring)
		return rf_dp_fail(dp, errno, "cannot open the event ring");
	return ring_buffer__epoll_fd(dp->ring);
}

int rf_datapath_events_drain(struct rf_datapath *dp, void (*fn)(void *arg, const struct rf_event *event), void *arg)
{
	int r = rf_datapath_events_fd(dp);

	if (r < 0)
		return r;
	dp->event_fn = fn;
	dp->event_arg = arg;
	r = ring_buffer__consume(dp->ring);
	return r < 0 ? rf_dp_fail(dp, -r, "cannot read the event ring") : 0;
}
