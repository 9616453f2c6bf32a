/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/select.h"

static int compare_subjects(const void *pa, const void *pb)
{
	const struct rf_subject *a = pa, *b = pb;
	int r = strcmp(a->ns, b->ns);

	if (!r)
		r = strcmp(a->name, b->name);
	if (!r)
		r = strcmp(a->service_account, b->service_account);
	if (!r)
		r = a->running - b->running;
	return r ? r : memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static void from_workload(struct rf_subject *s, const struct rf_workload *w)
{
	*s = (struct rf_subject){
		.ns = w->meta.ns,
		.name = w->meta.name,
		.service_account = w->service_account,
		.labels = w->pod_labels,
		.label_count = w->pod_label_count,
		.place = w->meta.place,
	};
}

static void from_endpoint(struct rf_subject *s, const struct rf_endpoint *e)
{
	*s = (struct rf_subject){
		.ns = e->ns,
		.name = e->name,
		.service_account = e->service_account,
		.labels = e->labels,
		.label_count = e->label_count,
		.running = true,
		.endpoint = e,
		.addr = {.addr4 = e->addr4, .addr6 = e->addr6},
		.place = {.file = "-"},
	};
}

int rf_compile_subjects(struct rf_compile *c)
{
	size_t n = c->objects->workloads_count + c->input->endpoint_count;

	c->subjects = rf_arena_alloc(c->arena, n * sizeof(*c->subjects));
	if (!c->subjects)
		return -ENOMEM;
	for (size_t i = 0; i < c->objects->workloads_count; i++)
		from_workload(&c->subjects[c->subject_count++], &c->objects->workloads[i]);
	for (size_t i = 0; i < c->input->endpoint_count; i++)
		from_endpoint(&c->subjects[c->subject_count++], &c->input->endpoints[i]);
	if (n)
		qsort(c->subjects, n, sizeof(*c->subjects), compare_subjects);
	return rf_label_rows(c);
}

static bool has_label(const struct rf_subject *s, const struct rf_pair_text *want)
{
	for (size_t i = 0; i < s->label_count; i++)
		if (!strcmp(s->labels[i].key, want->key))
			return !strcmp(s->labels[i].value, want->value);
	return false;
}

bool rf_service_selects(const struct rf_service *service, const struct rf_subject *subject)
{
	if (!service->selector_count || strcmp(service->meta.ns, subject->ns))
		return false;
	for (size_t i = 0; i < service->selector_count; i++)
		if (!has_label(subject, &service->selector[i]))
			return false;
	return true;
}
