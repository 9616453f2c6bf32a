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
#include "agent/event_reader.h"
#include "agent/event_text.h"
#include "agent/ops.h"
#include "agent/peer.h"
#include "agent/request.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/log.h"

struct client {
	struct client *next_client;
	struct rf_control_server *control;
	uint64_t id;
	int fd;
	struct rf_source *io, *timer;
	char *in;
	size_t in_len, in_room;
	char *out;
	size_t out_len, out_sent, out_room;
	bool asked;                    /* the request is in ops' hands */
	bool deaf;                     /* it has shut down its side and only listens */
	bool closing;                  /* ends when out is empty */
	bool syncing;                  /* waits for the next read of the policies */
	struct rf_event_reader reader; /* of the stream it gets */
	uint64_t moved_ns;             /* when it last took something of the stream */
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
		at = &(*at)->next_client;
	*at = c->next_client;
	c->control->count--;
	rf_source_remove(c->io);
	rf_source_remove(c->timer);
	rf_closep(&c->fd);
	rf_event_reader_done(&c->reader);
	free(c->in);
	free(c->out);
	free(c);
}

static struct client *find(const struct rf_control_server *control, uint64_t id)
{
	for (struct client *c = control->clients; c; c = c->next_client)
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

static bool has_more(const struct client *c)
{
	return !c->closing && rf_event_reader_has_more(&c->reader, c->control->agent->events);
}

/* EPOLLPRI never comes on these sockets: it stands for "only tell me when it is gone". */
static void want_events(struct client *c)
{
	rf_source_modify(c->io, (c->deaf ? EPOLLPRI : EPOLLIN) | (c->out_len || has_more(c) ? EPOLLOUT : 0u));
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
		c->moved_ns = rf_now_ns();
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
		next = c->next_client;
		if (c->syncing)
			rf_ops_answer_sync(control->agent, c->id);
	}
}

/* The next line of its stream; 1 = none for now, -ENOMEM. */
static int append_next(struct client *c)
{
	cJSON *object = rf_event_reader_next(&c->reader, c->control->agent->events, rf_now_realtime_ns());
	_cleanup_free_ char *line = object ? cJSON_PrintUnformatted(object) : NULL;

	cJSON_Delete(object);
	if (!line)
		return object || has_more(c) ? -ENOMEM : 1;
	return append(c, line, strlen(line)) ? 0 : -ENOMEM;
}

/* Makes the next lines ready: a reader costs its place in the ring and a few lines, however slow it is. Without memory the stream ends. */
static void read_ahead(struct client *c)
{
	int r = 0;

	while (r == 0 && has_more(c) && c->out_len - c->out_sent < RF_CONTROL_AHEAD)
		r = append_next(c);
	c->closing = r < 0 || rf_event_reader_ended(&c->reader);
}

/* Returns false if the client is gone now. */
static bool pump(struct client *c)
{
	if (c->reader.filter && !c->closing)
		read_ahead(c);
	return flush(c);
}

static void on_came(void *arg)
{
	struct rf_control_server *control = arg;
	struct client *next;

	for (struct client *c = control->clients; c; c = next) {
		next = c->next_client;
		if (c->reader.filter && !c->out_len) /* the others go on when there is room again */
			pump(c);
	}
}

static void on_goes(void *arg, uint64_t number, const struct rf_event_line *line, unsigned show)
{
	struct rf_control_server *control = arg;

	for (struct client *c = control->clients; c; c = c->next_client)
		rf_event_reader_goes(&c->reader, number, line, show);
}

static cJSON *hello(const struct rf_events *events)
{
	uint64_t oldest = rf_events_oldest(events), next = rf_events_next(events);
	unsigned show;
	cJSON *o = cJSON_CreateObject();
	char when[64];

	cJSON_AddTrueToObject(o, "ok");
	cJSON_AddNumberToObject(o, "lost", (double)rf_events_lost(events));
	cJSON_AddNumberToObject(o, "kept", (double)(next - oldest));
	if (oldest < next) {
		rf_time_text(rf_events_at(events, oldest, &show)->time_ns, when, sizeof(when));
		cJSON_AddStringToObject(o, "oldest", when);
	}
	return o;
}

void rf_control_stream(struct rf_control_server *control, uint64_t id, struct rf_event_filter *filter, size_t last, bool follow)
{
	const struct rf_events *events = control->agent->events;
	struct client *c = find(control, id);

	if (c)
		say(c, hello(events), false);
	c = find(control, id);
	if (!c) {
		rf_event_filter_free(filter);
		return;
	}
	rf_event_reader_begin(&c->reader, events, filter, last, follow);
	c->moved_ns = rf_now_ns();
	pump(c);
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
	if (events & EPOLLOUT && !pump(c))
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
	*c = (struct client){.next_client = control->clients, .control = control, .id = ++control->next_id, .fd = fd};
	control->clients = c;
	control->count++;
	if (rf_loop_timer(control->agent->loop, RF_CONTROL_REQUEST_MS, on_client_timer, c, &c->timer) < 0 ||
	    rf_loop_add(control->agent->loop, fd, EPOLLIN, on_client, c, &c->io) < 0)
		client_free(c);
}

/* The stream that nobody has read for longest makes room: hung readers must not shut everybody else out. */
static void end_stuck(struct rf_control_server *control)
{
	const uint64_t now = rf_now_ns();
	struct client *stuck = NULL;

	for (struct client *c = control->clients; c; c = c->next_client)
		if (c->reader.filter && (c->out_len || has_more(c)) && (!stuck || c->moved_ns < stuck->moved_ns))
			stuck = c;
	if (stuck && now - stuck->moved_ns > RF_CONTROL_STUCK_MS * 1000000ull)
		client_free(stuck);
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
		if (rf_peer_check(peer, &control->agent->instance) < 0) {
			turn_away(peer, "{\"ok\":false,\"error\":\"only root, and nobody inside a pod, may talk to the agent\"}\n");
			continue;
		}
		if (control->count >= RF_CONTROL_CLIENTS_MAX)
			end_stuck(control);
		if (control->count >= RF_CONTROL_CLIENTS_MAX)
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
	const struct rf_events_listener listener = {.arg = control, .came = on_came, .goes = on_goes};
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
	rf_events_listen(agent->events, &listener);
	*ret = control;
	return 0;
}

void rf_control_free(struct rf_control_server *control)
{
	if (!control)
		return;
	rf_events_listen(control->agent->events, NULL);
	while (control->clients)
		client_free(control->clients);
	rf_source_remove(control->io);
	(void)unlink(control->agent->instance.control_path); /* a left-over is replaced by the next agent */
	rf_closep(&control->fd);
	free(control);
}
