/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pinned_btf.h"

#include <errno.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

struct btf *rf_btf_of_program(const char *dir, const char *name)
{
	_cleanup_close_ int fd = rf_dp_pinned(dir, "progs", name);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || !info.btf_id)
		return NULL;
	return btf__load_from_kernel_by_id(info.btf_id);
}

struct rf_layout rf_layout_named(const struct btf *btf, const char *name)
{
	__s32 id = btf ? btf__find_by_name(btf, name) : -ENOENT;

	return (struct rf_layout){btf, id > 0 ? (__u32)id : 0};
}
