/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const struct rf_local_pod *pod, const char *ns, const char *name)
{
	int c = strcmp(pod->ns, ns);

	return c ? c : strcmp(pod->name, name);
}

struct rf_local_pod *rf_registry_find(const struct rf_registry *registry, const char *ns, const char *name)
{
	for (size_t i = 0; i < registry->count; i++)
		if (compare(registry->items[i], ns, name) == 0)
			return registry->items[i];
	return NULL;
}

struct rf_local_pod *rf_registry_by_cgroup(const struct rf_registry *registry, uint64_t cgroup_id)
{
	for (size_t i = 0; i < registry->count; i++)
		if (registry->items[i]->state != RF_POD_EXITED && registry->items[i]->hook.cgroup_id == cgroup_id)
			return registry->items[i];
	return NULL;
}

struct rf_local_pod *rf_registry_by_address(const struct rf_registry *registry, const struct rf_addr *addr)
{
	if (rf_addr_is_none(addr))
		return NULL;
	for (size_t i = 0; i < registry->count; i++) {
		const struct rf_local_pod *pod = registry->items[i];
		struct rf_addr addr4 = rf_addr4(pod->addr_be);

		if (pod->state != RF_POD_EXITED && (rf_addr_equal(&addr4, addr) || rf_addr_equal(&pod->addr6, addr)))
			return registry->items[i];
	}
	return NULL;
}

int rf_registry_add(struct rf_registry *registry, struct rf_local_pod *pod)
{
	struct rf_local_pod **items = reallocarray(registry->items, registry->count + 1, sizeof(*items));
	size_t at = 0;

	if (!items)
		return -ENOMEM;
	registry->items = items;
	while (at < registry->count && compare(items[at], pod->ns, pod->name) < 0)
		at++;
	memmove(items + at + 1, items + at, (registry->count - at) * sizeof(*items));
	items[at] = pod;
	registry->count++;
	return 0;
}

void rf_registry_drop(struct rf_registry *registry, struct rf_local_pod *pod)
{
	for (size_t i = 0; i < registry->count; i++) {
		if (registry->items[i] != pod)
			continue;
		registry->count--;
		memmove(registry->items + i, registry->items + i + 1, (registry->count - i) * sizeof(*registry->items));
		rf_local_pod_free(pod);
		return;
	}
}

void rf_registry_done(struct rf_registry *registry)
{
	for (size_t i = 0; i < registry->count; i++)
		rf_local_pod_free(registry->items[i]);
	free(registry->items);
	*registry = (struct rf_registry){};
}

static bool put_name(char ret[64], const char *name)
{
	if (strlen(name) > 63)
		return false;
	memcpy(ret, name, strlen(name) + 1);
	return true;
}

int rf_local_pod_new(const char *ns, const char *name, const char *service_account, struct rf_local_pod **ret)
{
	struct rf_local_pod *pod = calloc(1, sizeof(*pod));

	if (!pod)
		return -ENOMEM;
	if (!put_name(pod->ns, ns) || !put_name(pod->name, name) || !put_name(pod->service_account, service_account)) {
		free(pod);
		return -ENAMETOOLONG;
	}
	pod->watch = -1;
	pod->checker_error = ENOTCONN;
	*ret = pod;
	return 0;
}

static void free_pairs(struct rf_pair_text **items, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		free((char *)(*items)[i].key);
		free((char *)(*items)[i].value);
	}
	free(*items);
	*items = NULL;
	*count = 0;
}

void rf_local_pod_free(struct rf_local_pod *pod)
{
	if (!pod)
		return;
	free_pairs(&pod->labels, &pod->label_count);
	free_pairs(&pod->annotations, &pod->annotation_count);
	cJSON_Delete(pod->env);
	cJSON_Delete(pod->command);
	free(pod);
}

static int set_pairs(struct rf_pair_text **items, size_t *count, const struct rf_pair_text *from, size_t n)
{
	free_pairs(items, count);
	*items = n ? calloc(n, sizeof(**items)) : NULL;
	if (n && !*items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct rf_pair_text *pair = &(*items)[(*count)++];

		pair->key = strdup(from[i].key);
		pair->value = strdup(from[i].value);
		if (!pair->key || !pair->value)
			return -ENOMEM;
	}
	return 0;
}

int rf_local_pod_set_labels(struct rf_local_pod *pod, const struct rf_pair_text *labels, size_t count)
{
	return set_pairs(&pod->labels, &pod->label_count, labels, count);
}

int rf_local_pod_set_annotations(struct rf_local_pod *pod, const struct rf_pair_text *annotations, size_t count)
{
	return set_pairs(&pod->annotations, &pod->annotation_count, annotations, count);
}

void rf_local_pod_set_hook(struct rf_local_pod *pod, const struct rf_instance *instance)
{
	char text[RF_IDENTITY_NAME_MAX];
	int len = snprintf(text, sizeof(text), "%s/%s", pod->ns, pod->service_account);

	pod->hook = (struct rf_pod_hook){
		.cgroup_id = pod->room.cgroup_id,
		.pod = {.identity = rf_identity_hash(text, (uint32_t)len),
			.netns_cookie = pod->room.netns_cookie,
			.addr4 = rf_addr4(pod->addr_be),
			.addr6 = pod->addr6,
			.ifindex = pod->room.ifindex,
			.checker_port = instance->checker_port,
			.flags = pod->checker_error ? 0 : RF_POD_CHECKER_READY},
	};
	memcpy(pod->hook.key, pod->room.key, sizeof(pod->hook.key));
}

const char *rf_pod_state_name(enum rf_pod_state state)
{
	static const char *const names[] = {"created", "running", "exited"};

	return names[state];
}

int rf_registry_endpoints(const struct rf_registry *registry, struct rf_endpoint **ret, size_t *ret_count)
{
	struct rf_endpoint *items = calloc(registry->count + 1, sizeof(*items));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < registry->count; i++) {
		struct rf_local_pod *p = registry->items[i];

		if (p->state == RF_POD_EXITED)
			continue;
		if (*p->deployment) /* it is of the pod's own namespace (request.c) */
			snprintf(p->deployment_path, sizeof(p->deployment_path), "%s/%s", p->ns, p->deployment);
		items[n++] = (struct rf_endpoint){.ns = p->ns,
						  .name = p->name,
						  .service_account = p->service_account,
						  .labels = p->labels,
						  .label_count = p->label_count,
						  .deployment = p->deployment_path,
						  .annotations = p->annotations,
						  .annotation_count = p->annotation_count,
						  .addr4 = rf_addr4(p->addr_be),
						  .addr6 = p->addr6};
	}
	*ret = items;
	*ret_count = n;
	return 0;
}
