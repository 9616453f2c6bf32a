/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence status: is everything as it should be, and if not, what. Without an agent it says what the kernel goes on enforcing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/kernel_status.h"
#include "cli/table.h"
#include "datapath/datapath.h"

static const char help[] =
	"usage: ringfence status [-o json]\n\n"
	"Is every pod really hooked (what the kernel says), which revision is live, how full are the maps, what is wrong.\n"
	"Without an agent the kernel is asked directly; pods are listed all the same.\n\n"
	"Exit code, the first that holds:\n"
	"  3  a pod or the node has drifted: what the kernel enforces is not what is meant\n"
	"  6  no agent runs or answers; what the kernel enforces is as it was left\n"
	"  4  the policy directory could not be applied; the last good policy stays in force\n"
	"  5  the checker is not ready, and a pod needs it\n"
	"  1  anything else, such as a full table or no broker\n"
	"  0  all is well\n"
	"  2  wrong usage, nothing is installed, or the agent refused to answer\n";

#define ANSWER_S 10 /* an agent that needs longer hangs */

#define EXIT_DRIFT    3
#define EXIT_POLICY   4
#define EXIT_CHECKER  5
#define EXIT_NO_AGENT 6

#define TICK  "\xe2\x9c\x93"
#define CROSS "\xe2\x9c\x97"

