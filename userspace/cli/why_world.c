/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_world.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton/automaton.h"
#include "cli/pod_ref.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "datapath/drift.h"
#include "datapath/each.h"
#include "pods/cgroup.h"
#include "pods/names.h"

#define PODS_FRESH_NS 50000000ull /* in a batch the pods are not looked for at each question */

int rf_why_world_open(struct rf_why_world *world)
{
	struct rf_why_world w = {};
	int r = rf_pod_ref_instance(&w.instance);

	if (r < 0)
		return r;
	r = rf_datapath_inspect(&w.instance, &w.dp);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", w.dp ? rf_datapath_error(w.dp) : strerror(-r));
		if (r == -ENOENT)
			fprintf(stderr, "  start the agent once: ringfenced --instance %s --policies DIR\n", w.instance.name);
		rf_datapath_close(w.dp);
		return r;
	}
	*world = w;
	return 0;
}

static void forget(struct rf_why_world *w)
{
	free(w->routes);
	free(w->names);
	free(w->service_names);
	free(w->services);
	free(w->allow);
	w->routes = NULL;
	w->names = w->service_names = NULL;
	w->services = NULL;
	w->allow = NULL;
	w->routes_size = w->name_count = w->service_name_count = w->service_count = w->allow_count = 0;
}

void rf_why_world_done(struct rf_why_world *world)
{
	forget(world);
	free(world->pods);
	rf_datapath_close(world->dp);
	*world = (struct rf_why_world){};
}

/* Doubles the room at powers of two. */
static void *grow(void *items, size_t count, size_t size)
{
	return count & (count - 1) ? items : reallocarray(items, count ? 2 * count : 1, size);
}

#define PUSH(items, count)                                                                                                                 \
	({                                                                                                                                 \
		void *_grown = grow(items, count, sizeof(*(items)));                                                                       \
		if (_grown)                                                                                                                \
			(items) = _grown;                                                                                                  \
		_grown ? &(items)[(count)++] : NULL;                                                                                       \
	})

static int add_name(void *arg, const void *key, const void *value)
{
	struct rf_why_world *w = arg;
	struct rf_why_name *n = PUSH(w->names, w->name_count);

	if (!n)
		return -ENOMEM;
	*n = (struct rf_why_name){};
	memcpy(&n->identity, key, sizeof(n->identity));
	snprintf(n->text, sizeof(n->text), "%.*s", (int)sizeof(((const struct rf_name *)value)->text),
		 ((const struct rf_name *)value)->text);
	return 0;
}

static int add_service_name(void *arg, const void *key, const void *value)
{
	struct rf_why_world *w = arg;
	struct rf_why_name *n = PUSH(w->service_names, w->service_name_count);

	if (!n)
		return -ENOMEM;
	*n = (struct rf_why_name){};
	memcpy(&n->addr, key, sizeof(n->addr));
	snprintf(n->text, sizeof(n->text), "%.*s", (int)sizeof(((const struct rf_name *)value)->text),
		 ((const struct rf_name *)value)->text);
	return 0;
}

static int add_service(void *arg, const void *key, const void *value)
{
	struct rf_why_world *w = arg;
	struct rf_why_service *s = PUSH(w->services, w->service_count);

	if (!s)
		return -ENOMEM;
	memcpy(&s->key, key, sizeof(s->key));
	memcpy(&s->value, value, sizeof(s->value));
	return 0;
}

static int add_allow(void *arg, const void *key, const void *value)
{
	struct rf_why_world *w = arg;
	struct rf_why_allow *a = PUSH(w->allow, w->allow_count);

	if (!a)
		return -ENOMEM;
	memcpy(&a->key, key, sizeof(a->key));
	memcpy(&a->value, value, sizeof(a->value));
	return 0;
}

static int compare_names(const void *pa, const void *pb)
{
	return strcmp(((const struct rf_why_name *)pa)->text, ((const struct rf_why_name *)pb)->text);
}

/* Kernel order is no order: a list that is the same each time is easier to read, and to test. */
static int compare_services(const void *pa, const void *pb)
{
	return memcmp(&((const struct rf_why_service *)pa)->key, &((const struct rf_why_service *)pb)->key, sizeof(struct rf_service_key));
}

