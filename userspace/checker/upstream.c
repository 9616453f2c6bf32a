/* SPDX-License-Identifier: Apache-2.0 */
/* UPSTREAM and CONNECT: the connection to the destination. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "checker/conn.h"

void rf_upstream_failed(struct rf_conn *conn)
{
	if (conn->tls) {
		rf_hello_refuse(conn, RF_REASON_UPSTREAM_FAILED);
		return;
	}
	if (!conn->recording) /* still waiting for the table */
		rf_conn_record_begin(conn);
	rf_conn_answer(conn, 503, false);
	rf_conn_record(conn, 503, RF_REASON_UPSTREAM_FAILED);
}

/* fd is connecting already. */
void rf_conn_upstream(struct rf_conn *conn, int fd, int error)
{
	static const int one = 1;

	conn->upstream = (struct rf_side){.fd = fd, .blocked = true};
	rf_conn_state(conn, RF_CONN_CONNECT);
	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only costs latency if refused */
	if (error || fd < 0 || rf_conn_watch_upstream(conn) < 0)
		rf_upstream_failed(conn);
	rf_conn_advance(conn);
}

/* on_side() cleared `blocked` when the socket became writable: connected, or failed. */
bool rf_upstream_connected(struct rf_conn *conn)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (conn->upstream.blocked)
		return false;
	if (getsockopt(conn->upstream.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
		rf_upstream_failed(conn);
	else if (!conn->tls)
		rf_exchange_begin(conn);
	else if (rf_tunnel_begin(conn) < 0)
		rf_conn_end(conn, true);
	return true;
}
