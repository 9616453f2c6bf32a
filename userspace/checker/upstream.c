/* SPDX-License-Identifier: Apache-2.0 */
/* UPSTREAM and CONNECT: the connection to the destination. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checker/conn.h"

void rf_upstream_failed(struct rf_conn *conn)
{
	if (!conn->recording) /* still waiting for the table */
		rf_conn_record_begin(conn);
	rf_conn_answer(conn, 503, false);
	rf_conn_record(conn, 503, RF_REASON_UPSTREAM_FAILED);
}

static int connect_to(int fd, const struct rf_addr *addr, uint16_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = addr->be[3]};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is4 = rf_addr_is4(addr);

	memcpy(&six.sin6_addr, addr->be, sizeof(six.sin6_addr));
	return connect(fd, is4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, is4 ? sizeof(four) : sizeof(six)) < 0 ? -errno : 0;
}

static int begin_connect(struct rf_conn *conn)
{
	static const int one = 1;
	int r;

	(void)setsockopt(conn->upstream.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r = connect_to(conn->upstream.fd, &conn->dst.real, conn->dst.real_port);
	return r < 0 && r != -EINPROGRESS ? r : rf_conn_watch_upstream(conn);
}

void rf_conn_upstream(struct rf_conn *conn, int fd, int error)
{
	conn->upstream = (struct rf_side){.fd = fd, .blocked = true};
	rf_conn_state(conn, RF_CONN_CONNECT);
	if (error || fd < 0 || begin_connect(conn) < 0)
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
	else
		rf_exchange_begin(conn);
	return true;
}
