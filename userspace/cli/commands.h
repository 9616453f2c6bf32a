/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of `ringfence`. Each is called with argv[0] = its own name and returns the exit code:
 *	0  done, and everything is as it should be
 *	1  the answer is "no": a file is invalid, something is not hooked, the agent refused
 *	2  wrong usage, or there was nobody to ask
 * `status` has more, see its --help.
 * `run` and `exec` return the exit code of what they ran. The instance is that of rf_instance_init(&i, NULL): main has put --instance
 * into the environment. Every command knows --help, and -o json where it prints data.
 */
#pragma once

#define RF_EXIT_OK    0
#define RF_EXIT_NO    1
#define RF_EXIT_USAGE 2

int rf_cmd_apply(int argc, char **argv);
int rf_cmd_audit(int argc, char **argv);
int rf_cmd_check(int argc, char **argv);
int rf_cmd_delete(int argc, char **argv);
int rf_cmd_exec(int argc, char **argv);
int rf_cmd_get(int argc, char **argv);
int rf_cmd_logs(int argc, char **argv);
int rf_cmd_mesh(int argc, char **argv);
int rf_cmd_namespace(int argc, char **argv);
int rf_cmd_observe(int argc, char **argv);
int rf_cmd_policy(int argc, char **argv);
int rf_cmd_ps(int argc, char **argv);
int rf_cmd_run(int argc, char **argv);
int rf_cmd_status(int argc, char **argv);
int rf_cmd_stop(int argc, char **argv);
int rf_cmd_uninstall(int argc, char **argv);
int rf_cmd_validate(int argc, char **argv);
int rf_cmd_verify(int argc, char **argv);
int rf_cmd_version(int argc, char **argv);
int rf_cmd_why(int argc, char **argv);
