/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HELLO: a TLS connection to outside the mesh, from its first byte to the decision about it. It is decided by the server name of its
 * ClientHello and its address; then it is a tunnel, byte for byte from the first one on, and nobody here can read it. What is denied is
 * closed: an HTTP answer would be noise to a TLS client.
 */
#include <errno.h>
#include <string.h>

#include "checker/conn.h"
#include "checker/sni.h"

void rf_hello_refuse(struct rf_conn *conn, enum rf_reason reason)
{
	if (!conn->recording)
		rf_conn_record_begin(conn);
	rf_conn_record(conn, 0, reason);
	rf_conn_end(conn, true);
}

static void admit(struct rf_conn *conn, const struct rf_request_question *question)
{
	if (rf_tunnel_remember(conn, question, conn->record.epoch) < 0) {
		rf_hello_refuse(conn, RF_REASON_UPSTREAM_FAILED);
		return;
	}
	rf_conn_state(conn, RF_CONN_UPSTREAM);
	rf_broker_ask_upstream(&conn->checker->broker, conn);
}

/* name: "" if there is none, or if this is not TLS at all. */
static void decide(struct rf_conn *conn, const char *name)
{
	struct rf_request_question question = rf_conn_question(conn);
	rf_epoch_t epoch;
	const void *blob = rf_conn_blob(conn, &epoch);
	enum rf_reason reason;

	if (!blob && epoch)
		return; /* looked at again when the table is there */
	rf_conn_record_begin(conn);
	rf_record_request(&conn->record, (struct rf_text){"TLS", 3}, (struct rf_text){name, strlen(name)});
	if (!blob) {
		rf_hello_refuse(conn, RF_REASON_NO_POLICY);
		return;
	}
	question.tls = true;
	question.authority = name;
	question.authority_len = strlen(name);
	reason = rf_conn_decide(conn, blob, &question);
	if (rf_decision_admits(reason))
		admit(conn, &question);
	else
		rf_hello_refuse(conn, reason);
}

bool rf_hello_step(struct rf_conn *conn)
{
	char name[RF_SERVER_NAME_MAX] = "";
	int r = rf_sni_read(rf_buffer_fresh_data(&conn->up), rf_buffer_fresh(&conn->up), name, sizeof(name));

	if (r == -ENOMEM) {
		rf_hello_refuse(conn, RF_REASON_UPSTREAM_FAILED);
		return true;
	}
	if (r != 0) {
		decide(conn, r == 1 ? name : "");
		return true;
	}
	if (conn->client.eof) {
		rf_hello_refuse(conn, RF_REASON_SERVER_NAME);
		return true;
	}
	return rf_conn_read(conn, &conn->client, &conn->up);
}
