/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this machine do it? The one implementation of every precondition, for `ringfence check`, the agent before it starts, the demo and the
 * tests. Each item is found out by trying (load a program, mount an overlay, make a link) in a child or a throw-away namespace, never by
 * version numbers, and leaves nothing behind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/instance.h"

enum rf_check_level {
	RF_CHECK_OK,
	RF_CHECK_WARN, /* works, but somebody should know */
	RF_CHECK_FAIL, /* ringfence would not work, or not protect */
};

#define RF_CHECK_TEXT_MAX  512
#define RF_CHECK_ITEMS_MAX 32

struct rf_check_item {
	const char *name; /* static */
	enum rf_check_level level;
	char detail[RF_CHECK_TEXT_MAX];
	char fix[RF_CHECK_TEXT_MAX]; /* a command that mends it; "" if there is none or nothing to mend */
};

struct rf_check_report {
	struct rf_check_item items[RF_CHECK_ITEMS_MAX];
	size_t count;
	size_t failed;
};

enum rf_check_flags {
	RF_CHECK_FIX = 1,      /* mount bpffs if it is missing, and remember that it was us */
	RF_CHECK_STARTING = 2, /* an agent is about to start: one that already runs is a failure, not a remark */
};

/* instance: as rf_instance_init left it, also after its -ENOENT. Returns the number of failed items. */
size_t rf_check_run(const struct rf_instance *instance, unsigned flags, struct rf_check_report *ret);
const char *rf_check_level_name(enum rf_check_level level); /* "ok", "warn", "fail" */

/* Adds an item; NULL only if the report is full, and then failed is counted all the same. For the parts of the check. */
struct rf_check_item *rf_check_add(struct rf_check_report *report, const char *name, enum rf_check_level level, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void rf_check_fix(struct rf_check_item *item, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* bpffs on /sys/fs/bpf. mount: 0 also if it is there already; only one that we mounted ourselves is remembered (<run_dir>/bpffs-mounted).
 * unmount: undoes that; 0 if it was not ours, -ENOTEMPTY if somebody else has pins in it by now (it stays mounted). */
bool rf_check_bpffs_mounted(void);
int rf_check_bpffs_mount(const struct rf_instance *instance);
int rf_check_bpffs_unmount(const struct rf_instance *instance);

/* The pid of the agent that answers on the control socket, 0 if there is none, -1 (and errno) if that cannot be found out. */
int rf_check_agent_pid(const struct rf_instance *instance);
