/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pod can make a process of ours that is about to exec() in the pod run our own program instead ("#!/proc/self/exe"), and then has the
 * machine's program file as /proc/PID/exe, in the machine's mount, where root may change it (CVE-2019-5736 was that). So the program that
 * starts processes in pods executes itself once more, from a read-only mount of just its file that is nowhere in the tree. Returns 0 when
 * this process runs from a read-only mount (at the second call, so to say), or -errno; otherwise it does not return. argv is main's.
 */
int rf_seal_program(char **argv);
