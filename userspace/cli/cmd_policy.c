/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence policy check-pods: may this pod talk to that one? */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/why_print.h"
#include "core/cleanup.h"
#include "core/reason_text.h"

static const char help[] =
	"usage: ringfence policy check-pods [-n NAMESPACE] [-o json] SOURCE DESTINATION\n\n"
	"Says whether the source pod may talk to the destination pod, for every port of it that a Service leads to, and by which\n"
	"policy. Pods are NAMESPACE/NAME, or NAME in the namespace of -n (default: \"default\"). The live tables of the kernel are\n"
	"asked, as by ringfence why, which says more about one port.\n\n"
	"Exit code 0: it may, on one port at least; 1: it may not; 2: wrong usage, no such pod, or nothing to ask.\n";

struct job {
	struct rf_why_world world;
	struct rf_why_question question;
	struct rf_why_answer answer;
	struct rf_why_missing missing;
	cJSON *json; /* list of answers, NULL: text */
	char names[2][130];
	bool any;
};

static void full_name(const char *ns, const char *name, char ret[130])
{
	if (strchr(name, '/'))
		snprintf(ret, 130, "%s", name);
	else
		snprintf(ret, 130, "%s/%s", ns, name);
}

/* "TrafficTarget bookstore/buyer (a.yaml:3)" -> the words for it; what has no rule is allowed by a mode. */
static void via(struct job *job, const struct rf_why_part *p, char *ret, size_t size)
{
	char rule[RF_RULE_TEXT_MAX];

	if (p->rule_id && rf_datapath_rule(job->world.dp, p->rule_id, rule, sizeof(rule)) == 0)
		snprintf(ret, size, "via the %.*s policy%s", (int)strcspn(rule, " "), rule, rule + strcspn(rule, " "));
	else
		snprintf(ret, size, "because %s", rf_reason_text(p->reason));
}

static void print_part(struct job *job, const struct rf_why_part *p)
{
	const bool udp = p->asked.proto == IPPROTO_UDP;
	char text[RF_RULE_TEXT_MAX + 64];

	if (p->decision == RF_WHY_DENIED || p->decision == RF_WHY_AUDIT) {
		printf("[-] Pod '%s' %s allowed to communicate to pod '%s' on port %u%s: %s\n", job->names[0],
		       p->decision == RF_WHY_AUDIT ? "would not be" : "is not", job->names[1], p->asked.port, udp ? " (UDP)" : "",
		       job->missing.sentence);
		return;
	}
	via(job, p, text, sizeof(text));
	printf("[+] Pod '%s' is allowed to communicate to pod '%s' on port %u%s %s%s\n", job->names[0], job->names[1], p->asked.port,
	       udp ? " (UDP)" : "", text, p->decision == RF_WHY_PER_REQUEST ? ", each request is checked" : "");
}

static int check_port(struct job *job, uint16_t port, uint8_t proto)
{
	char from[140], to[150], error[RF_WHY_ERROR_MAX] = "";
	const struct rf_why_words words = {.from = from, .to = to, .udp = proto == IPPROTO_UDP};
	int r;

	snprintf(from, sizeof(from), "pod/%s", job->names[0]);
	snprintf(to, sizeof(to), "pod/%s:%u", job->names[1], port);
	r = rf_why_question_read(&job->world, &words, &job->question, error);
	if (r == 0)
		r = rf_why_ask(&job->world, &job->question, &job->answer, error);
	if (r == 0)
		r = rf_why_missing(&job->world, &job->answer, &job->missing);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", error[0] ? error : strerror(-r));
		return r;
	}
	job->any |= rf_why_overall(&job->answer) != RF_WHY_DENIED;
	if (job->json)
		cJSON_AddItemToArray(job->json, rf_why_json(&job->world, &job->answer, &job->missing));
	for (size_t i = 0; !job->json && i < job->answer.part_count; i++)
		print_part(job, &job->answer.parts[i]);
	rf_why_missing_done(&job->missing);
	return 0;
}

/* The ports that the allow list has for UDP: no Service needs to declare them. */
static int check_datagrams(struct job *job, rf_identity_t src, rf_identity_t dst)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->world.allow_count; i++) {
		const struct rf_allow_key *k = &job->world.allow[i].key;

		if (k->src == src && k->dst == dst && k->proto == IPPROTO_UDP)
			r = check_port(job, k->port ? k->port : 1, IPPROTO_UDP);
	}
	return r;
}

static const struct rf_why_pod *find(const struct job *job, const char *name)
{
	const struct rf_why_pod *pod = rf_why_pod_by_name(&job->world, name);

	if (!pod)
		fprintf(stderr, "ringfence: there is no pod %s; see: ringfence ps\n", name);
	return pod;
}

static int check_ports(struct job *job)
{
	uint16_t ports[RF_WHY_PORTS_MAX];
	const struct rf_why_pod *from, *to;
	rf_identity_t src, dst;
	size_t count;
	int r = rf_why_world_refresh(&job->world);

	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n",
			r == -ENOENT ? "no policy has been published yet: everything is denied; see: ringfence status" : strerror(-r));
		return r;
	}
	from = find(job, job->names[0]);
	to = from ? find(job, job->names[1]) : NULL;
	if (!to)
		return -ENOENT;
	src = from->pod.identity;
	dst = to->pod.identity;
	if (job->world.config.permissive && !job->json)
		printf("[+] Permissive mode is on: every pod of the mesh may talk to every other\n");
	count = rf_why_served_ports(&job->world, dst, IPPROTO_TCP, ports);
	if (!count && !job->json)
		printf("[-] No Service leads to a port of pod '%s': TrafficTargets can say nothing about TCP to it\n", job->names[1]);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = check_port(job, ports[i], IPPROTO_TCP);
	return r ? r : check_datagrams(job, src, dst);
}

static int finish(struct job *job, int r)
{
	_cleanup_free_ char *text = NULL;

	rf_why_world_done(&job->world);
	if (r == 0 && job->json) {
		text = cJSON_Print(job->json);
		puts(text ? text : "");
	}
	cJSON_Delete(job->json);
	if (r < 0)
		return RF_EXIT_USAGE;
	return job->any ? RF_EXIT_OK : RF_EXIT_NO;
}

int rf_cmd_policy(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"namespace", required_argument, NULL, 'n'},
						{"output", required_argument, NULL, 'o'},
						{0}};
	static struct job job; /* large */
	const char *ns = "default";
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "hn:o:", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		} else if (c == 'n') {
			ns = optarg;
		} else if (c == 'o' && strcmp(optarg, "json") == 0) {
			json = true;
		} else {
			fputs(help, stderr);
			return RF_EXIT_USAGE;
		}
	}
	if (argc - optind != 3 || strcmp(argv[optind], "check-pods") != 0) {
		fputs(help, stderr);
		return RF_EXIT_USAGE;
	}
	full_name(ns, argv[optind + 1], job.names[0]);
	full_name(ns, argv[optind + 2], job.names[1]);
	if (rf_why_world_open(&job.world) < 0)
		return RF_EXIT_USAGE;
	job.json = json ? cJSON_CreateArray() : NULL;
	return finish(&job, check_ports(&job));
}
