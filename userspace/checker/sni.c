/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/sni.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/cleanup.h"

#define RECORD_HEAD      5
#define RECORD_HANDSHAKE 22
#define HANDSHAKE_HEAD   4
#define CLIENT_HELLO     1

struct reading {
	char *name;
	size_t size;
	int result; /* 0: OpenSSL has not seen a whole ClientHello */
};

static SSL_CTX *context;

static void ssl_freep(SSL **ssl)
{
	SSL_free(*ssl);
}

static bool is_name(const unsigned char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum(text[i]) && text[i] != '-' && text[i] != '.' && text[i] != '_')
			return false;
	return len > 0;
}

/* RFC 6066 section 3: a list with its length in front; one entry is all that its grammar leaves, and more would be read differently by
 * different servers. Entry: type (0), length, name. */
static int read_list(const unsigned char *list, size_t len, struct reading *r)
{
	size_t name_len;

	if (len < 5 || ((size_t)list[0] << 8 | list[1]) != len - 2 || list[2] != TLSEXT_NAMETYPE_host_name)
		return -EBADMSG;
	name_len = (size_t)list[3] << 8 | list[4];
	if (name_len != len - 5 || name_len >= r->size || !is_name(list + 5, name_len))
		return -EBADMSG;
	memcpy(r->name, list + 5, name_len);
	r->name[name_len] = '\0';
	return 1;
}

/* OpenSSL has parsed the whole message, and refused one with an extension twice. The handshake ends here, whatever was found. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct reading *r = SSL_get_app_data(ssl);
	const unsigned char *list;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &len)) {
		r->result = read_list(list, len, r);
	} else {
		r->name[0] = '\0';
		r->result = 1;
	}
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

int rf_sni_init(void)
{
	if (context)
		return 0;
	context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return -ENOMEM;
	SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return 0;
}

void rf_sni_done(void)
{
	SSL_CTX_free(context);
	context = NULL;
}

static size_t u16_at(const unsigned char *at)
{
	return (size_t)at[0] << 8 | at[1];
}

/* Is the ClientHello whole, which may lie in several records? Asked before anything is parsed: a client that sends byte after byte would
 * have each of them paid with all before it. Bytes of the first record's head and of the message's head (type, 24-bit length) are enough.
 * 1, 0 or -EBADMSG. */
static int is_whole(const unsigned char *at, size_t len)
{
	size_t have = 0, want = HANDSHAKE_HEAD, size;

	while (have < want) {
		if (len && at[0] != RECORD_HANDSHAKE)
			return -EBADMSG;
		if (len < RECORD_HEAD)
			return 0;
		size = u16_at(at + 3);
		if (at[1] != 3 || !size || size > RF_HELLO_MAX)
			return -EBADMSG;
		if (len < RECORD_HEAD + size)
			return 0;
		if (!have && (size < HANDSHAKE_HEAD || at[RECORD_HEAD] != CLIENT_HELLO)) /* nobody cuts the first four bytes in two */
			return -EBADMSG;
		if (!have)
			want += (size_t)at[RECORD_HEAD + 1] << 16 | u16_at(at + RECORD_HEAD + 2);
		if (want > RF_HELLO_MAX)
			return -EBADMSG;
		have += size;
		at += RECORD_HEAD + size;
		len -= RECORD_HEAD + size;
	}
	return 1;
}

static int parse(const char *data, size_t len, struct reading *r)
{
	RF_CLEANUP(ssl_freep) SSL *ssl = SSL_new(context);
	BIO *in = BIO_new_mem_buf(data, (int)len), *out = BIO_new(BIO_s_null());

	if (!ssl || !in || !out) {
		BIO_free(in);
		BIO_free(out);
		return -ENOMEM;
	}
	SSL_set_bio(ssl, in, out);
	SSL_set_app_data(ssl, r);
	(void)SSL_accept(ssl); /* always fails: at the callback, or before it */
	ERR_clear_error();
	return r->result ? r->result : -EBADMSG; /* also if it wants more: it was whole by its own length */
}

int rf_sni_read(const char *data, size_t len, char *name, size_t size)
{
	char found[RF_SERVER_NAME_MAX];
	struct reading reading = {.name = found, .size = sizeof(found)};
	int r = is_whole((const unsigned char *)data, len);

	if (r > 0)
		r = context ? parse(data, len, &reading) : -ENOMEM;
	if (r == 0)
		return len >= RF_HELLO_MAX ? -EBADMSG : 0;
	if (r < 0 || strlen(found) >= size)
		return r < 0 ? r : -EBADMSG;
	strcpy(name, found);
	return 1;
}
