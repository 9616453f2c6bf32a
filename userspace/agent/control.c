/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/agent.h"
#include "agent/ops.h"
#include "agent/peer.h"
#include "agent/request.h"
#include "core/cleanup.h"
#include "core/log.h"

struct client {
	struct client *next;
	struct rf_control_server *control;
	uint64_t id;
	int fd;
	struct rf_source *io, *timer;
	char *in;
	size_t in_len, in_room;
	char *out;
	size_t out_len, out_sent, out_room;
	bool asked;    /* the request is in ops' hands */
	bool deaf;     /* it has shut down its side and only listens */
	bool closing;  /* ends when out is empty */
	bool syncing;  /* waits for the next read of the policies */
	unsigned mask; /* of events it follows; 0 = none */
	uint64_t dropped;
	void (*give_up)(struct rf_agent *agent, uint64_t client);
};

struct rf_control_server {
	struct rf_agent *agent;
	int fd;
	struct rf_source *io;
	struct client *clients;
	unsigned count;
	uint64_t next_id;
};

static void client_free(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->count--;
	rf_source_remove(c->io);
	rf_source_remove(c->timer);
	rf_closep(&c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static struct client *find(const struct rf_control_server *control, uint64_t id)
{
	for (struct client *c = control->clients; c; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

static bool reserve(char **buffer, size_t *room, size_t wanted)
{
	size_t size = *room ? *room : 4096;
	char *more;

	if (wanted <= *room)
		return true;
	while (size < wanted)
		size *= 2;
	more = realloc(*buffer, size);
	if (!more)
		return false;
	*buffer = more;
	*room = size;
	return true;
}

/* EPOLLPRI never comes on these sockets: it stands for "only tell me when it is gone". */
static void want_events(struct client *c)
{
	rf_source_modify(c->io, (c->deaf ? EPOLLPRI : EPOLLIN) | (c->out_len ? EPOLLOUT : 0u));
}

/* Sends what it can. Returns false if the client is gone now. */
static bool flush(struct client *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_free(c);
			return false;
		}
		c->out_sent += (size_t)n;
	}
	if (c->out_sent == c->out_len) {
		c->out_sent = c->out_len = 0;
		if (c->closing) {
			client_free(c);
			return false;
		}
	}
	want_events(c);
	return true;
}

/* Appends a line; false if it does not fit. Does not send. */
static bool append(struct client *c, const char *line, size_t len)
{
	if (c->out_sent) {
		memmove(c->out, c->out + c->out_sent, c->out_len - c->out_sent);
		c->out_len -= c->out_sent;
		c->out_sent = 0;
	}
	if (!reserve(&c->out, &c->out_room, c->out_len + len + 1))
		return false;
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	return true;
}

/* The last thing a client hears, or, for a stream, the first. */
static void say(struct client *c, cJSON *object, bool last)
{
	_cleanup_free_ char *line = object ? cJSON_PrintUnformatted(object) : NULL;

	cJSON_Delete(object);
	c->give_up = NULL;
	c->syncing = false;
	c->closing = last;
	rf_timer_arm(c->timer, last ? RF_CONTROL_REQUEST_MS : -1);
	if (!line || !append(c, line, strlen(line))) {
		client_free(c);
		return;
	}
	flush(c);
}

void rf_control_answer(struct rf_control_server *control, uint64_t id, cJSON *answer)
{
	struct client *c = find(control, id);

	if (!answer)
		answer = cJSON_CreateObject();
	if (!c) {
		cJSON_Delete(answer);
		return;
	}
	cJSON_AddTrueToObject(answer, "ok");
	say(c, answer, true);
}

void rf_control_refuse(struct rf_control_server *control, uint64_t id, const char *error, const char *hint, cJSON *extra)
{
	struct client *c = find(control, id);
	cJSON *answer = extra ? extra : cJSON_CreateObject();

	if (!c) {
		cJSON_Delete(answer);
		return;
	}
	cJSON_AddFalseToObject(answer, "ok");
	cJSON_AddStringToObject(answer, "error", error);
	if (hint && *hint)
		cJSON_AddStringToObject(answer, "hint", hint);
	say(c, answer, true);
}

void rf_control_answer_error(struct rf_control_server *control, uint64_t id, const char *error, const char *hint)
{
	rf_control_refuse(control, id, error, hint, NULL);
}

void rf_control_wait(struct rf_control_server *control, uint64_t id, void (*give_up)(struct rf_agent *agent, uint64_t client))
{
	struct client *c = find(control, id);

	if (!c)
		return;
	c->give_up = give_up;
	rf_timer_arm(c->timer, RF_CONTROL_LATER_MS);
}

static void give_up_sync(struct rf_agent *agent, uint64_t id)
{
	rf_control_answer_error(agent->control, id, "the policy directory is being written to; it has not been read yet", NULL);
}

void rf_control_wait_sync(struct rf_control_server *control, uint64_t id)
{
	struct client *c = find(control, id);

	if (!c)
		return;
	c->syncing = true;
	rf_control_wait(control, id, give_up_sync);
}

void rf_control_synced(struct rf_control_server *control)
{
	struct client *next;

	for (struct client *c = control->clients; c; c = next) {
		next = c->next;
		if (c->syncing)
			rf_ops_answer_sync(control->agent, c->id);
	}
}

/* A slow reader loses lines, and is told how many as soon as there is room again. */
static void stream_line(void *arg, enum rf_event_verdict verdict, const char *line, size_t len)
{
	struct client *c = arg;
	char lost[64];

	if (!(c->mask & verdict) || c->closing)
		return;
	if (c->out_len - c->out_sent + len + sizeof(lost) > RF_CONTROL_OUT_MAX) {
		c->dropped++;
		return;
	}
	if (c->dropped) {
		int n = snprintf(lost, sizeof(lost), "{\"kind\":\"lost\",\"count\":%llu}", (unsigned long long)c->dropped);

		if (!append(c, lost, (size_t)n))
			return;
		c->dropped = 0;
	}
	if (!append(c, line, len))
		c->dropped++;
}

static void on_event(void *arg, enum rf_event_verdict verdict, const char *line, size_t len)
{
	struct rf_control_server *control = arg;
	struct client *next;

	for (struct client *c = control->clients; c; c = next) {
		next = c->next;
		if (!(c->mask & verdict))
			continue;
		stream_line(c, verdict, line, len);
		flush(c);
	}
}

void rf_control_stream(struct rf_control_server *control, uint64_t id, unsigned mask, size_t last, bool follow)
{
	struct client *c = find(control, id);
	cJSON *hello = cJSON_CreateObject();

	if (!c || !hello) {
		cJSON_Delete(hello);
		return;
	}
	cJSON_AddTrueToObject(hello, "ok");
	cJSON_AddNumberToObject(hello, "lost", (double)rf_events_lost(control->agent->events));
	say(c, hello, false);
	c = find(control, id);
	if (!c)
		return;
	c->mask = mask;
	rf_events_each(control->agent->events, mask, last, stream_line, c);
	if (!follow) {
		c->mask = 0;
		c->closing = true;
		rf_timer_arm(c->timer, RF_CONTROL_REQUEST_MS);
	}
	flush(c);
}

static void on_client_timer(void *arg)
{
	struct client *c = arg;

	if (c->give_up)
		c->give_up(c->control->agent, c->id);
	else
		client_free(c); /* never finished its question, or never read the answer */
}

static void take_request(struct client *c)
{
	struct rf_control_server *control = c->control;
	char error[256] = "";
	uint64_t id = c->id;
	cJSON *request;
	size_t len = 0;
	int r;

	r = rf_request_line(c->in, c->in_len, &len);
	if (r == -EAGAIN)
		return;
	c->asked = true;
	rf_timer_arm(c->timer, -1);
	if (r == -EMSGSIZE) {
		rf_control_answer_error(control, id, "a request is at most 1 MiB long", NULL);
		return;
	}
	if (rf_request_parse(c->in, len, &request, error, sizeof(error)) < 0) {
		rf_control_answer_error(control, id, error, NULL);
		return;
	}
	rf_ops_run(control->agent, id, request); /* c may be gone afterwards */
	cJSON_Delete(request);
}

/* After its request a client has nothing more to say: what comes is thrown away, the end is the end. */
static void read_client(struct client *c, uint32_t events)
{
	char scrap[4096];
	ssize_t n;

	if (!c->asked && !reserve(&c->in, &c->in_room, c->in_len + sizeof(scrap))) {
		client_free(c);
		return;
	}
	n = c->asked ? recv(c->fd, scrap, sizeof(scrap), MSG_DONTWAIT)
		     : recv(c->fd, c->in + c->in_len, c->in_room - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && c->asked && !(events & EPOLLHUP)) {
		c->deaf = true;
		want_events(c);
		return;
	}
	if (n <= 0) {
		client_free(c);
		return;
	}
	if (c->asked)
		return;
	c->in_len += (size_t)n;
	take_request(c);
}

static void on_client(void *arg, int fd, uint32_t events)
{
	struct client *c = arg;

	(void)fd;
	if (events & EPOLLOUT && !flush(c))
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_client(c, events);
}

/* Takes fd. */
static void client_new(struct rf_control_server *control, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		rf_closep(&fd);
		return;
	}
	*c = (struct client){.next = control->clients, .control = control, .id = ++control->next_id, .fd = fd};
	control->clients = c;
	control->count++;
	if (rf_loop_timer(control->agent->loop, RF_CONTROL_REQUEST_MS, on_client_timer, c, &c->timer) < 0 ||
	    rf_loop_add(control->agent->loop, fd, EPOLLIN, on_client, c, &c->io) < 0)
		client_free(c);
}

static void turn_away(int fd, const char *line)
{
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT); /* a courtesy; the refusal is the close */
}

