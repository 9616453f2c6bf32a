/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells without being asked of things that hooks stand on: interfaces and routes (rtnetlink(7)), pins below bpffs and
 * cgroup directories (inotify(7)). Each only makes the next look come sooner; what nobody tells of (a link that is detached) is found by
 * it, too.
 */
#pragma once

struct rf_agent;

/* fd: the inotify instance, whose reader calls rf_watch_soon. Failures only mean that a change is noticed later. */
void rf_notice_start(struct rf_agent *agent, int inotify_fd);
