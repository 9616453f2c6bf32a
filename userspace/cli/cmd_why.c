/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence why: what the kernel and the checker would say to a connection or request, and why. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/why_print.h"
#include "core/cleanup.h"

static const char help[] =
	"usage: ringfence why --from WHO --to WHERE [--udp] [--method M] [--path P] [--header NAME=VALUE]... [-o json]\n"
	"       ringfence why --batch\n\n"
	"Says whether a connection or request would be admitted, which rule (file:line) and which entry of the kernel's tables\n"
	"decides, and if it is denied what is missing and the smallest policy that would admit it. The kernel's own decision\n"
	"program is asked, on the live tables; no agent is needed.\n\n"
	"  --from      NAMESPACE/SERVICEACCOUNT, pod/NAMESPACE/NAME, or an address\n"
	"  --to        SERVICE.NAMESPACE[:PORT] (also with .svc.cluster.local), NAMESPACE/SERVICEACCOUNT:PORT,\n"
	"              pod/NAMESPACE/NAME:PORT or ADDRESS:PORT; for pods and accounts the port is the pod's own\n"
	"  --udp       a datagram instead of a TCP connection\n"
	"  --method, --path, --header, --host    a request; without --path the question is about the connection.\n"
	"              The method is GET and the Host what was dialled unless they are given\n"
	"  --server-name NAME    a TLS connection (for https ports of Egress)\n"
	"  -6          the IPv6 addresses, where there are both\n"
	"  --batch     one question a line on standard input, as JSON: {\"from\":..., \"to\":..., \"udp\":true, \"method\":..., "
	"\"path\":...,\n"
	"              \"headers\":{NAME: VALUE or [VALUE...]}, \"server_name\":..., \"ipv6\":true, \"id\":...}; one answer a line, in "
	"that order,\n"
	"              as with -o json, with the question's id; {\"error\":...} for one that cannot be answered\n\n"
	"Exit code 0: admitted (per request, or for an audit annotation, too), 1: denied, 2: wrong usage, an unknown name, or\n"
	"nothing to ask. With --batch 0 if every question had an answer, else 2.\n";

struct job {
	struct rf_why_world world;
	struct rf_why_words words;
	bool json, batch;
};

static struct rf_why_question question; /* large */
static struct rf_why_answer answer;

/* Reads the words, asks, explains. error gets the sentence. */
static int run(struct rf_why_world *world, const struct rf_why_words *words, struct rf_why_missing *ret, char error[RF_WHY_ERROR_MAX])
{
	int r = rf_why_world_refresh(world);

	error[0] = '\0';
	if (r == -ENOENT)
		snprintf(error, RF_WHY_ERROR_MAX, "no policy has been published yet: everything is denied; see: ringfence status");
	if (r == 0)
		r = rf_why_question_read(world, words, &question, error);
	if (r == 0)
		r = rf_why_ask(world, &question, &answer, error);
	if (r == 0)
		r = rf_why_missing(world, &answer, ret);
	if (r < 0 && !error[0])
		snprintf(error, RF_WHY_ERROR_MAX, "cannot read the kernel's tables: %s", strerror(-r));
	return r;
}

