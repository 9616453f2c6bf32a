/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringfence: the command line. A table of commands and nothing else: what a command does is in its own cmd_<name>.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "core/cleanup.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/words.h"
#include "pods/seal.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{"check", rf_cmd_check, "can this machine do it: each missing thing with the command that mends it"},
	{"status", rf_cmd_status, "is every pod really hooked (what the kernel says), revision, map fill, errors"},
	{"validate", rf_cmd_validate, "check policy files offline: file:line:column: message"},
	{"apply", rf_cmd_apply, "put objects into the agent's policy directory, validated first"},
	{"delete", rf_cmd_delete, "take objects out of the agent's policy directory"},
	{"get", rf_cmd_get, "list the objects of one kind"},
	{"namespace", rf_cmd_namespace, "add, remove, ignore or list the namespaces of the mesh"},
	{"mesh", rf_cmd_mesh, "show or set the mesh's options (permissive mode, egress)"},
	{"run", rf_cmd_run, "start a command as a local pod"},
	{"ps", rf_cmd_ps, "list the local pods"},
	{"exec", rf_cmd_exec, "run a command beside a running pod"},
	{"logs", rf_cmd_logs, "what a detached pod wrote"},
	{"stop", rf_cmd_stop, "end a local pod and remove its room"},
	{"why", rf_cmd_why, "would this connection or request be admitted: rule, table entry, what is missing"},
	{"policy", rf_cmd_policy, "check-pods: may one pod talk to another"},
	{"verify", rf_cmd_verify, "connectivity: everything that must be in order between two pods"},
	{"audit", rf_cmd_audit, "what would have been denied where an audit annotation lets it pass"},
	{"observe", rf_cmd_observe, "one line a flow or request, names on both sides, reason"},
	{"uninstall", rf_cmd_uninstall, "list, ask, remove everything ringfence ever attached"},
	{"version", rf_cmd_version, "version of this program, of the agent and of the kernel"},
};

static void print_help(FILE *out)
{
	fputs("ringfence: a service mesh without sidecars, enforced by the Linux kernel\n\n"
	      "usage: ringfence [--instance NAME] COMMAND [ARGUMENT...]\n\n",
	      out);
	for (size_t i = 0; i < RF_ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n  --instance NAME   which ringfence of this machine (default: $RINGFENCE_INSTANCE or \"ringfence\")\n"
	      "ringfence COMMAND --help says more about one command.\n",
	      out);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	struct rf_nearest nearest = rf_nearest_to(name);

	for (size_t i = 0; i < RF_ARRAY_SIZE(commands); i++)
		rf_nearest_offer(&nearest, commands[i].name);
	fprintf(stderr, "ringfence: unknown command '%s'", name);
	if (nearest.best[0])
		fprintf(stderr, "; did you mean '%s'?\n", nearest.best);
	else
		fprintf(stderr, "; see: ringfence help\n");
	return RF_EXIT_USAGE;
}

/* `ringfence help` and `ringfence help COMMAND` (which is COMMAND --help). */
static int help(int argc, char **argv)
{
	char flag[] = "--help";
	char *sub[] = {argc > 1 ? argv[1] : NULL, flag, NULL};
	const struct command *c;

	if (argc < 2) {
		print_help(stdout);
		return RF_EXIT_OK;
	}
	c = find(argv[1]);
	return c ? c->run(2, sub) : unknown_command(argv[1]);
}

/* Consumes leading options; returns how many arguments they took, or -1 after a message. */
static int global_options(int argc, char **argv)
{
	struct rf_instance instance;
	const char *name = NULL;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--instance") == 0 && i + 1 < argc)
			name = argv[++i];
		else if (strncmp(argv[i], "--instance=", 11) == 0)
			name = argv[i] + 11;
		else
			break;
	}
	if (name && rf_instance_init(&instance, name) == -EINVAL) {
		fprintf(stderr, "ringfence: '%s' cannot be an instance's name: at most %d of a-z 0-9 -, not starting with -\n", name,
			RF_INSTANCE_NAME_MAX);
		return -1;
	}
	if (name)
		setenv("RINGFENCE_INSTANCE", name, 1);
	return i - 1;
}

/* What starts processes in pods must not be reachable from there. Who may not seal may not start a pod either, and hears that from there.
 */
static int run_sealed(const struct command *c, char **all, int argc, char **argv)
{
	int r = geteuid() == 0 ? rf_seal_program(all) : 0;

	if (r == 0)
		return c->run(argc, argv);
	fprintf(stderr, "ringfence: cannot protect this program from the pod: %s\n", strerror(-r));
	return RF_EXIT_NO;
}

static bool starts_processes(const struct command *c)
{
	return strcmp(c->name, "run") == 0 || strcmp(c->name, "exec") == 0;
}

int main(int argc, char **argv)
{
	const struct command *c;
	char **all = argv;
	int skip;

	rf_log_setup("ringfence", RF_LOG_INFO);
	skip = global_options(argc, argv);
	if (skip < 0)
		return RF_EXIT_USAGE;
	argc -= skip;
	argv += skip;
	if (argc < 2) {
		print_help(stderr);
		return RF_EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return rf_cmd_version(1, argv);
	c = find(argv[1]);
	if (c && starts_processes(c))
		return run_sealed(c, all, argc - 1, argv + 1);
	return c ? c->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
