/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter of system calls (seccomp(2), filter mode) written as a table: the first rule that matches decides, what no rule matches gets the
 * table's own answer: allow, or EPERM. System calls of another architecture than the program's own (32-bit ones, x32) are always refused
 * (ENOSYS): their numbers mean something else.
 *
 * Conditions look at the low 32 bits of an argument, which is all that the kernel reads of an int, except RF_ARG_ZERO, which is for
 * pointers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The run-time system of a build with sanitizers needs files, threads and ptrace: such programs do not confine themselves. */
#ifdef __SANITIZE_ADDRESS__
#define RF_SANITIZED 1
#else
#define RF_SANITIZED 0
#endif

enum rf_arg_test {
	RF_ARG_ANY = 0,
	RF_ARG_IS,     /* equal to value */
	RF_ARG_FROM,   /* at least value, unsigned */
	RF_ARG_WITHIN, /* no bit outside value */
	RF_ARG_HAS,    /* every bit of value; value is not 0 */
	RF_ARG_ZERO,   /* all 64 bits are 0 */
};

struct rf_arg_rule {
	uint8_t index; /* 0..5 */
	uint8_t test;  /* enum rf_arg_test */
	uint32_t value;
};

#define RF_ARG_RULES 2
struct rf_syscall_rule {
	int number;
	uint16_t refuse;                       /* 0: allow; the errno */
	struct rf_arg_rule args[RF_ARG_RULES]; /* all must hold */
};

#define RF_SYSCALL_RULES_MAX 128

/* Installs the filter for this thread and all it starts, for ever. Needs no_new_privs or SYS_ADMIN. 0, -E2BIG (more rules than above) or
 * -errno of prctl(2). */
int rf_syscall_filter(const struct rf_syscall_rule *rules, size_t count, bool otherwise_refuse);
