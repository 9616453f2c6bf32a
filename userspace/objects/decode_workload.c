/* SPDX-License-Identifier: Apache-2.0 */
/* Deployment (apps/v1) and Pod (v1): whose ServiceAccount, labels, environment and named ports a local pod takes over. */
#include <errno.h>
#include <string.h>

#include "objects/decode.h"
#include "objects/exclusions.h"
#include "objects/scalar.h"

#define REPLICAS_MAX 1000

static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};

static const struct rf_field port_fields[] = {
	RF_FIELD("name", STRING),
	RF_FIELD("containerPort", INTEGER, RF_REQUIRED, RF_PORT),
	RF_FIELD("protocol", ENUM, .values = protocols),
	RF_END,
};
static const struct rf_field port_item = RF_FIELD(NULL, MAP, .fields = port_fields);

static const struct rf_field env_fields[] = {
	RF_FIELD("name", TEXT, RF_REQUIRED),
	RF_FIELD("value", STRING),
	RF_END,
};
static const struct rf_field env_item = RF_FIELD(NULL, MAP, .fields = env_fields);

static const struct rf_field container_fields[] = {
	RF_FIELD("name", LABEL, RF_REQUIRED),
	RF_FIELD("ports", LIST, .item = &port_item),
	RF_FIELD("env", LIST, .item = &env_item),
	RF_END,
};
static const struct rf_field container_item = RF_FIELD(NULL, MAP, .fields = container_fields);

static const struct rf_field pod_spec_fields[] = {
	RF_FIELD("serviceAccountName", NAME),
	RF_FIELD("serviceAccount", NAME),
	RF_FIELD("containers", LIST, RF_REQUIRED, .item = &container_item, .min = 1),
	RF_END,
};

static const struct rf_field template_metadata[] = {
	RF_FIELD("labels", LABELS),
	RF_FIELD("annotations", ANNOTATIONS),
	RF_END,
};

static const struct rf_field template_fields[] = {
	RF_FIELD("metadata", MAP, .fields = template_metadata),
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = pod_spec_fields),
	RF_END,
};

static const struct rf_field selector_fields[] = {
	RF_FIELD("matchLabels", LABELS),
	RF_END,
};

static const struct rf_field deployment_spec[] = {
	RF_FIELD("replicas", INTEGER, .max = REPLICAS_MAX),
	RF_FIELD("selector", MAP, RF_REQUIRED, .fields = selector_fields),
	RF_FIELD("template", MAP, RF_REQUIRED, .fields = template_fields),
	RF_END,
};

static const struct rf_field deployment_fields[] = {
	RF_COMMON_FIELDS,
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = deployment_spec),
	RF_END,
};

static const struct rf_field pod_status[] = {
	RF_FIELD("podIP", STRING),
	RF_END,
};

static const struct rf_field pod_fields[] = {
	RF_FIELD("metadata", MAP, RF_REQUIRED, .fields = rf_metadata_fields),
	RF_FIELD("spec", MAP, RF_REQUIRED, .fields = pod_spec_fields),
	RF_FIELD("status", MAP, .fields = pod_status),
	RF_END,
};

static int read_annotations(struct rf_decode *d, struct rf_workload *w, const struct rf_node *annotations)
{
	const struct rf_node *inclusion = rf_node_get(annotations, RF_ANNOTATION_OUTBOUND_INCLUSION);
	struct rf_diags found = {.arena = d->arena};
	int r = rf_get_pairs(d->arena, annotations, &w->pod_annotations, &w->pod_annotation_count);

	if (r == 0)
		r = rf_exclusions_read(d->arena, w->pod_annotations, w->pod_annotation_count, &found, &w->exclusions);
	if (r == -ENOMEM)
		return r;
	r = 0;
	for (size_t i = 0; i < found.count && r == 0; i++) {
		struct rf_node there = *annotations;

		there.place = found.items[i].place;
		r = rf_decode_error(d, &there, "%s", found.items[i].text);
	}
	if (r == 0 && inclusion)
		r = rf_decode_warning(d, inclusion, "is not enforced: all addresses stay in the mesh");
	return r;
}

