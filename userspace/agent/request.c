/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "objects/exclusions.h"
#include "objects/scalar.h"
#include "pods/names.h"

int rf_request_line(const char *buf, size_t len, size_t *ret_line_len)
{
	const char *end = memchr(buf, '\n', len);

	if (end && (size_t)(end - buf) < RF_REQUEST_MAX) {
		*ret_line_len = (size_t)(end - buf);
		return 0;
	}
	return end || len >= RF_REQUEST_MAX ? -EMSGSIZE : -EAGAIN;
}

static int refuse(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(char *error, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, size, format, ap);
	va_end(ap);
	return -EINVAL;
}

int rf_request_parse(const char *line, size_t len, cJSON **ret, char *error, size_t size)
{
	_cleanup_json_ cJSON *item = NULL;
	const char *end = NULL;

	if (memchr(line, '\0', len))
		return refuse(error, size, "a request must not contain NUL bytes");
	item = cJSON_ParseWithLengthOpts(line, len, &end, false);
	if (!item)
		return refuse(error, size, "a request must be one JSON object on one line");
	while (end < line + len && strchr(" \t\r", *end))
		end++;
	if (end != line + len || !cJSON_IsObject(item))
		return refuse(error, size, "a request must be one JSON object and nothing else");
	if (!rf_json_text(item, "op", NULL))
		return refuse(error, size, "a request needs a field \"op\" with a string");
	*ret = TAKE_PTR(item);
	return 0;
}

/* A string that is there must be a string; NULL stands for "". */
static int text_field(const cJSON *request, const char *field, const char **ret, char *error, size_t size)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(request, field);

	if (item && !cJSON_IsString(item) && !cJSON_IsNull(item))
		return refuse(error, size, "\"%s\" must be a string", field);
	*ret = item && item->valuestring ? item->valuestring : "";
	return 0;
}

/* A name becomes a directory, a key and a line of a hosts file. "" passes: not given. */
static int check_name(const char *what, const char *name, char *error, size_t size)
{
	if (*name && !rf_pod_names_valid("default", name))
		return refuse(error, size,
			      "'%.80s' cannot be a %s: a-z 0-9 - and . only, at most %d characters, letters or digits at both ends", name,
			      what, RF_POD_NAME_MAX);
	return 0;
}

static int check_namespace(const char *name, char *error, size_t size)
{
	if (!rf_pod_names_valid(name, "x"))
		return refuse(error, size,
			      "'%.80s' cannot be a namespace: a-z 0-9 and - only, at most 63 characters, letters or digits at both ends",
			      name);
	return 0;
}

/* "NS/NAME" or "NAME", which is in the pod's own namespace. */
static int split_deployment(const char *text, struct rf_pod_request *p, char *error, size_t size)
{
	const char *slash = strchr(text, '/');

	p->deployment = slash ? slash + 1 : text;
	p->deployment_ns = p->ns;
	if (!slash)
		return check_name("Deployment", p->deployment, error, size);
	if ((size_t)(slash - text) >= sizeof(p->deployment_ns_room) || !slash[1])
		return refuse(error, size, "'%.80s' is not NAMESPACE/DEPLOYMENT", text);
	memcpy(p->deployment_ns_room, text, (size_t)(slash - text));
	p->deployment_ns_room[slash - text] = '\0';
	p->deployment_ns = p->deployment_ns_room;
	if (check_namespace(p->deployment_ns, error, size) < 0)
		return -EINVAL;
	return check_name("Deployment", p->deployment, error, size);
}

static int parse_address(const char *text, uint32_t *ret_be, char *error, size_t size)
{
	struct in_addr a = {};

	if (*text && inet_pton(AF_INET, text, &a) != 1)
		return refuse(error, size, "'%.80s' is not an IPv4 address", text);
	*ret_be = a.s_addr;
	return 0;
}

struct pairs {
	const char *field, *what;
	struct rf_pair_text *items; /* RF_LABELS_MAX */
	size_t *count;
};

