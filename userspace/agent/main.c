/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfenced: the node agent, in the foreground. Ending it, in whatever way, detaches nothing: the kernel goes on with the last revision.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/audit.h"
#include "agent/broker.h"
#include "agent/control.h"
#include "agent/event_text.h"
#include "agent/flow_events.h"
#include "agent/flow_keeper.h"
#include "agent/orphans.h"
#include "agent/pods.h"
#include "core/check.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "source/files.h"

static const char usage[] =
	"ringfenced: the node agent of ringfence, in the foreground\n\n"
	"usage: ringfenced --policies DIR [--mesh-name NAME] [--instance NAME] [--prober-cgroup PATH] [--no-sockd]\n\n"
	"  --policies DIR    directory of *.yaml, *.yml and *.json files; watched\n"
	"  --mesh-name NAME  namespaces labelled openservicemesh.io/monitored-by=NAME are enforced (default: osm)\n"
	"  --instance NAME   which ringfence of this machine (default: $RINGFENCE_INSTANCE or \"ringfence\")\n"
	"  --prober-cgroup PATH\n"
	"                    whose processes may connect to every pod, for health probes: the kubelet's, such as\n"
	"                    /system.slice/kubelet.service (default: $RINGFENCE_PROBER_CGROUP or none)\n"
	"  --no-sockd        never start ringfence-sockd: a systemd unit does\n"
	"  --debug           more log lines\n"
	"  --version, --help\n\n"
	"Environment, the same for every program of an instance:\n"
	"  RINGFENCE_POD_CIDR, RINGFENCE_SERVICE_CIDR    IPv4 ranges (10.201.0.0/16, 10.202.0.0/16)\n"
	"  RINGFENCE_POD_CIDR6, RINGFENCE_SERVICE_CIDR6  IPv6 ranges, each a /96 (fd72:6e67:66:1::/96, fd72:6e67:66:2::/96);\n"
	"                                                \"none\": pods get IPv4 alone\n\n"
	"SIGHUP reads the policies again. SIGTERM ends the agent and leaves the enforcement in place (ringfence uninstall\n"
	"removes it).\n";

uint64_t rf_now_realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void rf_agent_note(struct rf_agent *agent, const char *kind, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	rf_log_info("%s: %s", kind, text);
	(void)rf_events_add(agent->events, RF_EVENT_NOTE, rf_note_render(kind, text, rf_now_realtime_ns()));
}

/* sd_notify(3): a datagram to the socket that $NOTIFY_SOCKET names; a leading @ stands for the abstract name space. */
static void notify_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(sun.sun_path))
		return;
	len = strlen(path);
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sun,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		rf_log_warning(errno, "cannot tell systemd '%s'", state);
}

void rf_agent_set_ready(struct rf_agent *agent)
{
	if (agent->ready)
		return;
	agent->ready = true;
	rf_log_info("ready: revision %u, %zu pods, policies from %s", agent->revision.epoch, agent->pods.count, agent->policies);
	notify_systemd("READY=1");
}

/* A read that keeps failing comes by every second; it is worth a line when its words change. */
static void log_problem(const struct rf_agent *agent)
{
	static char last[512];
	uint64_t since;
	const char *problem = rf_policy_source_problem(agent->source, &since);

	if (strcmp(last, problem ? problem : "") == 0)
		return;
	snprintf(last, sizeof(last), "%s", problem ? problem : "");
	if (problem)
		rf_log_error(0, "%s; the last good policy stays", problem);
	else
		rf_log_info("the policy directory can be read again");
}

static void on_policies(void *arg, enum rf_policy_source_result result)
{
	struct rf_agent *agent = arg;

	log_problem(agent);
	/* The same files are tried again after a failure: its reason may have gone. It keeps and logs its own failures. */
	if (result == RF_READ_CHANGED || (result == RF_READ_SAME && agent->revision.error[0]))
		(void)rf_revision_read(agent, rf_policy_source_snapshot(agent->source));
	if (agent->control)
		rf_control_synced(agent->control);
}