static int read_ports(struct rf_decode *d, struct rf_workload *w, const struct rf_node *containers)
{
	for (size_t c = 0; c < rf_get_count(containers); c++) {
		const struct rf_node *ports = rf_node_get(containers->items[c], "ports");

		for (size_t i = 0; i < rf_get_count(ports); i++) {
			struct rf_container_port *p;
			const char *name = rf_get_text(ports->items[i], "name", "");
			const char *protocol = rf_get_text(ports->items[i], "protocol", "TCP");
			bool udp = strcmp(protocol, "UDP") == 0;

			if (!*name || (!udp && strcmp(protocol, "TCP") != 0))
				continue;
			p = RF_ARENA_PUSH(d->arena, w->ports, w->port_count);
			if (!p)
				return -ENOMEM;
			*p = (struct rf_container_port){
				.name = name, .port = (uint16_t)rf_get_integer(ports->items[i], "containerPort", 0), .udp = udp};
		}
	}
	return 0;
}

static int read_env(struct rf_decode *d, struct rf_workload *w, const struct rf_node *containers)
{
	const struct rf_node *env = rf_get_count(containers) ? rf_node_get(containers->items[0], "env") : NULL;

	for (size_t i = 0; i < rf_get_count(env); i++) {
		const struct rf_node *item = env->items[i];
		struct rf_pair_text *pair;

		if (!rf_node_get(item, "value")) /* valueFrom: no API server to ask */
			continue;
		pair = RF_ARENA_PUSH(d->arena, w->env, w->env_count);
		if (!pair)
			return -ENOMEM;
		*pair = (struct rf_pair_text){
			.key = rf_get_text(item, "name", ""), .value = rf_get_text(item, "value", ""), .place = item->place};
	}
	return 0;
}

static int read_pod(struct rf_decode *d, struct rf_workload *w, const struct rf_node *pod)
{
	const struct rf_node *spec = rf_node_get(pod, "spec"), *containers = rf_node_get(spec, "containers");
	const char *account = rf_get_text(spec, "serviceAccountName", rf_get_text(spec, "serviceAccount", "default"));
	int r;

	w->service_account = *account ? account : "default";
	r = rf_get_pairs(d->arena, rf_get(pod, "metadata.labels"), &w->pod_labels, &w->pod_label_count);
	if (r == 0)
		r = read_env(d, w, containers);
	if (r == 0)
		r = read_ports(d, w, containers);
	if (r == 0)
		r = read_annotations(d, w, rf_get(pod, "metadata.annotations"));
	return r;
}

static int push(struct rf_decode *d, const struct rf_workload *w)
{
	struct rf_workload *slot;

	if (d->problems > 0)
		return 0;
	slot = RF_ARENA_PUSH(d->arena, d->objects->workloads, d->objects->workloads_count);
	if (!slot)
		return -ENOMEM;
	*slot = *w;
	return 0;
}

/* The API server refuses a Deployment whose selector does not select its own pods. */
static int check_selector(struct rf_decode *d)
{
	const struct rf_node *match = rf_get(d->root, "spec.selector.matchLabels");
	const struct rf_node *labels = rf_get(d->root, "spec.template.metadata.labels");
	int r = 0;

	for (size_t i = 0; match && match->kind == RF_NODE_MAPPING && i < match->count && r == 0; i++) {
		const char *key = match->items[i]->key->text;

		if (strcmp(rf_get_text(match, key, ""), rf_get_text(labels, key, "\n")) != 0)
			r = rf_decode_error(d, match->items[i],
					    "spec.template.metadata.labels has no such label: this would select none of its own pods");
	}
	return r;
}

static int decode_deployment(struct rf_decode *d)
{
	struct rf_workload w = {.meta = d->meta};
	int r = read_pod(d, &w, rf_get(d->root, "spec.template"));

	w.replicas = (unsigned)rf_get_integer(rf_node_get(d->root, "spec"), "replicas", 1);
	if (r == 0)
		r = check_selector(d);
	return r < 0 ? r : push(d, &w);
}

static int decode_pod(struct rf_decode *d)
{
	struct rf_workload w = {.meta = d->meta, .is_pod = true, .replicas = 1};
	const struct rf_node *ip = rf_get(d->root, "status.podIP");
	uint32_t address;
	int r = read_pod(d, &w, d->root);

	w.pod_ip = rf_get_text(rf_node_get(d->root, "status"), "podIP", NULL);
	if (r == 0 && w.pod_ip && rf_text_ipv4(w.pod_ip, &address) < 0)
		r = rf_decode_error(d, ip, "\"%s\" is not an IPv4 address", w.pod_ip);
	return r < 0 ? r : push(d, &w);
}

const struct rf_kind rf_kinds_workload[] = {
	{"apps", "v1", "Deployment", 0, deployment_fields, decode_deployment},
	{"", "v1", "Pod", 0, pod_fields, decode_pod},
	{0},
};
