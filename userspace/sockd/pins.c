/* SPDX-License-Identifier: Apache-2.0 */
#include <bpf/bpf.h>
#include <errno.h>

#include "core/cleanup.h"
#include "datapath/datapath.h"
#include "sockd/sockd.h"

static int open_all(struct rf_sockd_pins *ret, const struct rf_instance *instance)
{
	struct rf_sockd_pins pins = {-1, -1, -1};
	int r = rf_datapath_broker_fds(instance, &pins.tags, &pins.control, &pins.routes);

	if (r == 0)
		*ret = pins;
	return r;
}

int rf_sockd_pins_open(struct rf_sockd_pins *pins, const struct rf_instance *instance)
{
	return pins->control >= 0 ? 0 : open_all(pins, instance);
}

void rf_sockd_pins_close(struct rf_sockd_pins *pins)
{
	rf_closep(&pins->tags);
	rf_closep(&pins->control);
	rf_closep(&pins->routes);
	*pins = (struct rf_sockd_pins){-1, -1, -1};
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.id;
}

static bool same(const struct rf_sockd_pins *a, const struct rf_sockd_pins *b)
{
	return map_id(a->tags) == map_id(b->tags) && map_id(a->control) == map_id(b->control) && map_id(a->routes) == map_id(b->routes);
}

int rf_sockd_pins_refresh(struct rf_sockd_pins *pins, const struct rf_instance *instance, bool *ret_changed)
{
	struct rf_sockd_pins now = {-1, -1, -1};
	int r = open_all(&now, instance);

	if (r < 0)
		return r;
	*ret_changed = pins->control >= 0 && !same(pins, &now);
	if (pins->control >= 0 && !*ret_changed) {
		rf_sockd_pins_close(&now);
		return 0;
	}
	rf_sockd_pins_close(pins);
	*pins = now;
	return 0;
}
