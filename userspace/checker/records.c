/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/records.h"

#include <string.h>
#include <sys/socket.h>

static void copy_cut(char *to, size_t room, struct rf_text text)
{
	size_t n = text.len < room - 1 ? text.len : room - 1;

	memcpy(to, text.data, n);
	memset(to + n, 0, room - n);
}

void rf_record_request(struct rf_access_record *record, struct rf_text method, struct rf_text target)
{
	const char *query = memchr(target.data, '?', target.len);

	if (query)
		target.len = (size_t)(query - target.data);
	record->path_len = (uint16_t)(target.len < UINT16_MAX ? target.len : UINT16_MAX);
	copy_cut(record->method, sizeof(record->method), method);
	copy_cut(record->path, sizeof(record->path), target);
}

void rf_records_send(struct rf_records *records, struct rf_access_record *record)
{
	record->duration_ns = rf_now_ns() - record->time_ns;
	record->lost = records->lost;
	if (send(records->fd, record, sizeof(*record), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(*record))
		records->lost = 0;
	else
		records->lost++;
}
