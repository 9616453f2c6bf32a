/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies as trees of objects (cJSON), to be changed, to be written in any layout of files, and to be compiled. The mesh around
 * them is always the same: accounts n0/a, n0/b, n1/a and n2/a are in it, out/a is not; each has a Service with two HTTP ports and two
 * others.
 */
#pragma once

#include "policy_world.h"

#include <cjson/cJSON.h>

#include "core/cleanup.h"
#include "core/json.h"

#define RANDOM_ACCOUNTS 5

static const char *const random_ns[RANDOM_ACCOUNTS] = {"n0", "n0", "n1", "n2", "out"}, *const random_name[RANDOM_ACCOUNTS] = {"a", "b", "a",
															      "a", "a"};
static const char *const random_account[RANDOM_ACCOUNTS] = {"n0/a", "n0/b", "n1/a", "n2/a", "out/a"};
static uint64_t random_state;

static inline unsigned dice(unsigned sides)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1dull) >> 33) % sides;
}

static inline void random_seed(uint64_t seed)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	for (int i = 0; i < 8; i++)
		dice(2);
}

#define ONE_OF(list) (list)[dice(RF_ARRAY_SIZE(list))]

static inline cJSON *parsed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline cJSON *parsed(const char *format, ...)
{
	char text[4096];
	va_list ap;
	cJSON *json;

	va_start(ap, format);
	assert_in_range(vsnprintf(text, sizeof(text), format, ap), 0, sizeof(text) - 1);
	va_end(ap);
	json = cJSON_Parse(text);
	if (!json)
		fail_msg("own JSON: %s", text);
	return json;
}

static inline cJSON *at(cJSON *json, const char *path)
{
	char word[64];

	while (json && *path) {
		const size_t n = strcspn(path, ".");

		snprintf(word, sizeof(word), "%.*s", (int)n, path);
		json = cJSON_GetObjectItemCaseSensitive(json, word);
		path += n + (path[n] == '.');
	}
	return json;
}

static inline const char *kind_of(cJSON *object)
{
	return rf_json_text(object, "kind", "");
}

/* ---- the parts ---- */

static inline cJSON *random_source(void)
{
	const unsigned i = dice(RANDOM_ACCOUNTS);

	return parsed("{\"kind\":\"ServiceAccount\",\"name\":\"%s\",\"namespace\":\"%s\"}", random_name[i], random_ns[i]);
}

static inline cJSON *random_match_name(void)
{
	static const char *const names[] = {"m0", "m1", "m2", "m3", "nowhere"};

	return cJSON_CreateString(ONE_OF(names));
}

/* kind NULL: any. */
static inline cJSON *random_rule(const char *kind)
{
	static const char *const kinds[] = {"HTTPRouteGroup", "HTTPRouteGroup", "HTTPRouteGroup", "TCPRoute", "UDPRoute"};
	cJSON *rule, *matches;

	kind = kind ? kind : ONE_OF(kinds);
	rule = parsed("{\"kind\":\"%s\",\"name\":\"%c%u\"}", kind,
		      kind[0] == 'H'   ? 'g'
		      : kind[0] == 'T' ? 't'
				       : 'u',
		      dice(4)); /* 3 is missing */
	if (kind[0] != 'H' || dice(2))
		return rule;
	matches = cJSON_AddArrayToObject(rule, "matches");
	for (unsigned n = dice(4); n > 0; n--)
		cJSON_AddItemToArray(matches, random_match_name());
	return rule;
}

static inline cJSON *random_method(void)
{
	static const char *const all[] = {"GET", "POST", "PUT", "GET", "*"};

	return cJSON_CreateString(ONE_OF(all));
}

static inline cJSON *random_match(const char *name)
{
	static const char *const paths[] = {"/a", "/b", "/a|/b", "/a(/.*)?", ".*", "/[^b]+", "(?i)/A", "", "/\\\\pL", "/b/\\\\d{1,3}"};
	cJSON *match = parsed("{\"name\":\"%s\"}", name), *methods;

	if (dice(6))
		cJSON_AddItemToObject(match, "pathRegex", parsed("\"%s\"", ONE_OF(paths)));
	if (dice(2)) {
		methods = cJSON_AddArrayToObject(match, "methods");
		for (unsigned n = dice(3); n > 0; n--)
			cJSON_AddItemToArray(methods, random_method());
	}
	if (dice(12) == 0)
		cJSON_AddItemToObject(match, "headers", parsed("[{\"x-a\":\".*\"}]"));
	return match;
}

static inline cJSON *random_port(void)
{
	static const int ports[] = {80, 8080, 81, 90, 53};

	return cJSON_CreateNumber(ONE_OF(ports));
}

