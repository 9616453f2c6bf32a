/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access records, one a request (struct rf_access_record): sent without waiting; what does not fit is counted and told with the next one.
 */
#pragma once

#include "checker/head.h"
#include "core/clock.h"
#include "sockd/protocol.h"

struct rf_records {
	int fd;
	uint32_t lost;
};

/* Fills method and path (without query) of a record, cut to their room. */
void rf_record_request(struct rf_access_record *record, struct rf_text method, struct rf_text target);
/* Sets duration_ns (time_ns must be set) and lost, sends. */
void rf_records_send(struct rf_records *records, struct rf_access_record *record);
