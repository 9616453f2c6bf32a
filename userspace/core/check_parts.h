/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of core/check.h that have a file of their own. Each adds one item or more.
 */
#pragma once

#include "core/check.h"

void rf_check_bpf(struct rf_check_report *report);     /* check_bpf.c: load one of every program and map kind */
void rf_check_pods(struct rf_check_report *report);    /* check_pods.c: system calls that pods and checker need */
void rf_check_overlay(struct rf_check_report *report); /* check_kernel.c: mount an overlay in a private mount namespace */
void rf_check_hosts(struct rf_check_report *report);   /* check_kernel.c: is there an /etc/hosts to put a pod's own over */
void rf_check_links(struct rf_check_report *report);   /* check_kernel.c: a veth pair in a throw-away network namespace */
void rf_check_ranges(const struct rf_instance *instance, struct rf_check_report *report);     /* check_range.c */
void rf_check_forwarding(const struct rf_instance *instance, struct rf_check_report *report); /* check_forward.c */
