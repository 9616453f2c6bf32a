#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything of prison.sh again, with pods made as on a kernel before 5.11: mounts changed one at a time, files closed one at a time, the
# network's cookie from a program, the programs sealed in a namespace that is gone.
[ -n "${OLDER_KERNEL:-}" ] || exec env OLDER_KERNEL=1 python3 "$(dirname "$0")/../tools/older.py" bash "$0"
# shellcheck source=tests/evasion/prison.sh
. "$(dirname "$0")/prison.sh"
judge "this was the other way" "*without: mount_setattr*" "$(rf check 2>&1 | grep '^ok    pods ')"
# What a pod may write to is its own: /tmp, /var/tmp, /run, /dev and what hides files of /proc.
judge "no mount of the machine is writable" none "$(in_pod bookthief sh -c "awk '\$6 !~ /^ro/ && \$5 !~ /^\/(tmp|var\/tmp|run|proc|proc\/.*|dev|dev\/.*)\$/ { print \$5 }' /proc/self/mountinfo" | sort -u | grep . || echo none)"
judge "descriptors of the caller that reach the pod" "0 1 2 3 " "$(in_pod bookthief sh -c 'ls /proc/self/fd | tr "\n" " "' 7</dev/null </dev/null)"
