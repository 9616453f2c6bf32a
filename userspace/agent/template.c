/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/template.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "pods/names.h"

struct making {
	const struct rf_objects *objects;
	const struct rf_registry *pods;
	const struct rf_pod_request *request;
	const struct rf_workload *workload; /* or NULL */
	const char *account;
	char name[64];
	char *error, *hint;
	size_t size;
};

static int refuse(const struct making *m, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(const struct making *m, const char *hint, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->error, m->size, format, ap);
	va_end(ap);
	snprintf(m->hint, m->size, "%s", hint ? hint : "");
	return -ENOENT;
}

#define APPLY "ringfence apply -f FILE"

static int check_namespace(const struct making *m)
{
	const char *ns = m->request->ns;

	if (strcmp(ns, "default") == 0)
		return 0;
	for (size_t i = 0; i < m->objects->namespaces_count; i++)
		if (strcmp(m->objects->namespaces[i].meta.name, ns) == 0)
			return 0;
	return refuse(m, APPLY, "there is no Namespace %s among the policies", ns);
}

static int check_account(const struct making *m)
{
	if (strcmp(m->account, "default") == 0)
		return 0;
	for (size_t i = 0; i < m->objects->service_accounts_count; i++) {
		const struct rf_meta *meta = &m->objects->service_accounts[i].meta;

		if (strcmp(meta->ns, m->request->ns) == 0 && strcmp(meta->name, m->account) == 0)
			return 0;
	}
	return refuse(m, APPLY, "there is no ServiceAccount %s/%s among the policies", m->request->ns, m->account);
}

static const struct rf_workload *find_workload(const struct rf_objects *objects, bool is_pod, const char *ns, const char *name)
{
	for (size_t i = 0; i < objects->workloads_count; i++) {
		const struct rf_workload *w = &objects->workloads[i];

		if (w->is_pod == is_pod && strcmp(w->meta.ns, ns) == 0 && strcmp(w->meta.name, name) == 0)
			return w;
	}
	return NULL;
}

static int choose_account(struct making *m)
{
	const struct rf_pod_request *q = m->request;

	if (*q->deployment) {
		m->workload = find_workload(m->objects, false, q->deployment_ns, q->deployment);
		if (!m->workload)
			return refuse(m, APPLY, "there is no Deployment %s/%s among the policies", q->deployment_ns, q->deployment);
	} else if (*q->name) {
		m->workload = find_workload(m->objects, true, q->ns, q->name);
	}
	m->account = m->workload ? m->workload->service_account : (*q->service_account ? q->service_account : "default");
	if (m->workload && *q->service_account && strcmp(q->service_account, m->account) != 0)
		return refuse(m, NULL, "%s %s/%s says ServiceAccount %s, the request says %s", m->workload->meta.kind, m->workload->meta.ns,
			      m->workload->meta.name, m->account, q->service_account);
	return check_account(m);
}

static int choose_name(struct making *m)
{
	const struct rf_pod_request *q = m->request;
	const char *base = *q->deployment ? q->deployment : m->account;

	if (*q->name) {
		snprintf(m->name, sizeof(m->name), "%s", q->name);
		return 0;
	}
	snprintf(m->name, sizeof(m->name), "%s", base);
	for (unsigned n = 2; n < 100000; n++) {
		const struct rf_local_pod *pod = rf_registry_find(m->pods, q->ns, m->name);

		if (!pod || pod->state == RF_POD_EXITED)
			return rf_pod_names_valid(q->ns, m->name) ? 0 : refuse(m, NULL, "give the pod a name: --name");
		snprintf(m->name, sizeof(m->name), "%.56s-%u", base, n);
	}
	return refuse(m, NULL, "give the pod a name: --name");
}

/* The template's labels, then the request's in their place or behind. */
static int merge_labels(const struct making *m, struct rf_local_pod *pod)
{
	const struct rf_pod_request *q = m->request;
	size_t n = m->workload ? m->workload->pod_label_count : 0;
	_cleanup_free_ struct rf_pair_text *all = calloc(n + q->label_count + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (n)
		memcpy(all, m->workload->pod_labels, n * sizeof(*all));
	for (size_t i = 0; i < q->label_count; i++) {
		size_t at = 0;

		while (at < n && strcmp(all[at].key, q->labels[i].key) != 0)
			at++;
		all[at] = q->labels[i];
		n += at == n;
	}
	return rf_local_pod_set_labels(pod, all, n);
}

static int set_environment(const struct making *m, struct rf_local_pod *pod)
{
	pod->env = cJSON_CreateArray();
	if (!pod->env)
		return -ENOMEM;
	for (size_t i = 0; m->workload && i < m->workload->env_count; i++) {
		const struct rf_pair_text *e = &m->workload->env[i];
		_cleanup_free_ char *text = NULL;

		if (asprintf(&text, "%s=%s", e->key, e->value) < 0) {
			text = NULL;
			return -ENOMEM;
		}
		if (!cJSON_AddItemToArray(pod->env, cJSON_CreateString(text)))
			return -ENOMEM;
	}
	return 0;
}

static int build(const struct making *m, struct rf_local_pod **ret)
{
	RF_CLEANUP(rf_local_pod_freep) struct rf_local_pod *pod = NULL;
	struct in_addr address;
	int r;

	r = rf_local_pod_new(m->request->ns, m->name, m->account, &pod);
	if (r == 0)
		r = merge_labels(m, pod);
	if (r == 0)
		r = rf_local_pod_set_annotations(pod, m->request->annotations, m->request->annotation_count);
	if (r == 0)
		r = set_environment(m, pod);
	if (r < 0)
		return r;
	snprintf(pod->deployment, sizeof(pod->deployment), "%s", m->request->deployment);
	if (m->workload && m->workload->is_pod && m->workload->pod_ip && inet_pton(AF_INET, m->workload->pod_ip, &address) == 1)
		pod->addr_be = address.s_addr;
	*ret = TAKE_PTR(pod);
	return 0;
}

int rf_template_apply(const struct rf_objects *objects, const struct rf_registry *pods, const struct rf_pod_request *request,
		      struct rf_local_pod **ret, char *error, char *hint, size_t size)
{
	struct making m = {.objects = objects, .pods = pods, .request = request, .error = error, .hint = hint, .size = size};
	int r;

	r = check_namespace(&m);
	if (r == 0)
		r = choose_account(&m);
	if (r == 0)
		r = choose_name(&m);
	if (r < 0)
		return r;
	r = build(&m, ret);
	if (r < 0)
		snprintf(error, size, "cannot make a record of the pod: %s", strerror(-r));
	return r;
}
