/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/cleanup.h"
#include "datapath/private.h"

int rf_datapath_ask(struct rf_datapath *dp, const struct rf_question *question, uint32_t opener, struct rf_answer *ret)
{
	_cleanup_close_ int fd = rf_dp_pinned(dp->dir, "progs", "rf_ask");
	struct rf_ask in = {.question = *question, .opener = opener}, out = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in), .data_out = &out, .data_size_out = sizeof(out));

	if (fd < 0)
		return rf_dp_fail(dp, -fd, "cannot open '%s/progs/rf_ask'", dp->dir);
	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		return rf_dp_fail(dp, errno, "the kernel did not run 'rf_ask'");
	if (opts.retval != 0 || opts.data_size_out != sizeof(out))
		return rf_dp_fail(dp, EBADMSG, "'rf_ask' did not answer");
	*ret = out.answer;
	return 0;
}
