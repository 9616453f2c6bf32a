/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/cleanup.h"

#define ANSWER_MAX (64u * 1024 * 1024) /* an agent gone mad must not eat the machine */

cJSON *rf_client_request(const char *op)
{
	cJSON *request = cJSON_CreateObject();

	if (request && !cJSON_AddStringToObject(request, "op", op)) {
		cJSON_Delete(request);
		return NULL;
	}
	return request;
}

static int connect_agent(const struct rf_instance *instance)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(instance->control_path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, instance->control_path, strlen(instance->control_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return errno == ECONNREFUSED ? -ENOENT : -errno;
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Connects and sends; the stream is for reading the answer lines. */
static int ask(const struct rf_instance *instance, cJSON *request, FILE **ret)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!request)
		return -ENOMEM;
	line = cJSON_PrintUnformatted(request);
	cJSON_Delete(request);
	if (!line)
		return -ENOMEM;
	fd = connect_agent(instance);
	if (fd < 0)
		return fd;
	r = send_all(fd, line, strlen(line));
	if (r == 0)
		r = send_all(fd, "\n", 1);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET) /* refused peers are told why before they are closed */
		return r;
	*ret = fdopen(fd, "r");
	if (!*ret)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

/* 0 and an object, -ENODATA at the end of the stream, -EPROTO for anything that is not one JSON object on one line. */
static int read_object(FILE *stream, cJSON **ret)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t len;
	cJSON *item;

	errno = 0;
	len = getline(&line, &room, stream);
	if (len < 0)
		return errno && errno != ECONNRESET ? -errno : -ENODATA;
	if ((size_t)len > ANSWER_MAX)
		return -EPROTO;
	item = cJSON_ParseWithLength(line, (size_t)len);
	if (!cJSON_IsObject(item)) {
		cJSON_Delete(item);
		return -EPROTO;
	}
	*ret = item;
	return 0;
}

int rf_client_exchange(const struct rf_instance *instance, cJSON *request, cJSON **ret_answer)
{
	return rf_client_exchange_within(instance, request, 0, ret_answer);
}

int rf_client_exchange_within(const struct rf_instance *instance, cJSON *request, int seconds, cJSON **ret_answer)
{
	const struct timeval limit = {.tv_sec = seconds};
	_cleanup_fclose_ FILE *stream = NULL;
	int r;

	r = ask(instance, request, &stream);
	if (r < 0)
		return r;
	if (setsockopt(fileno(stream), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	r = read_object(stream, ret_answer);
	return r == -ENODATA ? -EPROTO : r;
}

static void print_refusal(const cJSON *answer)
{
	const char *hint = rf_json_text(answer, "hint", NULL);

	fprintf(stderr, "ringfence: %s\n", rf_json_text(answer, "error", "the agent refused without saying why"));
	if (hint)
		fprintf(stderr, "  try: %s\n", hint);
}

int rf_client_explain(const struct rf_instance *instance, int r)
{
	if (r == -ENOENT)
		fprintf(stderr,
			"ringfence: no agent answers on %s\n  start it: ringfenced --instance %s --policies /etc/%s/policies &\n"
			"  or, where the systemd units are installed: systemctl start ringfenced\n",
			instance->control_path, instance->name, instance->name);
	else if (r == -EACCES || r == -EPERM)
		fprintf(stderr, "ringfence: only root may talk to the agent; try: sudo ringfence ...\n");
	else if (r == -EPROTO)
		fprintf(stderr, "ringfence: what answers on %s ended without an answer; is it the same version of ringfenced?\n",
			instance->control_path);
	else if (r < 0 && r != -EREMOTEIO)
		fprintf(stderr, "ringfence: cannot talk to the agent on %s: %s\n", instance->control_path, strerror(-r));
	return r;
}

int rf_client_call(const struct rf_instance *instance, cJSON *request, cJSON **ret_answer)
{
	_cleanup_json_ cJSON *answer = NULL;
	int r;

	r = rf_client_exchange(instance, request, &answer);
	if (r < 0)
		return rf_client_explain(instance, r);
	if (!rf_json_bool(answer, "ok", false)) {
		print_refusal(answer);
		return -EREMOTEIO;
	}
	*ret_answer = TAKE_PTR(answer);
	return 0;
}

int rf_client_stream(const struct rf_instance *instance, cJSON *request, int (*fn)(void *arg, const cJSON *line), void *arg)
{
	_cleanup_fclose_ FILE *stream = NULL;
	bool first = true;
	int r;

	r = ask(instance, request, &stream);
	if (r < 0)
		return rf_client_explain(instance, r);
	for (;; first = false) {
		_cleanup_json_ cJSON *line = NULL;

		r = read_object(stream, &line);
		if (r == -ENODATA && !first)
			return 0;
		if (r < 0)
			return rf_client_explain(instance, r == -ENODATA ? -EPROTO : r);
		if (first && !rf_json_bool(line, "ok", false)) {
			print_refusal(line);
			return -EREMOTEIO;
		}
		r = first ? 0 : fn(arg, line);
		if (r != 0)
			return r;
	}
}
