/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence audit: what would have been denied, where an annotation lets it pass. Connections from the kernel's own table, requests from
 * the agent. */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pod_ref.h"
#include "cli/table.h"
#include "core/cleanup.h"
#include "core/reason_text.h"
#include "datapath/datapath.h"

static const char help[] =
	"usage: ringfence audit [-n NAMESPACE] [-o json]\n"
	"       ringfence audit --clear\n\n"
	"What would have been denied, but passed because a TrafficTarget or Namespace has the annotation\n"
	"ringfence.io/audit: \"enabled\": connections (counted by the kernel) and requests (counted by the agent, by path\n"
	"template: numbers, UUIDs and long hexadecimal words are {}).\n\n"
	"  -n NAMESPACE   only sources and destinations of this namespace\n"
	"  --clear        forget all that was counted (of every namespace)\n\n"
	"Without an agent connections are shown all the same. Exit code 0; 2: wrong usage or nothing to ask.\n";

#define SECONDS_FOR_AGENT 10

struct job {
	struct rf_instance instance;
	struct rf_datapath *dp;
	const char *ns;
	bool json;
	cJSON *rows;
	struct row {
		struct rf_audit_key key;
		struct rf_audit row;
	} * found;
	size_t found_count;
	int error;
};

static void collect(void *arg, const struct rf_audit_key *key, const struct rf_audit *row)
{
	struct job *j = arg;
	struct row *grown = reallocarray(j->found, j->found_count + 1, sizeof(*grown));

	if (!grown) {
		j->error = -ENOMEM;
		return;
	}
	j->found = grown;
	grown[j->found_count++] = (struct row){*key, *row};
}

static void name_of(const struct job *j, rf_identity_t identity, char *ret, size_t size)
{
	if (!identity)
		snprintf(ret, size, "outside");
	else if (rf_datapath_name(j->dp, identity, ret, size) < 0)
		snprintf(ret, size, "unknown");
}

static void add_time(cJSON *o, const char *name, uint64_t monotonic_ns)
{
	struct timespec real, mono;
	char date[32], text[64];
	int64_t ns;
	time_t seconds;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	ns = (int64_t)monotonic_ns + (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
	seconds = (time_t)(ns / 1000000000);
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(ns / 1000000 % 1000));
	cJSON_AddStringToObject(o, name, text);
}

static cJSON *connection(const struct job *j, const struct row *r)
{
	char source[RF_IDENTITY_NAME_MAX], destination[RF_IDENTITY_NAME_MAX];
	cJSON *o = cJSON_CreateObject();

	name_of(j, r->key.src, source, sizeof(source));
	name_of(j, r->key.dst, destination, sizeof(destination));
	cJSON_AddStringToObject(o, "layer", "connection");
	cJSON_AddStringToObject(o, "source", source);
	cJSON_AddStringToObject(o, "destination", destination);
	cJSON_AddStringToObject(o, "protocol", r->key.proto == IPPROTO_UDP ? "udp" : "tcp");
	cJSON_AddNumberToObject(o, "port", r->key.port);
	cJSON_AddStringToObject(o, "would", rf_reason_name(r->key.would));
	cJSON_AddNumberToObject(o, "count", (double)r->row.count);
	add_time(o, "first", r->row.first_ns);
	add_time(o, "last", r->row.last_ns);
	return o;
}

static bool of_namespace(const char *account, const char *ns)
{
	return strncmp(account, ns, strlen(ns)) == 0 && account[strlen(ns)] == '/';
}

static void keep(const struct job *j, cJSON *o)
{
	if (!j->ns || of_namespace(rf_json_text(o, "source", ""), j->ns) || of_namespace(rf_json_text(o, "destination", ""), j->ns))
		cJSON_AddItemToArray(j->rows, o);
	else
		cJSON_Delete(o);
}

static int connections(struct job *j)
{
	int r = rf_datapath_audit_each(j->dp, collect, j);

	if (r == 0)
		r = j->error;
	for (size_t i = 0; r == 0 && i < j->found_count; i++)
		keep(j, connection(j, &j->found[i]));
	return r;
}

/* What the agent counted. -ENOENT: nobody to ask. *ret_lost, *ret_problem (owned by *ret_answer): its own words. */
static int requests(struct job *j, cJSON **ret_answer)
{
	const cJSON *row;
	int r = rf_client_exchange_within(&j->instance, rf_client_request("audit"), SECONDS_FOR_AGENT, ret_answer);

	if (r < 0)
		return r;
	if (!rf_json_bool(*ret_answer, "ok", false))
		return -EREMOTEIO;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(*ret_answer, "rows"))
	{
		cJSON *o = cJSON_Duplicate(row, true);

		cJSON_AddStringToObject(o, "layer", "request");
		cJSON_AddStringToObject(o, "protocol", "http");
		keep(j, o);
	}
	return 0;
}