/* One part's line; returns ok so that the caller can add it up. */
static bool line(bool ok, const char *part, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool line(bool ok, const char *part, const char *format, ...)
{
	va_list ap;

	printf("%s %-9s ", ok ? TICK : CROSS, part);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	return ok;
}

static const cJSON *member(const cJSON *o, const char *field)
{
	return cJSON_GetObjectItemCaseSensitive(o, field);
}

/* A mesh that is in part not enforced must not look as if it were. */
static void print_audited(const cJSON *config)
{
	const double n = rf_json_number(config, "audited", 0);

	if (n > 0)
		printf("  %-9s what would be denied about %.0f ServiceAccount%s passes and is counted; see: ringfence audit\n", "audit", n,
		       n == 1 ? "" : "s");
}

static bool print_revision(const cJSON *status)
{
	const cJSON *rev = member(status, "revision"), *config = member(status, "config");
	bool ready = rf_json_bool(status, "ready", false);

	line(ready, "agent", "pid %.0f, version %s, mesh %s, since %s%s", rf_json_number(status, "pid", 0),
	     rf_json_text(status, "version", "?"), rf_json_text(status, "mesh", "?"), rf_json_text(status, "started", "?"),
	     ready ? "" : ": NOT READY, no policy of this agent is in force");
	line(cJSON_IsNull(member(status, "error")), "policy", "revision %.0f since %s: %.0f objects in %.0f files of %s",
	     rf_json_number(rev, "epoch", 0), rf_json_text(rev, "since", "(an earlier agent)"), rf_json_number(rev, "objects", 0),
	     rf_json_number(rev, "files", 0), rf_json_text(status, "policies", "?"));
	printf("  %-9s %s, egress %s\n", "mode",
	       rf_json_bool(config, "permissive", false) ? "permissive (TrafficTargets are ignored)" : "deny unless allowed",
	       rf_json_bool(config, "egress", false) ? "open" : "closed");
	print_audited(config);
	return ready && cJSON_IsNull(member(status, "error"));
}

static bool is_live(const cJSON *pod)
{
	return strcmp(rf_json_text(pod, "state", ""), "exited") != 0;
}

static bool checker_missing(const cJSON *pod)
{
	return !rf_json_bool(member(pod, "attest"), "checker_ready", false) && rf_json_bool(pod, "needs_checker", true);
}

static bool pod_is_well(const cJSON *pod)
{
	return !is_live(pod) || (rf_json_bool(pod, "hooked", false) && !checker_missing(pod));
}

/* The kinds, one after the other; what is only a notice does not count. */
static void hooked_text(const cJSON *pod, char *ret, size_t size)
{
	const cJSON *d;
	size_t n = 0;

	snprintf(ret, size, "%s", is_live(pod) ? "yes" : "-");
	cJSON_ArrayForEach(d, member(pod, "drift")) if (!rf_json_bool(d, "notice", false) && n < size) n +=
		(size_t)snprintf(ret + n, size - n, "%s%s", n ? "," : "NO: ", rf_json_text(d, "kind", "?"));
}

static const char *checker_text(const cJSON *pod)
{
	const cJSON *attest = member(pod, "attest");

	if (!attest)
		return "-";
	if (!rf_json_bool(attest, "checker_ready", false))
		return rf_json_text(pod, "checker_error", "NOT READY");
	return "ready";
}

static bool print_pods(const cJSON *pods)
{
	static const char *const titles[] = {"NAMESPACE", "NAME", "SERVICEACCOUNT", "ADDRESS", "MESH", "STATE", "HOOKED", "CHECKER"};
	RF_CLEANUP(rf_table_freep) struct rf_table *table = rf_table_new(titles, RF_ARRAY_SIZE(titles));
	unsigned live = 0, well = 0;
	const cJSON *pod;

	cJSON_ArrayForEach(pod, pods)
	{
		char hooked[512];
		const char *row[] = {rf_json_text(pod, "ns", "?"),
				     rf_json_text(pod, "name", "?"),
				     rf_json_text(pod, "service_account", "?"),
				     rf_json_text(pod, "address", "?"),
				     rf_json_bool(pod, "meshed", false) ? "yes" : "no",
				     rf_json_text(pod, "state", "?"),
				     hooked,
				     checker_text(pod)};

		hooked_text(pod, hooked, sizeof(hooked));
		rf_table_row(table, row);
		live += strcmp(row[5], "exited") != 0;
		well += strcmp(row[5], "exited") != 0 && pod_is_well(pod);
	}
	line(live == well, "pods", "%u of %u hooked and with a checker where one is needed, says the kernel", well, live);
	if (cJSON_GetArraySize(pods))
		rf_table_print(table, stdout, "    ");
	return live == well;
}

static bool print_broker(const cJSON *status)
{
	const cJSON *b = member(status, "broker");
	bool connected = rf_json_bool(b, "connected", false), up = rf_json_number(b, "checker_pid", 0) > 0;

	if (!connected)
		return line(false, "broker", "ringfence-sockd does not answer since %s: requests that are checked one by one fail",
			    rf_json_text(b, "since", "?"));
	return line(up, "broker", "connected; checker %s (pid %.0f, restarted %.0f times), %.0f listeners", up ? "up" : "DOWN",
		    rf_json_number(b, "checker_pid", 0), rf_json_number(b, "restarts", 0), rf_json_number(b, "listeners", 0));
}

/* A kubelet that is not there probes nobody: worth a line, but nothing is broken. */
static void print_prober(const cJSON *status)
{
	const cJSON *p = member(status, "prober");

	if (cJSON_IsObject(p))
		line(true, "prober", "%s %s", rf_json_text(p, "path", "?"),
		     rf_json_bool(p, "found", false) ? "may connect to every pod" : "is not there: no health probe is recognised");
}

static bool print_maps(const cJSON *maps)
{
	bool full = false;
	const cJSON *m;

	cJSON_ArrayForEach(m, maps) full |= rf_json_number(m, "used", 0) >= rf_json_number(m, "max", 1);
	printf("%s %-9s", full ? CROSS : TICK, "maps");
	cJSON_ArrayForEach(m, maps)
		printf(" %s %.0f/%.0f ", rf_json_text(m, "name", "?"), rf_json_number(m, "used", 0), rf_json_number(m, "max", 0));
	putchar('\n');
	return !full;
}

static void print_reasons(const cJSON *reasons, double lost)
{
	const cJSON *r;

	printf("  %-9s", "decided");
	cJSON_ArrayForEach(r, reasons) printf(" %s %.0f ", r->string, r->valuedouble);
	printf("%s", cJSON_GetArraySize(reasons) ? "" : " nothing yet");
	if (lost > 0)
		printf("  (%.0f events lost)", lost);
	putchar('\n');
}

static void print_diags(const char *mark, const cJSON *diags)
{
	const cJSON *d;

	cJSON_ArrayForEach(d, diags)
	{
		const char *file = rf_json_text(d, "file", "");

		printf("  %s ", mark);
		if (*file)
			printf("%s:%.0f:%.0f: ", file, rf_json_number(d, "line", 0), rf_json_number(d, "column", 0));
		puts(rf_json_text(d, "text", ""));
	}
}

static void print_errors(const cJSON *status)
{
	const cJSON *error = member(status, "error"), *warnings = member(status, "warnings");

	if (cJSON_IsObject(error)) {
		printf("Errors, since %s; the last good policy stays in force:\n", rf_json_text(error, "since", "?"));
		if (!cJSON_GetArraySize(member(error, "diags")))
			printf("  %s %s\n", CROSS, rf_json_text(error, "text", "?"));
		print_diags(CROSS, member(error, "diags"));
	}
	if (cJSON_GetArraySize(warnings)) {
		puts("Warnings:");
		print_diags("!", warnings);
	}
}

static int print_json(const cJSON *object)
{
	_cleanup_free_ char *text = cJSON_Print(object);

	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

/* Each with its text once, then what to do: of the node, then of each pod. */
static bool print_drift(const char *who, const cJSON *drift)
{
	bool ok = true;
	const cJSON *d;

	cJSON_ArrayForEach(d, drift)
	{
		bool notice = rf_json_bool(d, "notice", false);

		ok &= notice;
		printf("  %s %s: %s: %s\n", notice ? "!" : CROSS, who, rf_json_text(d, "kind", "?"), rf_json_text(d, "text", "?"));
		if (!notice)
			printf("      %s\n", rf_json_text(d, "help", ""));
	}
	return ok;
}

static void print_all_drift(const cJSON *status)
{
	const cJSON *pod;

	print_drift("this node", member(status, "drift"));
	cJSON_ArrayForEach(pod, member(status, "pods"))
	{
		char who[160];

		snprintf(who, sizeof(who), "pod %s/%s", rf_json_text(pod, "ns", "?"), rf_json_text(pod, "name", "?"));
		print_drift(who, member(pod, "drift"));
	}
}

static void print_repairs(const cJSON *repairs)
{
	const cJSON *r;

	if (!cJSON_GetArraySize(repairs))
		return;
	printf("  %-9s", "repairs");
	cJSON_ArrayForEach(r, repairs) printf(" %s %.0f ", r->string, r->valuedouble);
	putchar('\n');
}

static bool any_drift(const cJSON *status)
{
	const cJSON *pod;

	cJSON_ArrayForEach(pod, member(status, "pods")) if (is_live(pod) && !rf_json_bool(pod, "hooked", false)) return true;
	return cJSON_GetArraySize(member(status, "drift")) > 0;
}

static bool any_checker_missing(const cJSON *status)
{
	const cJSON *pod;

	cJSON_ArrayForEach(pod, member(status, "pods")) if (is_live(pod) && checker_missing(pod)) return true;
	return false;
}

static bool rest_is_well(const cJSON *status)
{
	const cJSON *broker = member(status, "broker"), *m;

	cJSON_ArrayForEach(m, member(status, "maps")) if (rf_json_number(m, "used", 0) >= rf_json_number(m, "max", 1)) return false;
	return rf_json_bool(status, "ready", false) && rf_json_bool(broker, "connected", false) &&
	       rf_json_number(broker, "checker_pid", 0) > 0;
}

static int exit_code(const cJSON *status)
{
	if (any_drift(status))
		return EXIT_DRIFT;
	if (member(status, "agent")) /* only where there is none, and null */
		return EXIT_NO_AGENT;
	if (!cJSON_IsNull(member(status, "error")))
		return EXIT_POLICY;
	if (any_checker_missing(status))
		return EXIT_CHECKER;
	return rest_is_well(status) ? RF_EXIT_OK : RF_EXIT_NO;
}

static int show(const struct rf_instance *instance, const cJSON *status, bool json)
{
	if (json)
		return print_json(status) < 0 ? RF_EXIT_NO : exit_code(status);
	printf("ringfence (instance %s)\n", instance->name);
	print_revision(status);
	print_broker(status);
	print_prober(status);
	print_maps(member(status, "maps"));
	print_reasons(member(status, "reasons"), rf_json_number(status, "events_lost", 0));
	print_repairs(member(status, "repairs"));
	print_pods(member(status, "pods"));
	print_all_drift(status);
	print_errors(status);
	return exit_code(status);
}

static int show_without_agent(const struct rf_instance *instance, bool json)
{
	_cleanup_json_ cJSON *o = NULL;
	struct rf_datapath *dp = NULL;
	int r = rf_datapath_inspect(instance, &dp);

	if (r < 0) {
		fprintf(stderr, "ringfence: the kernel enforces nothing for instance %s: %s\n", instance->name,
			dp ? rf_datapath_error(dp) : strerror(-r));
		rf_datapath_close(dp);
		return RF_EXIT_USAGE;
	}
	o = rf_kernel_status(dp, instance);
	rf_datapath_close(dp);
	if (!o)
		return RF_EXIT_USAGE;
	if (json)
		return print_json(o) < 0 ? RF_EXIT_NO : exit_code(o);
	printf("ringfence (instance %s)\n", instance->name);
	line(false, "agent", "not running, or not answering: nothing follows policy files or new pods");
	line(rf_json_number(member(o, "revision"), "epoch", 0) > 0, "kernel", "goes on enforcing revision %.0f, %s",
	     rf_json_number(member(o, "revision"), "epoch", 0),
	     rf_json_bool(member(o, "config"), "permissive", false) ? "permissive" : "deny unless allowed");
	print_audited(member(o, "config"));
	print_maps(member(o, "maps"));
	print_reasons(member(o, "reasons"), rf_json_number(o, "events_lost", 0));
	print_pods(member(o, "pods"));
	print_all_drift(o);
	return exit_code(o);
}

static int parse(int argc, char **argv, bool *ret_json)
{
	static const struct option longs[] = {{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {}};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return RF_EXIT_OK;
		}
		if (c != 'o' || strcmp(optarg, "json") != 0) {
			fputs(help, stderr);
			return RF_EXIT_USAGE;
		}
		*ret_json = true;
	}
	if (optind == argc)
		return -1;
	fputs(help, stderr);
	return RF_EXIT_USAGE;
}

int rf_cmd_status(int argc, char **argv)
{
	_cleanup_json_ cJSON *status = NULL;
	struct rf_instance instance;
	bool json = false;
	char problem[256];
	int r = parse(argc, argv, &json);

	if (r >= 0)
		return r;
	r = rf_instance_init(&instance, NULL);
	if (r < 0) {
		fprintf(stderr, "ringfence: %s\n",
			r == -ENOENT ? "no cgroup2 file system is mounted; see: ringfence check"
				     : rf_instance_problem(NULL, problem, sizeof(problem)));
		return RF_EXIT_USAGE;
	}
	r = rf_client_exchange_within(&instance, rf_client_request("status"), ANSWER_S, &status);
	if (r < 0) {
		rf_client_explain(&instance, r);
		return r == -ENOENT || r == -EAGAIN ? show_without_agent(&instance, json) : RF_EXIT_USAGE;
	}
	if (!rf_json_bool(status, "ok", false)) {
		fprintf(stderr, "ringfence: %s\n", rf_json_text(status, "error", "the agent refused without saying why"));
		return RF_EXIT_USAGE;
	}
	return show(&instance, status, json);
}