static void on_accept(void *arg, int fd, uint32_t events)
{
	struct rf_control_server *control = arg;

	(void)events;
	for (;;) {
		_cleanup_close_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer < 0)
			return;
		if (rf_peer_check(peer, &control->agent->instance) < 0)
			turn_away(peer, "{\"ok\":false,\"error\":\"only root, and nobody inside a pod, may talk to the agent\"}\n");
		else if (control->count >= RF_CONTROL_CLIENTS_MAX)
			turn_away(peer, "{\"ok\":false,\"error\":\"too many clients talk to the agent; try again\"}\n");
		else
			client_new(control, TAKE_FD(peer));
	}
}

/* 0600 from its birth, in a directory that only root may enter. An old socket is a dead agent's: the datapath's lock is ours. */
static int listen_on(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (unlink(path) < 0 && errno != ENOENT))
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, 64) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

int rf_control_new(struct rf_agent *agent, struct rf_control_server **ret)
{
	struct rf_control_server *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->agent = agent;
	control->fd = listen_on(agent->instance.control_path);
	r = control->fd < 0 ? control->fd : rf_loop_add(agent->loop, control->fd, EPOLLIN, on_accept, control, &control->io);
	if (r < 0) {
		rf_closep(&control->fd);
		free(control);
		return r;
	}
	rf_events_listen(agent->events, on_event, control);
	*ret = control;
	return 0;
}

void rf_control_free(struct rf_control_server *control)
{
	if (!control)
		return;
	rf_events_listen(control->agent->events, NULL, NULL);
	while (control->clients)
		client_free(control->clients);
	rf_source_remove(control->io);
	(void)unlink(control->agent->instance.control_path); /* a left-over is replaced by the next agent */
	rf_closep(&control->fd);
	free(control);
}
