/* SPDX-License-Identifier: Apache-2.0 */
/* ringfence verify connectivity: everything that must be in order between two pods, one check after the other. */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/kernel_status.h"
#include "cli/verify_checks.h"
#include "cli/why_print.h"
#include "cli/why_routes.h"
#include "core/cleanup.h"
#include "core/reason_text.h"

static const char help[] =
	"usage: ringfence verify connectivity --from-pod NAMESPACE/NAME --to-pod NAMESPACE/NAME [--to-service NAME]\n"
	"           [--to-ext-port PORT] [--app-protocol http|grpc|tcp|udp] [-o json]\n\n"
	"Looks at everything that a connection between the two pods needs: the kernel's programs, the agent, both pods and their\n"
	"namespaces, the Service and its port, the checker, and what the live policy says. Each check has a status, and where it\n"
	"failed a reason and a suggestion.\n\n"
	"  --to-service    the Service (of the pod's namespace) that must lead to the pod; default: any\n"
	"  --to-ext-port   the pod's own port; default: every port that a Service leads to\n\n"
	"Exit code 0: all is in order and something is admitted; 1: something is not; 2: wrong usage or nothing to ask.\n";

#define SECONDS_FOR_AGENT 3

struct job {
	struct rf_why_world world;
	struct rf_verify verify;
	struct rf_why_question question;
	struct rf_why_answer answer;
	const char *from, *to, *service, *protocol;
	uint16_t port;
	bool json;
	cJSON *kernel; /* rf_kernel_status */
};

static void check_node(struct job *j)
{
	const cJSON *drift = cJSON_GetObjectItemCaseSensitive(j->kernel, "drift"), *d;
	_cleanup_json_ cJSON *answer = NULL;
	char reason[1024] = "";

	cJSON_ArrayForEach(d, drift) if (!rf_json_bool(d, "notice", false)) snprintf(
		reason + strlen(reason), sizeof(reason) - strlen(reason), "%s%s", *reason ? "; " : "", rf_json_text(d, "text", "?"));
	rf_verify_add(&j->verify, 1, *reason ? RF_VERIFY_FAILED : RF_VERIFY_OK, "the kernel runs the programs of this instance", reason,
		      *reason ? "start the agent, it puts this back; see: ringfence check" : "");
	if (rf_client_exchange_within(&j->world.instance, rf_client_request("status"), SECONDS_FOR_AGENT, &answer) == 0)
		rf_verify_add(&j->verify, 1, RF_VERIFY_OK, "the agent runs", "", "");
	else
		rf_verify_add(&j->verify, 1, RF_VERIFY_NOTE, "the agent runs",
			      "it does not answer: the kernel goes on with the last revision", "start it: ringfenced --policies DIR");
}

static const cJSON *pod_json(const struct job *j, const char *name)
{
	const cJSON *pod;
	char text[130];

	cJSON_ArrayForEach(pod, cJSON_GetObjectItemCaseSensitive(j->kernel, "pods"))
	{
		snprintf(text, sizeof(text), "%s/%s", rf_json_text(pod, "ns", ""), rf_json_text(pod, "name", ""));
		if (strcmp(text, name) == 0)
			return pod;
	}
	return NULL;
}

static void check_hooks(struct job *j, const cJSON *pod)
{
	const cJSON *drift;
	char reason[1024] = "";

	cJSON_ArrayForEach(drift, cJSON_GetObjectItemCaseSensitive(pod, "drift")) if (!rf_json_bool(drift, "notice", false)) snprintf(
		reason + strlen(reason), sizeof(reason) - strlen(reason), "%s%s", *reason ? "; " : "", rf_json_text(drift, "text", "?"));
	if (rf_json_bool(pod, "hooked", false))
		rf_verify_add(&j->verify, 2, RF_VERIFY_OK, "the kernel's programs are hooked to it", "", "");
	else
		rf_verify_add(&j->verify, 2, RF_VERIFY_FAILED, "the kernel's programs are hooked to it", reason,
			      "start the agent, it puts this back; see: ringfence status");
}

/* false: nothing more can be asked about it. */
static bool check_pod(struct job *j, const char *name, const char *role)
{
	const cJSON *pod = pod_json(j, name);
	char context[256], reason[512] = "";

	snprintf(context, sizeof(context), "the %s pod %s is known", role, name);
	if (!pod || !rf_why_pod_by_name(&j->world, name)) {
		snprintf(reason, sizeof(reason), "the kernel has no pod %s", name);
		rf_verify_add(&j->verify, 1, RF_VERIFY_FAILED, context, reason, "see: ringfence ps; start it with ringfence run");
		return false;
	}
	rf_verify_add(&j->verify, 1, RF_VERIFY_OK, context, "", "");
	check_hooks(j, pod);
	snprintf(context, sizeof(context), "its namespace %s is in the mesh", rf_json_text(pod, "ns", ""));
	if (rf_json_bool(pod, "meshed", false)) {
		rf_verify_add(&j->verify, 2, RF_VERIFY_OK, context, "", "");
		return true;
	}
	snprintf(reason, sizeof(reason), "ringfence namespace add %s", rf_json_text(pod, "ns", ""));
	rf_verify_add(&j->verify, 2, RF_VERIFY_NOTE, context, "it is not: the pod is outside the mesh", reason);
	return true;
}

