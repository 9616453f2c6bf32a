/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the events (userspace/agent/control.md, op events) for people:
 *	TIME VERDICT SOURCE -> DESTINATION WHAT [BYTES DURATION] REASON
 * The ends are "ns/pod (ServiceAccount)". Columns are as wide as what they have held so far, so they move seldom and never back.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "core/json.h"

struct rf_event_printer {
	FILE *out;
	bool wide;   /* the whole time, addresses, the sentence for every reason, never cut */
	bool colour; /* verdicts: escape sequences of ECMA-48 */
	int columns; /* of the terminal, 0 = none: what stands behind the reason's name is cut there, unless wide */
	time_t now;  /* lines of another day (UTC) than this show their date instead of their seconds */
	int source_width, destination_width;
};

/* 0 or -errno. */
int rf_event_print(struct rf_event_printer *printer, const cJSON *line);