static int print_json(cJSON *item, bool pretty)
{
	_cleanup_free_ char *text = item ? (pretty ? cJSON_Print(item) : cJSON_PrintUnformatted(item)) : NULL;

	cJSON_Delete(item);
	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

static int one(struct job *job)
{
	RF_CLEANUP(rf_why_missing_done) struct rf_why_missing missing = {};
	char error[RF_WHY_ERROR_MAX];

	if (run(&job->world, &job->words, &missing, error) < 0) {
		fprintf(stderr, "ringfence: %s\n", error);
		return RF_EXIT_USAGE;
	}
	if (!job->json)
		rf_why_print(&job->world, &answer, &missing, stdout);
	else if (print_json(rf_why_json(&job->world, &answer, &missing), true) < 0)
		return RF_EXIT_USAGE;
	return rf_why_overall(&answer) == RF_WHY_DENIED ? RF_EXIT_NO : RF_EXIT_OK;
}

/* One line of a batch -> one answer. */
static int answer_line(struct job *job, const char *text, size_t len)
{
	RF_CLEANUP(rf_why_missing_done) struct rf_why_missing missing = {};
	_cleanup_json_ cJSON *line = cJSON_ParseWithLength(text, len), *room = NULL;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(line, "id");
	char error[RF_WHY_ERROR_MAX] = "this is no JSON";
	struct rf_why_words words = {};
	cJSON *out;
	int r = line ? rf_why_words_read(line, &words, &room, error) : -EINVAL;

	if (r == 0)
		r = run(&job->world, &words, &missing, error);
	out = r == 0 ? rf_why_json(&job->world, &answer, &missing) : cJSON_CreateObject();
	if (r < 0)
		cJSON_AddStringToObject(out, "error", error);
	if (id)
		cJSON_AddItemToObject(out, "id", cJSON_Duplicate(id, true));
	return print_json(out, false) < 0 ? -ENOMEM : r;
}

static int batch(struct job *job)
{
	_cleanup_free_ char *line = NULL;
	int code = RF_EXIT_OK;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, stdin)) > 0) {
		if (strspn(line, " \t\r\n") == (size_t)len)
			continue;
		if (answer_line(job, line, (size_t)len) < 0)
			code = RF_EXIT_USAGE;
		fflush(stdout); /* a reader may ask the next question after the answer */
	}
	return code;
}

static int usage(const char *complaint)
{
	if (complaint)
		fprintf(stderr, "ringfence: %s\n", complaint);
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

static int add_header(struct job *job, const char *text, bool host)
{
	static char room[RF_IDENTITY_NAME_MAX + 8];

	if (job->words.header_count == RF_WHY_FIELDS_MAX - 1)
		return -1;
	if (host && snprintf(room, sizeof(room), "host=%s", text) >= (int)sizeof(room))
		return -1;
	job->words.headers[job->words.header_count++] = host ? room : text;
	return 0;
}

/* -1: go on, else the exit code. */
static int options(int argc, char **argv, struct job *job)
{
	static const struct option longs[] = {{"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'},
					      {"udp", no_argument, NULL, 'u'},        {"method", required_argument, NULL, 'm'},
					      {"path", required_argument, NULL, 'p'}, {"header", required_argument, NULL, 'H'},
					      {"host", required_argument, NULL, 'n'}, {"server-name", required_argument, NULL, 's'},
					      {"batch", no_argument, NULL, 'b'},      {"output", required_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},       {}};
	struct rf_why_words *w = &job->words;
	int c;

	while ((c = getopt_long(argc, argv, "6ho:", longs, NULL)) >= 0) {
		switch (c) {
		case 'f':
			w->from = optarg;
			break;
		case 't':
			w->to = optarg;
			break;
		case 'u':
			w->udp = true;
			break;
		case 'm':
			w->method = optarg;
			break;
		case 'p':
			w->path = optarg;
			break;
		case 'H':
		case 'n':
			if (add_header(job, optarg, c == 'n') < 0)
				return usage("too many headers, or too long a host");
			break;
		case 's':
			w->server_name = optarg;
			break;
		case '6':
			w->ipv6 = true;
			break;
		case 'b':
			job->batch = true;
			break;
		case 'h':
			fputs(help, stdout);
			return RF_EXIT_OK;
		case 'o':
			job->json = strcmp(optarg, "json") == 0;
			if (job->json)
				break;
			return usage("the only other output is json");
		default:
			return usage(NULL);
		}
	}
	if (optind != argc || (job->batch && (w->from || w->to)))
		return usage(optind != argc ? "a source is given with --from, a destination with --to"
					    : "--batch takes its questions from standard input");
	return job->batch || (w->from && w->to) ? -1 : usage("--from and --to are needed");
}

int rf_cmd_why(int argc, char **argv)
{
	struct job job = {};
	int code = options(argc, argv, &job);

	if (code >= 0)
		return code;
	if (rf_why_world_open(&job.world) < 0)
		return RF_EXIT_USAGE;
	code = job.batch ? batch(&job) : one(&job);
	rf_why_world_done(&job.world);
	return code;
}