static int parse_pairs(const cJSON *request, const struct pairs *p, char *error, size_t size)
{
	const cJSON *pairs = cJSON_GetObjectItemCaseSensitive(request, p->field), *item;

	if (!pairs)
		return 0;
	if (!cJSON_IsObject(pairs))
		return refuse(error, size, "\"%s\" must be an object of strings", p->field);
	cJSON_ArrayForEach(item, pairs)
	{
		if (!cJSON_IsString(item) || strlen(item->valuestring) > RF_LABEL_MAX || !*item->string ||
		    strlen(item->string) > RF_LABEL_MAX)
			return refuse(error, size, "%s '%.80s' must have a name and a string of at most %d bytes", p->what, item->string,
				      RF_LABEL_MAX);
		if (*p->count == RF_LABELS_MAX)
			return refuse(error, size, "more than %d %ss", RF_LABELS_MAX, p->what);
		p->items[(*p->count)++] = (struct rf_pair_text){.key = item->string, .value = item->valuestring};
	}
	return 0;
}

/* What would be without effect is refused here, where somebody reads the answer. */
static int check_annotation(const struct rf_pair_text *a, char *error, size_t size)
{
	if (!rf_text_is_label_key(a->key))
		return refuse(error, size, "'%.80s' is not the name of an annotation", a->key);
	if (strcmp(a->key, RF_AUDIT_ANNOTATION) == 0)
		return refuse(error, size, "annotation '%s' has no meaning on a pod: put it on a Namespace or TrafficTarget", a->key);
	if (strcmp(a->key, RF_ANNOTATION_OUTBOUND_INCLUSION) == 0)
		return refuse(error, size, "annotation '%s' is not enforced: all addresses stay in the mesh", a->key);
	return 0;
}

static int check_exclusions(const struct rf_pod_request *p, char *error, size_t size)
{
	struct rf_arena *arena = rf_arena_new();
	struct rf_diags diags = {.arena = arena};
	struct rf_exclusions exclusions;
	int r = arena ? rf_exclusions_read(arena, p->annotations, p->annotation_count, &diags, &exclusions) : -ENOMEM;

	if (r < 0)
		snprintf(error, size, "%s", diags.count ? diags.items[0].text : "no memory");
	rf_arena_free(arena);
	return r;
}

static int parse_annotations(const cJSON *request, struct rf_pod_request *p, char *error, size_t size)
{
	int r = parse_pairs(request, &(struct pairs){"annotations", "annotation", p->annotations, &p->annotation_count}, error, size);

	for (size_t i = 0; r == 0 && i < p->annotation_count; i++)
		r = check_annotation(&p->annotations[i], error, size);
	return r < 0 ? r : check_exclusions(p, error, size);
}

int rf_request_pod(const cJSON *request, struct rf_pod_request *ret, char *error, size_t size)
{
	const char *deployment = "", *ip = "";

	memset(ret, 0, sizeof(*ret));
	if (text_field(request, "ns", &ret->ns, error, size) < 0 || text_field(request, "name", &ret->name, error, size) < 0 ||
	    text_field(request, "service_account", &ret->service_account, error, size) < 0 ||
	    text_field(request, "deployment", &deployment, error, size) < 0 || text_field(request, "ip", &ip, error, size) < 0)
		return -EINVAL;
	if (!*ret->ns)
		ret->ns = "default";
	if (check_namespace(ret->ns, error, size) < 0 || check_name("pod", ret->name, error, size) < 0 ||
	    check_name("ServiceAccount", ret->service_account, error, size) < 0 || split_deployment(deployment, ret, error, size) < 0)
		return -EINVAL;
	if (strcmp(ret->deployment_ns, ret->ns) != 0)
		return refuse(error, size, "a pod of Deployment %s belongs into namespace %s, not %s", deployment, ret->deployment_ns,
			      ret->ns);
	if (parse_address(ip, &ret->addr_be, error, size) < 0)
		return -EINVAL;
	if (parse_pairs(request, &(struct pairs){"labels", "label", ret->labels, &ret->label_count}, error, size) < 0)
		return -EINVAL;
	return parse_annotations(request, ret, error, size);
}

int rf_request_pod_name(const cJSON *request, const char **ret_ns, const char **ret_name, char *error, size_t size)
{
	const char *ns = rf_json_text(request, "ns", "default"), *name = rf_json_text(request, "name", "");

	if (!rf_pod_names_valid(ns, name))
		return refuse(error, size, "\"ns\" and \"name\" must name a pod");
	*ret_ns = ns;
	*ret_name = name;
	return 0;
}
