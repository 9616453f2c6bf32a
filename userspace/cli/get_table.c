/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/get_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "core/address_text.h"
#include "core/cleanup.h"

#define CELL_MAX 160

/* Cells of one object behind its namespace and name. i: index in its typed list. */
typedef void (*cells_fn)(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX]);

bool rf_get_matches(const struct rf_get_query *query, const struct rf_meta *meta)
{
	return strcmp(meta->kind, query->kind->kind) == 0 && (!query->ns || !*meta->ns || strcmp(meta->ns, query->ns) == 0) &&
	       (!query->name || strcmp(meta->name, query->name) == 0);
}

/* Appends a word to a comma-separated cell; "..." where there is no room. */
static void add_word(char *cell, const char *word)
{
	size_t used = strlen(cell), need = strlen(word) + (used ? 1 : 0);

	if (used + need + 4 < CELL_MAX)
		snprintf(cell + used, CELL_MAX - used, "%s%s", used ? "," : "", word);
	else if (used < 3 || strcmp(cell + used - 3, "...") != 0)
		snprintf(cell + used, CELL_MAX - used, "...");
}

static void namespace_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_meta *m = &q->objects->namespaces[i].meta;
	const char *mesh = rf_meta_label(m, "openservicemesh.io/monitored-by"), *ignore = rf_meta_label(m, "openservicemesh.io/ignore");

	snprintf(cells[0], CELL_MAX, "%s", ignore && strcmp(ignore, "true") == 0 ? "(ignored)" : mesh ? mesh : "");
}

static void workload_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_workload *w = &q->objects->workloads[i];

	snprintf(cells[0], CELL_MAX, "%s", w->service_account);
	if (w->is_pod)
		snprintf(cells[1], CELL_MAX, "%s", w->pod_ip ? w->pod_ip : "");
	else
		snprintf(cells[1], CELL_MAX, "%u", w->replicas);
}

/* As the agent gave them out, the other family behind the first. */
static bool agent_address(const cJSON *services, const struct rf_meta *m, char *cell)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(services, "services"))
	{
		if (strcmp(rf_json_text(item, "ns", ""), m->ns) == 0 && strcmp(rf_json_text(item, "name", ""), m->name) == 0)
			break;
	}
	if (!item)
		return false;
	add_word(cell, rf_json_text(item, "address", ""));
	if (*rf_json_text(item, "address6", ""))
		add_word(cell, rf_json_text(item, "address6", ""));
	return true;
}

static void service_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	static const char *const kinds[] = {[RF_PORT_HTTP] = "http", [RF_PORT_TCP] = "tcp", [RF_PORT_GRPC] = "grpc", [RF_PORT_UDP] = "udp"};
	const struct rf_service *s = &q->objects->services[i];
	char text[RF_ADDR_TEXT_MAX];

	if (s->headless) {
		snprintf(cells[0], CELL_MAX, "None");
	} else if (!agent_address(q->services, &s->meta, cells[0])) {
		if (!rf_addr_is_none(&s->cluster_ip4))
			add_word(cells[0], rf_addr_text(&s->cluster_ip4, text, sizeof(text)));
		if (!rf_addr_is_none(&s->cluster_ip6))
			add_word(cells[0], rf_addr_text(&s->cluster_ip6, text, sizeof(text)));
	}
	for (size_t k = 0; k < s->port_count; k++) {
		const struct rf_service_port *p = &s->ports[k];
		char word[64];

		if (p->target_port == p->port)
			snprintf(word, sizeof(word), "%u/%s", p->port, kinds[p->kind]);
		else if (p->target_port)
			snprintf(word, sizeof(word), "%u:%u/%s", p->port, p->target_port, kinds[p->kind]);
		else
			snprintf(word, sizeof(word), "%u:%.15s?/%s", p->port, p->target_name ? p->target_name : "", kinds[p->kind]);
		add_word(cells[1], word);
	}
	for (size_t k = 0; k < s->selector_count; k++) {
		char word[CELL_MAX];

		snprintf(word, sizeof(word), "%.90s=%.64s", s->selector[k].key, s->selector[k].value);
		add_word(cells[2], word);
	}
}

