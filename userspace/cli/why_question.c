/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_question.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/nearest.h"
#include "core/address_text.h"

static int fail(char *error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(char *error, int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, RF_WHY_ERROR_MAX, format, ap);
	va_end(ap);
	return r;
}

static void add_pod(struct rf_why_end *end, const struct rf_why_pod *pod)
{
	struct rf_pod_end *p;

	if (end->pod_count == RF_WHY_PODS_MAX)
		return;
	p = &end->pods[end->pod_count++];
	*p = (struct rf_pod_end){.addr4 = pod->pod.addr4,
				 .addr6 = pod->pod.addr6,
				 .local = true,
				 .checker_port = pod->pod.checker_port,
				 .checker_ready = (pod->pod.flags & RF_POD_CHECKER_READY) != 0};
	snprintf(p->name, sizeof(p->name), "%s/%s", pod->ns, pod->name);
}

static void set_account(const struct rf_why_world *w, struct rf_why_end *end, rf_identity_t identity)
{
	const char *name = rf_why_account(w, identity);
	struct rf_ident ident;

	end->identity = identity;
	snprintf(end->text, sizeof(end->text), "%s", name ? name : "unknown");
	end->meshed = rf_datapath_ident(w->dp, identity, &ident) == 0 && ident.meshed;
}

static void account_end(const struct rf_why_world *w, struct rf_why_end *end, rf_identity_t identity)
{
	end->kind = RF_WHY_ACCOUNT;
	set_account(w, end, identity);
	for (size_t i = 0; i < w->pod_count; i++)
		if (w->pods[i].pod.identity == identity)
			add_pod(end, &w->pods[i]);
}

static void pod_end(const struct rf_why_world *w, struct rf_why_end *end, const struct rf_why_pod *pod)
{
	end->kind = RF_WHY_POD;
	set_account(w, end, pod->pod.identity);
	add_pod(end, pod);
}

static void address_end(const struct rf_why_world *w, struct rf_why_end *end, const struct rf_addr *addr)
{
	const struct rf_why_pod *pod = rf_why_pod_by_addr(w, addr);
	struct rf_peer peer;

	if (pod) {
		pod_end(w, end, pod);
		return;
	}
	end->kind = RF_WHY_ADDRESS;
	if (rf_datapath_peer(w->dp, addr, &peer) == 0)
		set_account(w, end, peer.identity);
	else
		rf_addr_text(addr, end->text, sizeof(end->text));
	end->pods[0] = (struct rf_pod_end){};
	if (rf_addr_is4(addr))
		end->pods[0].addr4 = *addr;
	else
		end->pods[0].addr6 = *addr;
	end->pod_count = 1;
}

/* The nearest name, or one that is the same in another namespace: "web" alone is of the source's. */
static void offer_name(struct rf_nearest *nearest, const char *candidate)
{
	const char *wanted = strchr(nearest->word, '/'), *has = strchr(candidate, '/');

	rf_nearest_offer(nearest, candidate);
	if (!nearest->best[0] && wanted && has && strcmp(wanted, has) == 0)
		nearest->best = candidate;
}

static int unknown(const struct rf_why_world *w, const char *what, const char *name, char *error)
{
	const bool service = strcmp(what, "Service") == 0, account = strstr(what, "ServiceAccount") != NULL;
	struct rf_nearest nearest = rf_nearest_to(name);
	char pod[130], best[130]; /* nearest keeps what it is offered */

	for (size_t i = 0; account && i < w->name_count; i++)
		offer_name(&nearest, w->names[i].text);
	for (size_t i = 0; service && i < w->service_name_count; i++)
		offer_name(&nearest, w->service_names[i].text);
	for (size_t i = 0; !service && i < w->pod_count; i++) {
		snprintf(pod, sizeof(pod), "%s/%s", w->pods[i].ns, w->pods[i].name);
		offer_name(&nearest, pod);
		if (nearest.best == pod)
			nearest.best = strcpy(best, pod);
	}
	return fail(error, -ENOENT, "there is no %s %s in the live policy%s%s%s", what, name, nearest.best[0] ? "; did you mean '" : "",
		    nearest.best, nearest.best[0] ? "'?" : "; see: ringfence ps, ringfence get serviceaccounts, ringfence get services");
}

static int named_pod(const struct rf_why_world *w, const char *name, struct rf_why_end *end, char *error)
{
	const struct rf_why_pod *pod = rf_why_pod_by_name(w, name);

	if (!pod)
		return unknown(w, "pod", name, error);
	pod_end(w, end, pod);
	return 0;
}