static int compare_allow(const void *pa, const void *pb)
{
	const struct rf_why_allow *a = pa, *b = pb;

	if (a->key.dst != b->key.dst)
		return a->key.dst < b->key.dst ? -1 : 1;
	if (a->key.src != b->key.src)
		return a->key.src < b->key.src ? -1 : 1;
	return a->key.port - b->key.port;
}

static void sort(struct rf_why_world *w)
{
	if (w->name_count)
		qsort(w->names, w->name_count, sizeof(*w->names), compare_names);
	if (w->service_name_count)
		qsort(w->service_names, w->service_name_count, sizeof(*w->service_names), compare_names);
	if (w->service_count)
		qsort(w->services, w->service_count, sizeof(*w->services), compare_services);
	if (w->allow_count)
		qsort(w->allow, w->allow_count, sizeof(*w->allow), compare_allow);
}

static int read_revision(struct rf_why_world *w)
{
	int r;

	forget(w);
	r = rf_datapath_config(w->dp, &w->config);
	if (r == 0)
		r = rf_datapath_each(w->dp, "names", add_name, w);
	if (r == 0)
		r = rf_datapath_each(w->dp, "service_names", add_service_name, w);
	if (r == 0)
		r = rf_datapath_each(w->dp, "services", add_service, w);
	if (r == 0)
		r = rf_datapath_each(w->dp, "allow", add_allow, w);
	if (r == 0)
		r = rf_datapath_routes(w->dp, &w->routes, &w->routes_size);
	if (r == 0)
		r = rf_routes_validate(w->routes, w->routes_size);
	if (r == 0)
		sort(w);
	return r;
}

/* Pods are what has a cgroup below the instance's; who they are is in the kernel's table. */
static int read_pods(struct rf_why_world *w)
{
	_cleanup_closedir_ DIR *dir = opendir(w->instance.pods_cgroup);
	struct dirent *e;

	w->pod_count = 0;
	w->pods_ns = rf_now_ns();
	while (dir && (e = readdir(dir))) {
		struct rf_why_pod pod = {}, *slot;
		char path[PATH_MAX], *name = strchr(e->d_name, '_');
		uint64_t id;

		if (e->d_type != DT_DIR || !name || (size_t)(name - e->d_name) >= sizeof(pod.ns))
			continue;
		snprintf(pod.ns, sizeof(pod.ns), "%.*s", (int)(name - e->d_name), e->d_name);
		snprintf(pod.name, sizeof(pod.name), "%s", name + 1);
		snprintf(path, sizeof(path), "%.3800s/%s", w->instance.pods_cgroup, e->d_name);
		if (!rf_pod_names_valid(pod.ns, pod.name) || rf_cgroup_id(path, &id) < 0 ||
		    rf_datapath_pod_look_up(w->dp, id, &pod.pod) < 0)
			continue;
		slot = PUSH(w->pods, w->pod_count);
		if (!slot)
			return -ENOMEM;
		*slot = pod;
	}
	return 0;
}

int rf_why_world_refresh(struct rf_why_world *world)
{
	rf_epoch_t epoch = 0;
	int r = rf_datapath_epoch(world->dp, &epoch);

	if (r < 0)
		return r;
	if (!epoch)
		return -ENOENT;
	/* A switch while it is read: once more. The slot of the one before the live one may be gone then. */
	for (int tries = 0; epoch != world->epoch && tries < 8; tries++) {
		rf_epoch_t after = 0;

		world->epoch = 0;
		r = read_revision(world);
		if (rf_datapath_epoch(world->dp, &after) < 0)
			return -EIO;
		if (r == 0 && after == epoch && world->config.epoch == epoch)
			world->epoch = epoch;
		epoch = after;
	}
	if (r == 0 && world->epoch != epoch)
		r = -EAGAIN;
	if (r == 0 && (!world->pods_ns || rf_now_ns() - world->pods_ns > PODS_FRESH_NS))
		r = read_pods(world);
	return r;
}

const char *rf_why_account(const struct rf_why_world *world, rf_identity_t identity)
{
	for (size_t i = 0; identity && i < world->name_count; i++)
		if (world->names[i].identity == identity)
			return world->names[i].text;
	return NULL;
}

const struct rf_why_name *rf_why_find_name(const struct rf_why_name *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i].text, text) == 0)
			return &names[i];
	return NULL;
}