static void on_source(void *arg, int fd, uint32_t events)
{
	struct rf_agent *agent = arg;
	int r = rf_policy_source_dispatch(agent->source);

	(void)fd;
	(void)events;
	if (r < 0) {
		rf_log_error(-r, "the policy source is broken");
		rf_loop_stop(agent->loop, EXIT_FAILURE);
	}
}

static void on_signal(void *arg, int signo)
{
	struct rf_agent *agent = arg;

	if (signo == SIGHUP) {
		(void)rf_policy_source_read(agent->source); /* -EAGAIN: read as soon as the writer is done */
		return;
	}
	rf_log_info("ends; what the kernel enforces stays in force");
	rf_loop_stop(agent->loop, EXIT_SUCCESS);
}

static int make_run_dir(const struct rf_instance *instance)
{
	char pods[PATH_MAX];

	snprintf(pods, sizeof(pods), "%.4000s/pods", instance->run_dir);
	if ((mkdir(instance->run_dir, 0700) < 0 && errno != EEXIST) || (mkdir(pods, 0700) < 0 && errno != EEXIST))
		return rf_log_error(errno, "cannot make %s", pods);
	return 0;
}

static int open_datapath(struct rf_agent *agent)
{
	int r = rf_datapath_open(&agent->instance, &agent->dp);

	if (r == -EBUSY) {
		rf_log_error(0, "another ringfenced serves instance %s already; see: ringfence --instance %s status", agent->instance.name,
			     agent->instance.name);
		return r;
	}
	if (r < 0)
		rf_log_error(0, "cannot set up the kernel side: %s", agent->dp ? rf_datapath_error(agent->dp) : strerror(-r));
	if (r == 0 && rf_datapath_note(agent->dp)[0])
		rf_log_info("%s", rf_datapath_note(agent->dp));
	if (r == 0 && rf_datapath_warning(agent->dp, RF_DATAPATH_WARNING_TAKEOVER)[0])
		rf_log_warning(0, "%s", rf_datapath_warning(agent->dp, RF_DATAPATH_WARNING_TAKEOVER));
	return r;
}

static int watch_signals(struct rf_agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return rf_loop_signals(agent->loop, &set, on_signal, agent, NULL);
}

static int start_parts(struct rf_agent *agent)
{
	int r;

	r = rf_addresses_new(agent->instance.pod_net_be, agent->instance.pod_mask_be, &agent->addresses);
	if (r < 0)
		return rf_log_error(-r, "the pod address range");
	r = rf_events_new(RF_EVENTS_DEFAULT, &agent->events);
	if (r == 0)
		r = rf_loop_new(&agent->loop);
	if (r == 0)
		r = watch_signals(agent);
	if (r < 0)
		return rf_log_error(-r, "cannot start");
	r = open_datapath(agent);
	if (r < 0)
		return r;
	rf_prober_look(agent);
	r = rf_audit_start(agent);
	if (r == 0)
		r = rf_pods_watch(agent);
	if (r == 0)
		r = rf_broker_new(agent, &agent->broker);
	if (r == 0)
		r = rf_flow_events_start(agent);
	if (r == 0)
		r = rf_flows_keep(agent);
	return r < 0 ? rf_log_error(-r, "cannot start") : 0;
}

/* Pods before policies, so that the first revision already has them; the socket last: who finds it finds an agent that is whole. */
static int start(struct rf_agent *agent)
{
	int r = start_parts(agent);

	if (r < 0)
		return r;
	r = rf_pods_adopt(agent);
	if (r == 0)
		r = rf_pods_clear_orphans(agent);
	if (r < 0)
		return rf_log_error(-r, "cannot read the pods of an earlier agent");
	r = rf_policy_files_open(agent->policies, on_policies, agent, &agent->source);
	if (r == 0)
		r = rf_loop_add(agent->loop, rf_policy_source_fd(agent->source), EPOLLIN, on_source, agent, NULL);
	if (r < 0)
		return rf_log_error(-r, "cannot watch %s", agent->policies);
	(void)rf_policy_source_read(agent->source); /* tells its outcome through on_policies */
	r = rf_control_new(agent, &agent->control);
	return r < 0 ? rf_log_error(-r, "cannot listen on %s", agent->instance.control_path) : 0;
}