static inline cJSON *random_target(const char *name)
{
	const unsigned dst = dice(RANDOM_ACCOUNTS - dice(2)); /* out/a seldom */
	cJSON *target = parsed("{\"apiVersion\":\"access.smi-spec.io/v1alpha3\",\"kind\":\"TrafficTarget\",\"metadata\":{\"name\":\"%s\","
			       "\"namespace\":\"%s\"},\"spec\":{\"destination\":{\"kind\":\"ServiceAccount\",\"name\":\"%s\","
			       "\"namespace\":\"%s\"},\"sources\":[],\"rules\":[]}}",
			       name, random_ns[dst], random_name[dst], random_ns[dst]);

	for (unsigned n = dice(10) ? 1 + dice(3) : 0; n > 0; n--)
		cJSON_AddItemToArray(at(target, "spec.sources"), random_source());
	for (unsigned n = dice(10) ? 1 + dice(2) : 0; n > 0; n--)
		cJSON_AddItemToArray(at(target, "spec.rules"), random_rule(NULL));
	return target;
}

static inline cJSON *random_group(const char *ns, unsigned number)
{
	cJSON *group = parsed("{\"apiVersion\":\"specs.smi-spec.io/v1alpha4\",\"kind\":\"HTTPRouteGroup\",\"metadata\":{\"name\":\"g%u\","
			      "\"namespace\":\"%s\"},\"spec\":{\"matches\":[]}}",
			      number, ns);
	char name[8];

	for (unsigned i = 0, n = dice(4); i < n; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		cJSON_AddItemToArray(at(group, "spec.matches"), random_match(name));
	}
	return group;
}

static inline cJSON *random_ports(const char *kind, const char *ns, unsigned number)
{
	cJSON *route = parsed("{\"apiVersion\":\"specs.smi-spec.io/v1alpha4\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%c%u\","
			      "\"namespace\":\"%s\"},\"spec\":{\"matches\":{\"ports\":[]}}}",
			      kind, kind[0] == 'T' ? 't' : 'u', number, ns);

	for (unsigned n = dice(4); n > 0; n--)
		cJSON_AddItemToArray(at(route, "spec.matches.ports"), random_port());
	return route;
}

static inline cJSON *random_door(const char *ns)
{
	cJSON *door = parsed("{\"apiVersion\":\"policy.openservicemesh.io/v1alpha1\",\"kind\":\"IngressBackend\",\"metadata\":{\"name\":"
			     "\"door\",\"namespace\":\"%s\"},\"spec\":{\"backends\":[{\"name\":\"a\",\"port\":{\"number\":8080,"
			     "\"protocol\":\"http\"}}],\"sources\":[{\"kind\":\"IPRange\",\"name\":\"10.0.0.0/8\"}]}}",
			     ns);

	if (dice(2))
		cJSON_AddItemToArray(at(door, "spec.sources"), parsed("{\"kind\":\"Service\",\"name\":\"a\",\"namespace\":\"out\"}"));
	return door;
}

/* ---- all of it ---- */

static inline void add_mesh(cJSON *all)
{
	for (unsigned i = 0; i < RANDOM_ACCOUNTS; i++) {
		const char *ns = random_ns[i], *name = random_name[i];

		if (i != 1)
			cJSON_AddItemToArray(
				all, parsed("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"%s}}", ns,
					    i == RANDOM_ACCOUNTS - 1 ? "" : ",\"labels\":{\"openservicemesh.io/monitored-by\":\"osm\"}"));
		cJSON_AddItemToArray(all, parsed("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"%s\","
						 "\"namespace\":\"%s\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"%s\"}},"
						 "\"template\":{\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{"
						 "\"serviceAccountName\":\"%s\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}",
						 name, ns, name, name, name));
		cJSON_AddItemToArray(all,
				     parsed("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
					    "\"%s\"},\"spec\":{\"selector\":{\"app\":\"%s\"},\"ports\":[{\"name\":\"http-a\",\"port\":80},"
					    "{\"name\":\"http-b\",\"port\":8000,\"targetPort\":8080},{\"name\":\"tcp-a\",\"port\":81},"
					    "{\"name\":\"tcp-b\",\"port\":90}]}}",
					    name, ns, name));
	}
}