static bool cell_has(const char *cell, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = cell; (p = strstr(p, word)); p++) {
		if ((p == cell || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
			return true;
	}
	return false;
}

static void ingress_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_ingress *in = &q->objects->ingresses[i];

	for (size_t k = 0; k < in->meta.annotation_count; k++) {
		if (strcmp(in->meta.annotations[k].key, "kubernetes.io/ingress.class") == 0)
			snprintf(cells[0], CELL_MAX, "%s", in->meta.annotations[k].value);
	}
	for (size_t k = 0; k < in->path_count; k++) {
		const char *host = *in->paths[k].host ? in->paths[k].host : "*";

		if (!cell_has(cells[1], host))
			add_word(cells[1], host);
		if (!cell_has(cells[2], in->paths[k].service))
			add_word(cells[2], in->paths[k].service);
	}
}

static void target_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	static const char *const kinds[] = {[RF_RULE_HTTP_ROUTE_GROUP] = "http", [RF_RULE_TCP_ROUTE] = "tcp", [RF_RULE_UDP_ROUTE] = "udp"};
	const struct rf_traffic_target *t = &q->objects->targets[i];
	char word[CELL_MAX];

	snprintf(cells[0], CELL_MAX, "%.63s/%.90s", t->destination.ns, t->destination.name);
	for (size_t k = 0; k < t->source_count; k++) {
		snprintf(word, sizeof(word), "%.63s/%.90s", t->sources[k].ns, t->sources[k].name);
		add_word(cells[1], word);
	}
	for (size_t k = 0; k < t->rule_count; k++) {
		snprintf(word, sizeof(word), "%s:%.140s", kinds[t->rules[k].kind], t->rules[k].name);
		add_word(cells[2], word);
	}
}

static void group_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_http_route_group *g = &q->objects->route_groups[i];

	for (size_t k = 0; k < g->match_count; k++)
		add_word(cells[0], g->matches[k].name);
}

static void ports_cell(const struct rf_port_route *route, char *cell)
{
	char word[8];

	for (size_t k = 0; k < route->port_count; k++) {
		snprintf(word, sizeof(word), "%u", route->ports[k]);
		add_word(cell, word);
	}
	if (route->port_count == 0)
		snprintf(cell, CELL_MAX, "all");
}

static void tcp_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	ports_cell(&q->objects->tcp_routes[i], cells[0]);
}

static void udp_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	ports_cell(&q->objects->udp_routes[i], cells[0]);
}

static void split_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_traffic_split *s = &q->objects->splits[i];
	char word[CELL_MAX];

	snprintf(cells[0], CELL_MAX, "%.150s", s->service);
	for (size_t k = 0; k < s->backend_count; k++) {
		snprintf(word, sizeof(word), "%.120s=%u", s->backends[k].service, s->backends[k].weight);
		add_word(cells[1], word);
	}
}

static void backend_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	const struct rf_ingress_backend *b = &q->objects->ingress_backends[i];
	char word[CELL_MAX];

	for (size_t k = 0; k < b->backend_count; k++) {
		snprintf(word, sizeof(word), "%.120s:%u/%s", b->backends[k].service, b->backends[k].port, b->backends[k].protocol);
		add_word(cells[0], word);
	}
	for (size_t k = 0; k < b->source_count; k++) {
		snprintf(word, sizeof(word), "%.63s%s%.90s", b->sources[k].ns, *b->sources[k].ns ? "/" : "", b->sources[k].name);
		add_word(cells[1], word);
	}
}

static void config_cells(const struct rf_get_query *q, size_t i, char cells[][CELL_MAX])
{
	snprintf(cells[0], CELL_MAX, "%s", q->objects->mesh_configs[i].permissive ? "true" : "false");
	snprintf(cells[1], CELL_MAX, "%s", q->objects->mesh_configs[i].egress ? "true" : "false");
}