/* NS/NAME: a ServiceAccount, or else a pod. */
static int slashed(const struct rf_why_world *w, const char *name, struct rf_why_end *end, char *error)
{
	const struct rf_why_name *account;

	if (strncmp(name, "pod/", 4) == 0 || strncmp(name, "pod:", 4) == 0)
		return named_pod(w, name + 4, end, error);
	account = rf_why_find_name(w->names, w->name_count, name);
	if (account) {
		account_end(w, end, account->identity);
		return 0;
	}
	return rf_why_pod_by_name(w, name) ? named_pod(w, name, end, error) : unknown(w, "ServiceAccount or pod", name, error);
}

static int from_end(const struct rf_why_world *w, const char *text, struct rf_why_end *end, char *error)
{
	struct rf_addr addr;

	if (rf_addr_parse(text, &addr) == 0) {
		address_end(w, end, &addr);
		return 0;
	}
	if (strchr(text, '/'))
		return slashed(w, text, end, error);
	return fail(error, -EINVAL, "'%s' is no source: NAMESPACE/SERVICEACCOUNT, pod/NAMESPACE/NAME or an address", text);
}

/* "x:80", "[::1]:80", "x" -> x and 80 or 0. */
static int split_port(const char *text, char *ret, size_t size, uint16_t *ret_port, char *error)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = close ? (close[1] == ':' ? close + 1 : NULL) : strrchr(text, ':');
	const char *from = close ? text + 1 : text, *end = close ? close : colon ? colon : text + strlen(text);
	struct rf_addr whole;
	unsigned port = 0;
	int used = 0;

	*ret_port = 0;
	if (!close && rf_addr_parse(text, &whole) == 0) /* an IPv6 address without a port */
		end = text + strlen(text), colon = NULL;
	if (colon && strncmp(text, "pod:", 4) == 0 && colon == text + 3)
		end = text + strlen(text), colon = NULL;
	if (colon && (sscanf(colon + 1, "%u%n", &port, &used) != 1 || colon[1 + used] || !port || port > UINT16_MAX))
		return fail(error, -EINVAL, "'%s' does not end in a port of 1 to 65535", text);
	if ((size_t)(end - from) >= size)
		return fail(error, -EINVAL, "'%s' is too long", text);
	snprintf(ret, size, "%.*s", (int)(end - from), from);
	*ret_port = (uint16_t)port;
	return 0;
}

/* "svc.ns", "svc.ns.svc", "svc.ns.svc.cluster.local"; "svc" alone is of the source's namespace, as its resolver says. */
static int service_name(const struct rf_why_end *from, const char *text, char *ret, size_t size, char *error)
{
	const char *dot = strchr(text, '.'), *slash = strchr(from->text, '/'), *rest;
	size_t len;

	if (!dot && !slash)
		return fail(error, -EINVAL, "'%s': which namespace? Name it: %s.NAMESPACE", text, text);
	if (!dot) {
		snprintf(ret, size, "%.*s/%s", (int)(slash - from->text), from->text, text);
		return 0;
	}
	len = strcspn(dot + 1, ".");
	rest = dot + 1 + len;
	if (*rest && strcmp(rest, ".svc") != 0 && strcmp(rest, ".svc.cluster.local") != 0)
		return fail(error, -EINVAL,
			    "'%s' is no Service of the mesh: SERVICE.NAMESPACE; outside the mesh name an address and --host", text);
	snprintf(ret, size, "%.*s/%.*s", (int)len, dot + 1, (int)(dot - text), text);
	return 0;
}