static inline cJSON *random_policy(void)
{
	cJSON *all = cJSON_CreateArray();
	char name[8];

	add_mesh(all);
	for (unsigned i = 0; i < RANDOM_ACCOUNTS; i++) {
		if (i == 1)
			continue;
		for (unsigned k = 0; k < 3; k++) {
			if (dice(4))
				cJSON_AddItemToArray(all, random_group(random_ns[i], k));
			if (dice(2))
				cJSON_AddItemToArray(all, random_ports("TCPRoute", random_ns[i], k));
			if (dice(6) == 0)
				cJSON_AddItemToArray(all, random_ports("UDPRoute", random_ns[i], k));
		}
		if (dice(4) == 0)
			cJSON_AddItemToArray(all, random_door(random_ns[i]));
	}
	for (unsigned i = 0, n = dice(9); i < n; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		cJSON_AddItemToArray(all, random_target(name));
	}
	if (dice(4) == 0)
		cJSON_AddItemToArray(all,
				     parsed("{\"apiVersion\":\"config.openservicemesh.io/v1alpha2\",\"kind\":\"MeshConfig\",\"metadata\":{"
					    "\"name\":\"c\",\"namespace\":\"n0\"},\"spec\":{\"traffic\":{"
					    "\"enablePermissiveTrafficPolicyMode\":%s}}}",
					    dice(4) ? "false" : "true"));
	return all;
}

/* An object of that kind, or NULL. */
static inline cJSON *random_of(cJSON *all, const char *kind)
{
	cJSON *item, *found = NULL;
	unsigned n = 0;

	cJSON_ArrayForEach(item, all) if (!strcmp(kind_of(item), kind) && dice(++n) == 0) found = item;
	return found;
}

/* ---- files ---- */

static inline void put_yaml(FILE *f, const cJSON *json, int indent)
{
	const cJSON *item;

	if (!json->child) { /* scalars and empty collections are the same in both */
		char *text = cJSON_PrintUnformatted(json);

		fprintf(f, " %s\n", text);
		cJSON_free(text);
		return;
	}
	fputc('\n', f);
	cJSON_ArrayForEach(item, json)
	{
		fprintf(f, "%*s%s%s", indent, "", cJSON_IsArray(json) ? "-" : item->string, cJSON_IsArray(json) ? "" : ":");
		put_yaml(f, item, indent + 2);
	}
}

static inline void add_file(struct world *w, const char *name, const cJSON *json)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	if (strstr(name, ".json")) {
		text = dice(2) ? cJSON_Print(json) : cJSON_PrintUnformatted(json);
		world_yaml(w, name, text);
		cJSON_free(text);
		return;
	}
	f = open_memstream(&text, &len);
	put_yaml(f, json, 0);
	fclose(f);
	world_yaml(w, name, text);
	free(text);
}

static inline void add_all_in_one(struct world *w, const cJSON *all)
{
	const cJSON *item;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	cJSON_ArrayForEach(item, all)
	{
		fputs("---", f);
		put_yaml(f, item, 0);
	}
	fclose(f);
	world_yaml(w, "all.yaml", text);
	free(text);
}

static inline void add_list(struct world *w, const cJSON *all, const char *name)
{
	cJSON *list = parsed("{\"apiVersion\":\"v1\",\"kind\":\"List\"}");

	cJSON_AddItemToObject(list, "items", cJSON_Duplicate(all, 1));
	add_file(w, name, list);
	cJSON_Delete(list);
}

static inline void shuffle_array(cJSON *array)
{
	for (int i = cJSON_GetArraySize(array); i > 1; i--)
		cJSON_AddItemToArray(array, cJSON_DetachItemFromArray(array, (int)dice((unsigned)i)));
}

enum layout { ONE_YAML, A_FILE_EACH, YAML_LIST, JSON_LIST, _LAYOUT_MAX };

static inline void add_objects(struct world *w, const cJSON *all, enum layout layout)
{
	const cJSON *item;
	char name[32];
	int i = 0;

	if (layout == ONE_YAML)
		add_all_in_one(w, all);
	else if (layout != A_FILE_EACH)
		add_list(w, all, layout == JSON_LIST ? "list.json" : "list.yaml");
	else
		cJSON_ArrayForEach(item, all)
		{
			snprintf(name, sizeof(name), "%d.%s", i++, dice(2) ? "json" : "yaml");
			add_file(w, name, item);
		}
}

static inline void build_world(struct world *w, const cJSON *all, enum layout layout)
{
	static const char *const addresses[] = {"10.201.0.10", "10.201.0.11", "10.201.0.12", "10.201.0.13", "10.201.0.14"};

	world_begin(w);
	add_objects(w, all, layout);
	assert_int_equal(rf_objects_check(w->objects), 0);
	assert_int_equal(w->objects->diags.error_count, 0);
	for (size_t i = 0; i < RANDOM_ACCOUNTS; i++)
		world_pod(w, random_ns[i], random_name[i], random_name[i], random_name[i], addresses[i]);
	world_compile(w);
}