static void check_mode(struct job *j)
{
	rf_verify_add(&j->verify, 1, RF_VERIFY_OK, "policy mode",
		      j->world.config.permissive ? "permissive: every pod of the mesh may talk to every other" : "TrafficTargets decide",
		      "");
}

/* The ports to ask about: the given one, or all that Services lead to. */
static size_t check_service(struct job *j, const struct rf_why_pod *to, uint16_t ports[RF_WHY_PORTS_MAX])
{
	const uint8_t proto = j->protocol && strcmp(j->protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	size_t count = rf_why_served_ports(&j->world, to->pod.identity, proto, ports);
	const char *found = NULL;
	char context[256], reason[600] = "", within[RF_IDENTITY_NAME_MAX];
	bool ok = false;

	snprintf(context, sizeof(context), "%s%s leads to the pod", j->service ? "Service " : "a Service", j->service ? j->service : "");
	snprintf(within, sizeof(within), "%s%s%.250s", to->ns, j->service ? "/" : "", j->service ? j->service : "");
	for (size_t i = 0; !ok && !j->port && i < count; i++)
		ok = rf_why_is_served(&j->world, to->pod.identity, ports[i], proto, within, &found);
	if (j->port)
		ok = rf_why_is_served(&j->world, to->pod.identity, j->port, proto, within, &found);
	if (ok && found)
		snprintf(reason, sizeof(reason), "Service %s does", found);
	if (ok)
		rf_verify_add(&j->verify, 1, RF_VERIFY_OK, context, reason, "");
	else if (proto == IPPROTO_UDP)
		rf_verify_add(&j->verify, 1, RF_VERIFY_NOTE, context, "none does, which UDP does not need", "");
	else
		rf_verify_add(&j->verify, 1, RF_VERIFY_FAILED, context,
			      j->port ? "no Service of its namespace has this targetPort and selects the pod"
				      : "no Service selects the pod",
			      "see: ringfence get services; compare the Service's selector with the pod's labels");
	if (j->port) {
		ports[0] = j->port;
		return 1;
	}
	return count;
}

static void add_route(void *arg, const char *rule)
{
	struct job *j = arg;

	rf_verify_add(&j->verify, 3, RF_VERIFY_OK, rule, "", "");
}

static void check_checker(struct job *j, const struct rf_why_part *p)
{
	const struct rf_why_pod *from = rf_why_pod_by_name(&j->world, j->from);
	const bool ready = from && from->pod.flags & RF_POD_CHECKER_READY;

	if (p->kernel.verdict != RF_VERDICT_L7)
		return;
	rf_verify_add(&j->verify, 2, ready ? RF_VERIFY_OK : RF_VERIFY_FAILED, "the checker listens in the source pod",
		      ready ? "" : rf_reason_text(RF_REASON_CHECKER_DOWN), ready ? "" : "ringfence status; is ringfence-sockd running?");
}

static void check_answer(struct job *j, uint16_t port)
{
	RF_CLEANUP(rf_why_missing_done) struct rf_why_missing missing = {};
	const struct rf_why_part *p = &j->answer.parts[0];
	const bool denied = rf_why_overall(&j->answer) == RF_WHY_DENIED;
	char context[256], reason[1300], rule[RF_RULE_TEXT_MAX] = "";
	size_t before;

	(void)rf_why_missing(&j->world, &j->answer, &missing); /* without memory there is no suggestion */
	if (p->rule_id)
		(void)rf_datapath_rule(j->world.dp, p->rule_id, rule, sizeof(rule));
	snprintf(context, sizeof(context), "the policy admits a connection to port %u%s", port,
		 j->question.proto == IPPROTO_UDP ? " (UDP)" : "");
	snprintf(reason, sizeof(reason), "%s: %s%s%s%s%s", rf_reason_name(p->reason), rf_reason_text(p->reason), *rule ? "; " : "", rule,
		 *missing.sentence ? "; " : "", missing.sentence);
	rf_verify_add(&j->verify, 1, denied ? RF_VERIFY_FAILED : RF_VERIFY_OK, context, reason,
		      missing.policy ? missing.policy : missing.command);
	check_checker(j, p);
	if (p->decision != RF_WHY_PER_REQUEST)
		return;
	rf_verify_add(&j->verify, 2, RF_VERIFY_OK, "routes are granted", "each request is checked", "");
	before = j->verify.count;
	rf_why_routes_each(&j->world, p, add_route, j);
	if (j->verify.count == before && before < RF_VERIFY_MAX) {
		j->verify.checks[before - 1].status = RF_VERIFY_FAILED;
		snprintf(j->verify.checks[before - 1].reason, sizeof(j->verify.checks[0].reason), "none: every request gets 404");
	}
}

static int check_port(struct job *j, uint16_t port)
{
	char from[140], to[150], error[RF_WHY_ERROR_MAX] = "";
	const struct rf_why_words words = {.from = from, .to = to, .udp = j->protocol && strcmp(j->protocol, "udp") == 0};
	int r;

	snprintf(from, sizeof(from), "pod/%.130s", j->from);
	snprintf(to, sizeof(to), "pod/%.130s:%u", j->to, port);
	r = rf_why_question_read(&j->world, &words, &j->question, error);
	if (r == 0)
		r = rf_why_ask(&j->world, &j->question, &j->answer, error);
	if (r == 0 && j->answer.part_count)
		check_answer(j, port);
	else
		rf_verify_add(&j->verify, 1, RF_VERIFY_FAILED, "the live policy can be asked", error, "ringfence status");
	return r;
}

static void verify(struct job *j)
{
	const struct rf_why_pod *to;
	uint16_t ports[RF_WHY_PORTS_MAX];
	char context[256];
	bool known;
	size_t count;

	snprintf(context, sizeof(context), "pod %.80s can reach pod %.80s%s%.20s", j->from, j->to, j->protocol ? " by " : "",
		 j->protocol ? j->protocol : "");
	rf_verify_add(&j->verify, 0, RF_VERIFY_OK, context, "", "");
	check_node(j);
	known = check_pod(j, j->from, "source");
	known &= check_pod(j, j->to, "destination");
	check_mode(j);
	if (known) {
		to = rf_why_pod_by_name(&j->world, j->to);
		count = check_service(j, to, ports);
		for (size_t i = 0; i < count; i++)
			if (check_port(j, ports[i]) < 0)
				break;
	}
	if (rf_verify_failed(&j->verify))
		j->verify.checks[0].status = RF_VERIFY_FAILED;
}

static int finish(struct job *j)
{
	_cleanup_json_ cJSON *root = j->json ? rf_verify_json(&j->verify) : NULL;
	_cleanup_free_ char *text = root ? cJSON_Print(root) : NULL;

	if (text)
		puts(text);
	else
		rf_verify_print(&j->verify);
	return rf_verify_failed(&j->verify) ? RF_EXIT_NO : RF_EXIT_OK;
}

static int usage(bool asked)
{
	fputs(help, asked ? stdout : stderr);
	return asked ? RF_EXIT_OK : RF_EXIT_USAGE;
}

static bool read_port(const char *text, uint16_t *ret)
{
	char *end = NULL;
	const long port = strtol(text, &end, 10);

	if (end == text || *end || port < 1 || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static bool is_protocol(const char *word)
{
	return strcmp(word, "http") == 0 || strcmp(word, "grpc") == 0 || strcmp(word, "tcp") == 0 || strcmp(word, "udp") == 0;
}

/* -1: go on, else the exit code. */
static int options(int argc, char **argv, struct job *j)
{
	static const struct option longs[] = {{"from-pod", required_argument, NULL, 'f'},
					      {"to-pod", required_argument, NULL, 't'},
					      {"to-service", required_argument, NULL, 's'},
					      {"to-ext-port", required_argument, NULL, 'p'},
					      {"app-protocol", required_argument, NULL, 'a'},
					      {"output", required_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},
					      {}};
	int c;

	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) >= 0) {
		if (c == 'h')
			return usage(true);
		else if (c == 'f')
			j->from = optarg;
		else if (c == 't')
			j->to = optarg;
		else if (c == 's')
			j->service = optarg;
		else if (c == 'p' && read_port(optarg, &j->port))
			continue;
		else if (c == 'a' && is_protocol(optarg))
			j->protocol = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			j->json = true;
		else
			return usage(false);
	}
	if (argc - optind != 1 || strcmp(argv[optind], "connectivity") != 0 || !j->from || !j->to)
		return usage(false);
	return -1;
}

int rf_cmd_verify(int argc, char **argv)
{
	static struct job job; /* large */
	int code = options(argc, argv, &job), r;

	if (code >= 0)
		return code;
	if (rf_why_world_open(&job.world) < 0)
		return RF_EXIT_USAGE;
	r = rf_why_world_refresh(&job.world);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n", r == -ENOENT ? "no policy has been published yet: everything is denied" : strerror(-r));
		rf_why_world_done(&job.world);
		return RF_EXIT_USAGE;
	}
	job.kernel = rf_kernel_status(job.world.dp, &job.world.instance);
	verify(&job);
	code = finish(&job);
	cJSON_Delete(job.kernel);
	rf_why_world_done(&job.world);
	return code;
}