/* The one port that a Service has of this protocol, 0: none, or several; then ret lists them. */
static uint16_t only_port(const struct rf_why_world *w, const struct rf_why_end *end, uint8_t proto, char *ret, size_t size)
{
	/* Its other address has the same ports. */
	const struct rf_addr *addr = rf_addr_is_none(&end->service4) ? &end->service6 : &end->service4;
	uint16_t port = 0;
	size_t count = 0, len = 0;

	for (size_t i = 0; i < w->service_count; i++) {
		const struct rf_service_key *k = &w->services[i].key;

		if (k->proto != proto || !rf_addr_equal(&k->addr, addr))
			continue;
		port = k->port;
		if (len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%u", count ? ", " : "", port);
		count++;
	}
	return count == 1 ? port : 0;
}

static int service_end(const struct rf_why_world *w, const struct rf_why_question *q, const char *text, struct rf_why_end *end, char *error)
{
	char name[RF_IDENTITY_NAME_MAX];
	const char *protocol = q->proto == IPPROTO_UDP ? "UDP" : "TCP";
	char ports[128] = "";
	int r = service_name(&q->from, text, name, sizeof(name), error);

	if (r < 0)
		return r;
	end->kind = RF_WHY_SERVICE;
	snprintf(end->text, sizeof(end->text), "%s", name);
	for (size_t i = 0; i < w->service_name_count; i++)
		if (strcmp(w->service_names[i].text, name) == 0)
			*(rf_addr_is4(&w->service_names[i].addr) ? &end->service4 : &end->service6) = w->service_names[i].addr;
	if (rf_addr_is_none(&end->service4) && rf_addr_is_none(&end->service6))
		return unknown(w, "Service", name, error);
	if (!end->port)
		end->port = only_port(w, end, q->proto, ports, sizeof(ports));
	if (!end->port && !ports[0])
		return fail(error, -EINVAL, "Service %s has no %s port", name, protocol);
	if (!end->port)
		return fail(error, -EINVAL, "Service %s has several %s ports (%s): name one, as in %s:%.*s", name, protocol, ports, text,
			    (int)strcspn(ports, ","), ports);
	return 0;
}

static int to_end(const struct rf_why_world *w, const struct rf_why_question *q, const char *text, struct rf_why_end *end, char *error)
{
	char name[RF_IDENTITY_NAME_MAX];
	struct rf_addr addr = {};
	int r = split_port(text, name, sizeof(name), &end->port, error);

	if (r < 0)
		return r;
	if (!strchr(name, '/') && rf_addr_parse(name, &addr) < 0)
		return service_end(w, q, name, end, error);
	if (!end->port)
		return fail(error, -EINVAL, "'%s' has no port: %s:PORT", text, text);
	if (strchr(name, '/'))
		return slashed(w, name, end, error);
	for (size_t i = 0; i < w->service_name_count; i++)
		if (rf_addr_equal(&w->service_names[i].addr, &addr)) {
			*(rf_addr_is4(&addr) ? &end->service4 : &end->service6) = addr;
			end->kind = RF_WHY_SERVICE;
			snprintf(end->text, sizeof(end->text), "%s", w->service_names[i].text);
			return 0;
		}
	address_end(w, end, &addr);
	return 0;
}

static int add_header(struct rf_why_question *q, const char *text, char *error)
{
	const char *sep = strpbrk(text, "=:");
	struct rf_header_field *f = &q->fields[q->field_count];
	struct rf_header_field found;

	if (!sep || sep == text)
		return fail(error, -EINVAL, "'%s' is no header: NAME=VALUE", text);
	found = (struct rf_header_field){.name = text, .name_len = (size_t)(sep - text), .value = sep + 1};
	found.value += strspn(found.value, " \t");
	found.value_len = strlen(found.value);
	while (found.value_len && strchr(" \t", found.value[found.value_len - 1]))
		found.value_len--;
	if (found.name_len == 4 && strncasecmp(text, "host", 4) == 0) {
		if (found.value_len >= sizeof(q->authority))
			return fail(error, -EINVAL, "the Host is too long");
		snprintf(q->authority, sizeof(q->authority), "%.*s", (int)found.value_len, found.value);
		return 0;
	}
	if (q->field_count == RF_WHY_FIELDS_MAX)
		return fail(error, -EINVAL, "at most %d headers", RF_WHY_FIELDS_MAX - 1);
	*f = found;
	q->field_count++;
	return 0;
}

/* Host is what a client would send that dials this. */
static int read_headers(struct rf_why_question *q, const struct rf_why_words *words, char *error)
{
	const char *colon = strrchr(words->to, ':'), *slash = strchr(words->to, '/');
	int r = 0;

	if (!slash)
		snprintf(q->authority, sizeof(q->authority), "%s", words->to);
	else
		snprintf(q->authority, sizeof(q->authority), "%.*s%s", (int)strcspn(slash + 1, ":"), slash + 1, colon ? colon : "");
	q->field_count = 1;
	for (size_t i = 0; r == 0 && i < words->header_count; i++)
		r = add_header(q, words->headers[i], error);
	q->fields[0] = (struct rf_header_field){"host", 4, q->authority, strlen(q->authority)};
	return r;
}

int rf_why_question_read(const struct rf_why_world *world, const struct rf_why_words *words, struct rf_why_question *ret,
			 char error[RF_WHY_ERROR_MAX])
{
	struct rf_why_question *q = ret;
	int r;

	*q = (struct rf_why_question){.proto = words->udp ? IPPROTO_UDP : IPPROTO_TCP,
				      .ipv6 = words->ipv6,
				      .method = words->method,
				      .path = words->path,
				      .server_name = words->server_name};
	if (!words->from || !words->to)
		return fail(error, -EINVAL, "both a source (from) and a destination (to) are needed");
	if (words->udp && (words->method || words->path || words->header_count || words->server_name))
		return fail(error, -EINVAL, "UDP is not decided per request: no method, path, header or server name");
	if (words->path && words->server_name)
		return fail(error, -EINVAL, "a server name is asked about TLS, a path about HTTP: only one of them");
	if ((words->method || words->header_count) && !words->path && !words->server_name)
		return fail(error, -EINVAL, "a method or header without a path: add --path /");
	if (words->path && !words->method)
		q->method = "GET";
	r = from_end(world, words->from, &q->from, error);
	if (r == 0)
		r = to_end(world, q, words->to, &q->to, error);
	return r < 0 ? r : read_headers(q, words, error);
}

static int add_word(cJSON *room, struct rf_why_words *words, const char *name, const char *value, char *error)
{
	char text[1024];
	cJSON *item;

	if (words->header_count == RF_WHY_FIELDS_MAX || snprintf(text, sizeof(text), "%s: %s", name, value) >= (int)sizeof(text))
		return fail(error, -EINVAL, "too many headers, or too long ones");
	item = cJSON_CreateString(text);
	if (!item || !cJSON_AddItemToArray(room, item))
		return -ENOMEM;
	words->headers[words->header_count++] = item->valuestring;
	return 0;
}

/* A field of another type, passed over, would make the answer one to another question. */
static int check_field(const cJSON *field, char *error)
{
	static const struct {
		const char *name, *wants;
		int types;
	} known[] = {{"from", "a text", cJSON_String},
		     {"to", "a text", cJSON_String},
		     {"method", "a text", cJSON_String},
		     {"path", "a text", cJSON_String},
		     {"server_name", "a text", cJSON_String},
		     {"udp", "true or false", cJSON_True | cJSON_False},
		     {"ipv6", "true or false", cJSON_True | cJSON_False},
		     {"headers", "an object of texts or arrays of texts", cJSON_Object},
		     {"id", "", 0xff}};

	for (size_t i = 0; i < RF_ARRAY_SIZE(known); i++)
		if (strcmp(known[i].name, field->string) == 0)
			return field->type & known[i].types ? 0 : fail(error, -EINVAL, "\"%s\" must be %s", field->string, known[i].wants);
	return fail(error, -EINVAL, "\"%.60s\" is no field of a question", field->string);
}

static int header_word(const cJSON *value, const char *name, cJSON *room, struct rf_why_words *words, char *error)
{
	if (!cJSON_IsString(value))
		return fail(error, -EINVAL, "the header \"%.60s\" must be a text or an array of texts", name);
	return add_word(room, words, name, value->valuestring, error);
}

static int header_words(const cJSON *headers, cJSON *room, struct rf_why_words *words, char *error)
{
	const cJSON *h, *v;
	int r = 0;

	cJSON_ArrayForEach(h, headers)
	{
		if (!cJSON_IsArray(h))
			r = header_word(h, h->string, room, words, error);
		else
			cJSON_ArrayForEach(v, h) r = r < 0 ? r : header_word(v, h->string, room, words, error);
		if (r < 0)
			return r;
	}
	return 0;
}

int rf_why_words_read(const cJSON *line, struct rf_why_words *ret, cJSON **ret_room, char error[RF_WHY_ERROR_MAX])
{
	struct rf_why_words words = {.from = rf_json_text(line, "from", NULL),
				     .to = rf_json_text(line, "to", NULL),
				     .method = rf_json_text(line, "method", NULL),
				     .path = rf_json_text(line, "path", NULL),
				     .server_name = rf_json_text(line, "server_name", NULL),
				     .udp = rf_json_bool(line, "udp", false),
				     .ipv6 = rf_json_bool(line, "ipv6", false)};
	_cleanup_json_ cJSON *room = cJSON_CreateArray();
	const cJSON *field;
	int r;

	if (!room)
		return -ENOMEM;
	if (!cJSON_IsObject(line))
		return fail(error, -EINVAL, "a question is one JSON object on one line");
	cJSON_ArrayForEach(field, line)
	{
		r = check_field(field, error);
		if (r < 0)
			return r;
	}
	r = header_words(cJSON_GetObjectItemCaseSensitive(line, "headers"), room, &words, error);
	if (r < 0)
		return r;
	*ret = words;
	*ret_room = TAKE_PTR(room);
	return 0;
}