const struct rf_why_pod *rf_why_pod_by_name(const struct rf_why_world *world, const char *text)
{
	const char *slash = strchr(text, '/');

	for (size_t i = 0; slash && i < world->pod_count; i++)
		if (strlen(world->pods[i].ns) == (size_t)(slash - text) && strncmp(world->pods[i].ns, text, (size_t)(slash - text)) == 0 &&
		    strcmp(world->pods[i].name, slash + 1) == 0)
			return &world->pods[i];
	return NULL;
}

const struct rf_why_pod *rf_why_pod_by_addr(const struct rf_why_world *world, const struct rf_addr *addr)
{
	for (size_t i = 0; !rf_addr_is_none(addr) && i < world->pod_count; i++)
		if (rf_addr_equal(&world->pods[i].pod.addr4, addr) || rf_addr_equal(&world->pods[i].pod.addr6, addr))
			return &world->pods[i];
	return NULL;
}

/* Calls fn with every backend of a Service's port until it says true. */
static bool any_backend(const struct rf_why_world *w, const struct rf_service_value *v, bool (*fn)(void *arg, const struct rf_backend *b),
			void *arg)
{
	uint32_t runs = v->parts ? v->parts : 1;

	for (uint32_t i = 0; i < runs; i++) {
		struct rf_split_part part = {.first = v->first, .count = v->count};

		if (v->parts && rf_datapath_split_part(w->dp, v->parts_first + i, &part) < 0)
			continue;
		for (uint32_t k = 0; k < part.count; k++) {
			struct rf_backend b;

			if (rf_datapath_backend(w->dp, part.first + k, &b) == 0 && fn(arg, &b))
				return true;
		}
	}
	return false;
}

struct wanted {
	const struct rf_why_world *world;
	rf_identity_t account;
	uint16_t port; /* 0 = collect into seen */
	uint16_t seen[RF_WHY_PORTS_MAX];
	size_t seen_count;
};

static bool is_wanted(void *arg, const struct rf_backend *b)
{
	struct wanted *x = arg;
	const struct rf_why_pod *pod = rf_why_pod_by_addr(x->world, &b->addr);
	size_t i = 0;

	if (!pod || pod->pod.identity != x->account)
		return false;
	if (x->port)
		return b->port == x->port;
	while (i < x->seen_count && x->seen[i] != b->port)
		i++;
	if (i == x->seen_count && i < RF_ARRAY_SIZE(x->seen))
		x->seen[x->seen_count++] = b->port;
	return false;
}

static const char *service_of(const struct rf_why_world *world, const struct rf_addr *addr)
{
	for (size_t i = 0; i < world->service_name_count; i++)
		if (rf_addr_equal(&world->service_names[i].addr, addr))
			return world->service_names[i].text;
	return NULL;
}

bool rf_why_is_served(const struct rf_why_world *world, rf_identity_t account, uint16_t port, uint8_t proto, const char *ns,
		      const char **ret_service)
{
	struct wanted x = {.world = world, .account = account, .port = port};
	size_t len = ns ? strlen(ns) : 0;

	for (size_t i = 0; i < world->service_count; i++) {
		const struct rf_why_service *s = &world->services[i];
		const char *name = service_of(world, &s->key.addr);

		if (s->key.proto != proto || !name ||
		    (ns && (strncmp(name, ns, len) != 0 || name[len] != (strchr(ns, '/') ? '\0' : '/'))) ||
		    !any_backend(world, &s->value, is_wanted, &x))
			continue;
		if (ret_service)
			*ret_service = name;
		return true;
	}
	return false;
}

size_t rf_why_served_ports(const struct rf_why_world *world, rf_identity_t account, uint8_t proto, uint16_t ret[RF_WHY_PORTS_MAX])
{
	struct wanted x = {.world = world, .account = account};

	for (size_t i = 0; i < world->service_count; i++)
		if (world->services[i].key.proto == proto)
			(void)any_backend(world, &world->services[i].value, is_wanted, &x);
	memcpy(ret, x.seen, x.seen_count * sizeof(*ret));
	return x.seen_count;
}

enum rf_verdict rf_why_port_kind(const struct rf_why_world *world, rf_identity_t account, uint16_t port)
{
	for (size_t i = 0; i < world->allow_count; i++) {
		const struct rf_why_allow *a = &world->allow[i];

		if (a->key.dst == account && a->key.port == port && a->key.proto == IPPROTO_TCP && a->value.verdict != RF_VERDICT_DENY)
			return (enum rf_verdict)a->value.verdict;
	}
	return RF_VERDICT_DENY;
}
