/* SPDX-License-Identifier: Apache-2.0 */
/* What is missing for what was denied: one sentence a reason, and the smallest policy (or the command) that would admit it. */
#pragma once

#include <stdlib.h>

#include "cli/why_ask.h"

struct rf_why_missing {
	char sentence[2048]; /* "" = nothing is missing */
	char command[256];   /* "" or what to run where no object helps */
	char *policy;        /* owned, NULL: no object would admit it */
};

static inline void rf_why_missing_done(struct rf_why_missing *m)
{
	free(m->policy);
	m->policy = NULL;
}

/* Of every part that is denied, or passes only for the audit. 0 or -ENOMEM. */
int rf_why_missing(const struct rf_why_world *world, const struct rf_why_answer *answer, struct rf_why_missing *ret);
