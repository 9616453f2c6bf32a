/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a child with its signals passed on: the whole life of a pod's init (PID 1 of pid_namespaces(7)), and what `run` and `exec` do
 * in the foreground.
 */
#pragma once

#include <signal.h>
#include <sys/types.h>

/* Blocks the signals rf_init_wait passes on, and SIGCHLD. Before the child is made, so that none is lost. ret_old may be NULL. */
void rf_init_block(sigset_t *ret_old);
/* Undoes that, and every disposition, in a child about to exec(). */
void rf_init_reset(void);
/* Waits until `child` ends, passes TERM INT HUP QUIT USR1 USR2 WINCH on to it, and (reap_all: as PID 1) reaps every other child. Returns 0
 * and the wait status. */
int rf_init_wait(pid_t child, int reap_all, int *ret_status);
/* A shell's exit code for a wait status: 128 + signal. */
int rf_init_exit_code(int status);