static void print_table(const struct job *j)
{
	static const char *const titles[] = {"SOURCE", "DESTINATION", "PROTOCOL", "PORT", "REQUEST", "WOULD BE", "COUNT", "FIRST", "LAST"};
	RF_CLEANUP(rf_table_freep) struct rf_table *table = rf_table_new(titles, RF_ARRAY_SIZE(titles));
	const cJSON *o;

	cJSON_ArrayForEach(o, j->rows)
	{
		char port[16], count[32], request[300];
		const char *cells[] = {rf_json_text(o, "source", "?"),
				       rf_json_text(o, "destination", "?"),
				       rf_json_text(o, "protocol", "?"),
				       port,
				       request,
				       rf_json_text(o, "would", "?"),
				       count,
				       rf_json_text(o, "first", "?"),
				       rf_json_text(o, "last", "?")};

		snprintf(port, sizeof(port), "%.0f", rf_json_number(o, "port", 0));
		snprintf(count, sizeof(count), "%.0f", rf_json_number(o, "count", 0));
		snprintf(request, sizeof(request), "%s %s", rf_json_text(o, "method", ""), rf_json_text(o, "path", ""));
		rf_table_row(table, cells);
	}
	if (cJSON_GetArraySize(j->rows))
		rf_table_print(table, stdout, "");
	else
		puts("nothing would have been denied");
}

static int print_json(const struct job *j, const cJSON *agent, bool asked, uint64_t lost)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;

	cJSON_AddItemToObject(root, "rows", cJSON_Duplicate(j->rows, true));
	cJSON_AddBoolToObject(root, "requests_known", asked);
	cJSON_AddNumberToObject(root, "connections_lost", (double)lost);
	if (asked)
		cJSON_AddNumberToObject(root, "requests_lost", rf_json_number(agent, "lost", 0));
	if (rf_json_text(agent, "problem", NULL))
		cJSON_AddStringToObject(root, "problem", rf_json_text(agent, "problem", ""));
	text = cJSON_Print(root);
	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

static void notes(const cJSON *agent, int asked, uint64_t lost)
{
	const double lost_requests = rf_json_number(agent, "lost", 0);

	if (asked < 0)
		fputs("note: requests are not shown: they are counted by the agent, which does not answer; it keeps them for its next "
		      "start\n",
		      stderr);
	if (lost)
		fprintf(stderr, "note: %llu connections are missing: the kernel's table was full\n", (unsigned long long)lost);
	if (lost_requests > 0)
		fprintf(stderr, "note: %.0f requests are missing: the agent's table was full\n", lost_requests);
	if (rf_json_text(agent, "problem", NULL))
		fprintf(stderr, "note: %s\n", rf_json_text(agent, "problem", ""));
}

static int show(struct job *j)
{
	uint64_t counters[_RF_REASON_MAX] = {}, lost[RF_LOST_MAX] = {};
	_cleanup_json_ cJSON *agent = NULL;
	int r, asked;

	r = rf_datapath_inspect(&j->instance, &j->dp);
	if (r == 0)
		r = connections(j);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", j->dp && *rf_datapath_error(j->dp) ? rf_datapath_error(j->dp) : strerror(-r));
		return RF_EXIT_USAGE;
	}
	(void)rf_datapath_reasons(j->dp, counters, lost); /* without it nothing is said to be missing */
	asked = requests(j, &agent);
	if (j->json)
		return print_json(j, agent, asked == 0, lost[RF_LOST_AUDIT]) < 0 ? RF_EXIT_USAGE : RF_EXIT_OK;
	print_table(j);
	fflush(stdout); /* the notes come behind it, wherever both go */
	notes(agent, asked, lost[RF_LOST_AUDIT]);
	return RF_EXIT_OK;
}

static int clear(struct job *j)
{
	_cleanup_json_ cJSON *answer = NULL;
	cJSON *request = rf_client_request("audit");

	if (!cJSON_AddBoolToObject(request, "clear", true)) {
		cJSON_Delete(request);
		return RF_EXIT_USAGE;
	}
	return rf_client_call(&j->instance, request, &answer) < 0 ? RF_EXIT_USAGE : RF_EXIT_OK;
}

int rf_cmd_audit(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"namespace", required_argument, NULL, 'n'},
						{"output", required_argument, NULL, 'o'},
						{"clear", no_argument, NULL, 'c'},
						{0}};
	struct job job = {};
	bool forget = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "hn:o:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		} else if (c == 'n') {
			job.ns = optarg;
		} else if (c == 'c') {
			forget = true;
		} else if (c == 'o' && strcmp(optarg, "json") == 0) {
			job.json = true;
		} else {
			fputs(help, stderr);
			return RF_EXIT_USAGE;
		}
	}
	if (optind != argc || (forget && (job.ns || job.json))) {
		fputs(help, stderr);
		return RF_EXIT_USAGE;
	}
	if (rf_pod_ref_instance(&job.instance) < 0)
		return RF_EXIT_USAGE;
	job.rows = cJSON_CreateArray();
	code = forget ? clear(&job) : show(&job);
	cJSON_Delete(job.rows);
	free(job.found);
	rf_datapath_close(job.dp);
	return code;
}
