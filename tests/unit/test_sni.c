/* SPDX-License-Identifier: Apache-2.0 */
/* Server names of real ClientHellos, which OpenSSL's own client writes, and of mutilated ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>

#include "checker/sni.c"

#define ROOM 4096

/* What a client sends first. name NULL: without the extension. */
static size_t hello(const char *name, int max_version, char *out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int n;

	assert_non_null(ctx);
	assert_true(SSL_CTX_set_max_proto_version(ctx, max_version));
	ssl = SSL_new(ctx);
	assert_non_null(ssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (name)
		assert_true(SSL_set_tlsext_host_name(ssl, name));
	assert_int_equal(SSL_connect(ssl), -1);
	n = BIO_read(SSL_get_wbio(ssl), out, ROOM);
	assert_true(n > RECORD_HEAD + HANDSHAKE_HEAD);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)n;
}

static void test_names(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	char data[ROOM], name[RF_SERVER_NAME_MAX] = "untouched";
	size_t len;

	(void)state;
	for (size_t i = 0; i < RF_ARRAY_SIZE(versions); i++) {
		len = hello("httpbin.org", versions[i], data);
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(rf_sni_read(data, cut, name, sizeof(name)), 0);
			assert_string_not_equal(name, "httpbin.org");
		}
		assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), 1);
		assert_string_equal(name, "httpbin.org");
		strcpy(name, "untouched");
		len = hello(NULL, versions[i], data);
		assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), 1);
		assert_string_equal(name, "");
		strcpy(name, "untouched");
	}
}

static void test_no_tls(void **state)
{
	static const char *const others[] = {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x16\x02\x01", "\x15\x03\x01\x00\x02\x02\x28",
					     "\x17\x03\x03\x00\x10"};
	char data[ROOM], name[RF_SERVER_NAME_MAX] = "untouched";

	(void)state;
	assert_int_equal(rf_sni_read("", 0, name, sizeof(name)), 0);
	for (size_t i = 0; i < RF_ARRAY_SIZE(others); i++) {
		memset(data, 'x', sizeof(data));
		memcpy(data, others[i], strlen(others[i]));
		assert_int_equal(rf_sni_read(data, 64, name, sizeof(name)), -EBADMSG);
	}
	memcpy(data, "\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", 10); /* a ServerHello */
	assert_int_equal(rf_sni_read(data, 10, name, sizeof(name)), -EBADMSG);
	memcpy(data, "\x16\x03\x01\x00\x00", 5); /* an empty record */
	assert_int_equal(rf_sni_read(data, 5, name, sizeof(name)), -EBADMSG);
	memcpy(data, "\x16\x03\x01\x3f\xff\x01\x00\xff\xff", 9); /* says that it is too long */
	assert_int_equal(rf_sni_read(data, ROOM, name, sizeof(name)), 0);
	assert_string_equal(name, "untouched");
}

static void test_too_long(void **state)
{
	char *data = calloc(1, 2 * RF_HELLO_MAX), name[RF_SERVER_NAME_MAX];

	(void)state;
	memcpy(data, "\x16\x03\x01\x40\x00\x01\x00\xff\xff", 9);
	assert_int_equal(rf_sni_read(data, RF_HELLO_MAX - 1, name, sizeof(name)), 0);
	assert_int_equal(rf_sni_read(data, RF_HELLO_MAX, name, sizeof(name)), -EBADMSG);
	assert_int_equal(rf_sni_read(data, RF_HELLO_MAX + 100, name, sizeof(name)), -EBADMSG);
	free(data);
}

/* The same message in records of `piece` bytes, as a client may cut it. */
static size_t in_records(const char *data, size_t len, size_t piece, char *out)
{
	size_t n = 0;

	for (size_t at = RECORD_HEAD; at < len; at += piece) {
		size_t size = len - at < piece ? len - at : piece;

		memcpy(out + n, data, 3);
		out[n + 3] = (char)(size >> 8);
		out[n + 4] = (char)size;
		memcpy(out + n + RECORD_HEAD, data + at, size);
		n += RECORD_HEAD + size;
	}
	return n;
}

static void test_records(void **state)
{
	char data[ROOM], cut[4 * ROOM], name[RF_SERVER_NAME_MAX];
	size_t len = hello("a.example", TLS1_3_VERSION, data), n;

	(void)state;
	for (size_t piece = 4; piece < len; piece += 37) {
		n = in_records(data, len, piece, cut);
		assert_int_equal(rf_sni_read(cut, n - 1, name, sizeof(name)), 0);
		assert_int_equal(rf_sni_read(cut, n, name, sizeof(name)), 1);
		assert_string_equal(name, "a.example");
	}
	memcpy(cut, data, len); /* early data follow in the same segment */
	memcpy(cut + len, "\x17\x03\x03\x00\x02xy", 7);
	assert_int_equal(rf_sni_read(cut, len + 7, name, sizeof(name)), 1);
	assert_string_equal(name, "a.example");
}

static void *find(char *data, size_t len, const char *text)
{
	return memmem(data, len, text, strlen(text));
}

static void test_bad_names(void **state)
{
	char data[ROOM], name[RF_SERVER_NAME_MAX] = "untouched", long_name[300];
	size_t len;
	char *at;

	(void)state;
	len = hello("evil.example", TLS1_2_VERSION, data);
	at = find(data, len, "evil.example");
	assert_non_null(at);
	at[4] = '\0';
	assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), -EBADMSG);
	at[4] = '.';
	at[-3] = 1; /* another type of name */
	assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), -EBADMSG);
	at[-3] = 0;
	at[-1]--; /* something behind the name */
	assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), -EBADMSG);
	at[-1]++;
	assert_int_equal(rf_sni_read(data, len, name, 5), -EBADMSG);
	assert_string_equal(name, "untouched");
	assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), 1);
	memset(long_name, 'a', 255);
	long_name[255] = '\0';
	len = hello(long_name, TLS1_2_VERSION, data);
	assert_int_equal(rf_sni_read(data, len, name, sizeof(name)), 1);
	assert_string_equal(name, long_name);
}

/* Whatever a byte is turned into: no crash, and never the name of a hello that is not whole. */
static void test_flipped(void **state)
{
	char data[ROOM], name[RF_SERVER_NAME_MAX];
	size_t len = hello("b.example", TLS1_3_VERSION, data);

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			data[i] ^= (char)(1 << bit);
			int r = rf_sni_read(data, len, name, sizeof(name));

			assert_true(r == 1 || r == 0 || r == -EBADMSG);
			data[i] ^= (char)(1 << bit);
		}
}

static int begin(void **state)
{
	(void)state;
	return rf_sni_init();
}

static int end(void **state)
{
	(void)state;
	rf_sni_done();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),   cmocka_unit_test(test_no_tls),    cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_records), cmocka_unit_test(test_bad_names), cmocka_unit_test(test_flipped),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