static void stop(struct rf_agent *agent)
{
	rf_control_free(agent->control);
	rf_broker_free(agent->broker);
	rf_audit_stop(agent);
	rf_loop_free(agent->loop);
	rf_policy_source_close(agent->source);
	rf_registry_done(&agent->pods);
	rf_revision_done(&agent->revision);
	rf_datapath_close(agent->dp);
	rf_events_free(agent->events);
	rf_addresses_free(agent->addresses);
}

/* -1 = go on, otherwise the exit code. */
static int options(int argc, char **argv, struct rf_agent *agent, const char **ret_instance, const char **ret_policies)
{
	static const struct option longs[] = {
		{"policies", required_argument, NULL, 'p'},
		{"mesh-name", required_argument, NULL, 'm'},
		{"instance", required_argument, NULL, 'i'},
		{"no-sockd", no_argument, NULL, 'n'},
		{"prober-cgroup", required_argument, NULL, 'c'},
		{"debug", no_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 'p':
			*ret_policies = optarg;
			break;
		case 'm':
			agent->mesh_name = optarg;
			break;
		case 'i':
			*ret_instance = optarg;
			break;
		case 'c':
			agent->prober.option = optarg;
			break;
		case 'n':
			agent->start_broker = false;
			break;
		case 'd':
			rf_log_setup("ringfenced", RF_LOG_DEBUG);
			break;
		case 'V':
			puts("ringfenced " RF_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!*ret_policies || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

static int set_policies(struct rf_agent *agent, const char *dir)
{
	_cleanup_free_ char *here = dir[0] == '/' ? strdup("") : getcwd(NULL, 0);

	if (!here || snprintf(agent->policies, sizeof(agent->policies), "%s%s%s", here, *here ? "/" : "", dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* Every precondition, each failure with the command that mends it. */
static bool may_start(const struct rf_instance *instance)
{
	static struct rf_check_report report; /* too large for the stack */

	if (rf_check_run(instance, RF_CHECK_FIX | RF_CHECK_STARTING, &report) == 0)
		return true;
	for (size_t i = 0; i < report.count; i++) {
		const struct rf_check_item *item = &report.items[i];

		if (item->level != RF_CHECK_FAIL)
			continue;
		rf_log_error(0, "%s: %s", item->name, item->detail);
		if (item->fix[0])
			rf_log_info("  try: %s", item->fix);
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct rf_agent agent = {.mesh_name = "osm", .start_broker = true};
	const char *instance = NULL, *policies = NULL;
	struct rlimit many = {.rlim_cur = 262144, .rlim_max = 262144};
	char problem[256];
	int r;

	rf_log_setup("ringfenced", RF_LOG_INFO);
	r = options(argc, argv, &agent, &instance, &policies);
	if (r >= 0)
		return r;
	agent.started_ns = rf_now_realtime_ns();
	(void)signal(SIGPIPE, SIG_IGN);        /* a log nobody reads any more is no reason to end */
	(void)setrlimit(RLIMIT_NOFILE, &many); /* a lower limit only means fewer clients and pods */
	r = rf_instance_init(&agent.instance, instance);
	if (r < 0 || set_policies(&agent, policies) < 0) {
		rf_log_error(0, r == -ENOENT ? "no cgroup2 file system is mounted; see: ringfence check"
				: r < 0      ? rf_instance_problem(instance, problem, sizeof(problem))
					     : "the path of the policy directory is too long");
		return EXIT_FAILURE;
	}
	if (setenv("RINGFENCE_INSTANCE", agent.instance.name, 1) < 0) /* for the parts that look it up by themselves */
		return EXIT_FAILURE;
	if (rf_prober_set(&agent.prober, &agent.instance) < 0 || !may_start(&agent.instance))
		return EXIT_FAILURE;
	r = make_run_dir(&agent.instance);
	if (r == 0)
		r = start(&agent);
	if (r == 0)
		r = rf_loop_run(agent.loop);
	stop(&agent);
	return r < 0 ? EXIT_FAILURE : r;
}