/* A typed list of rf_objects: every element begins with its meta. */
static const struct view {
	const char *kind;
	size_t list, count, size; /* offsets in rf_objects, size of an element */
	const char *titles[3];
	cells_fn cells;
} views[] = {
#define VIEW(kind, type, list, fn, ...)                                                                                                    \
	{                                                                                                                                  \
		kind, offsetof(struct rf_objects, list), offsetof(struct rf_objects, list##_count), sizeof(struct type), {__VA_ARGS__}, fn \
	}
	VIEW("Namespace", rf_namespace, namespaces, namespace_cells, "MESH"),
	VIEW("ServiceAccount", rf_service_account, service_accounts, NULL, NULL),
	VIEW("Deployment", rf_workload, workloads, workload_cells, "SERVICE-ACCOUNT", "REPLICAS"),
	VIEW("Pod", rf_workload, workloads, workload_cells, "SERVICE-ACCOUNT", "IP"),
	VIEW("Service", rf_service, services, service_cells, "CLUSTER-IP", "PORT(S)", "SELECTOR"),
	VIEW("Ingress", rf_ingress, ingresses, ingress_cells, "CLASS", "HOSTS", "SERVICES"),
	VIEW("TrafficTarget", rf_traffic_target, targets, target_cells, "DESTINATION", "SOURCES", "RULES"),
	VIEW("HTTPRouteGroup", rf_http_route_group, route_groups, group_cells, "MATCHES"),
	VIEW("TCPRoute", rf_port_route, tcp_routes, tcp_cells, "PORTS"),
	VIEW("UDPRoute", rf_port_route, udp_routes, udp_cells, "PORTS"),
	VIEW("TrafficSplit", rf_traffic_split, splits, split_cells, "SERVICE", "BACKENDS"),
	VIEW("IngressBackend", rf_ingress_backend, ingress_backends, backend_cells, "BACKENDS", "SOURCES"),
	VIEW("Egress", rf_plain_object, plain, NULL, NULL),
	VIEW("UpstreamTrafficSetting", rf_plain_object, plain, NULL, NULL),
	VIEW("Retry", rf_plain_object, plain, NULL, NULL),
	VIEW("MeshConfig", rf_mesh_config, mesh_configs, config_cells, "PERMISSIVE", "EGRESS"),
};

static const struct view *find_view(const char *kind)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(views); i++) {
		if (strcmp(views[i].kind, kind) == 0)
			return &views[i];
	}
	return NULL;
}

static int add_row(const struct rf_get_query *q, const struct view *v, struct rf_columns *c, size_t i, const struct rf_meta *m)
{
	char cells[3][CELL_MAX] = {0};
	const char *row[RF_COLUMNS_MAX] = {m->ns, m->name, cells[0], cells[1], cells[2]};
	bool cluster = q->kind->cluster_scoped;

	if (v->cells)
		v->cells(q, i, cells);
	return rf_columns_add(c, cluster ? row + 1 : row);
}

int rf_get_table(const struct rf_get_query *query, size_t *ret_count)
{
	const struct view *v = find_view(query->kind->kind);
	struct rf_columns c = {.arena = query->objects->arena, .width = query->kind->cluster_scoped ? 1 : 2};
	const char *const titles[RF_COLUMNS_MAX] = {"NAMESPACE", "NAME", v->titles[0], v->titles[1], v->titles[2]};
	const char *list = *(char *const *)((const char *)query->objects + v->list);
	size_t count = *(const size_t *)((const char *)query->objects + v->count);
	int r;

	for (size_t i = 0; i < 3 && v->titles[i]; i++)
		c.width++;
	r = rf_columns_add(&c, query->kind->cluster_scoped ? titles + 1 : titles);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct rf_meta *m = (const struct rf_meta *)(list + i * v->size);

		if (rf_get_matches(query, m))
			r = add_row(query, v, &c, i, m);
	}
	if (r < 0)
		return r;
	*ret_count = c.row_count - 1;
	if (*ret_count > 0)
		rf_columns_print(&c);
	return 0;
}
