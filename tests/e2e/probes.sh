#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Health probes: what comes from the prober's cgroup reaches every TCP port of a pod, whatever the policy; the same process in another
# cgroup does not; a probe of a closed port fails; the cgroup may go and come back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
ROOT=/sys/fs/cgroup/unified
[ -d $ROOT ] || ROOT=/sys/fs/cgroup
PROBER=$ROOT/$RINGFENCE_INSTANCE-prober
leave_prober() {
	rmdir "$PROBER/deeper" "$PROBER" 2>/dev/null
	finish "$1"
}
trap 'leave_prober $?' EXIT
mkdir "$PROBER"
export RINGFENCE_PROBER_CGROUP=$PROBER
world_up

# from CGROUP PORT: a probe of bookstore's port by a process there
from() {
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$1" python3 "$WORK/tools/probe.py" \
		"{\"dial\":\"$(pod_address bookstore)\",\"port\":$2,\"requests\":[{\"path\":\"/health\"}]}" | json "(d['answers'] or [{'status': d['connect']}])[0]['status']"
}

expect "status names it" "*$RINGFENCE_INSTANCE-prober*" rf status
expect "a probe" 200 from "$PROBER" 3000
expect "the same from another cgroup" refused from "$ROOT" 3000
expect "a closed port" refused from "$PROBER" 3999
mkdir "$PROBER/deeper"
expect "from a cgroup below" 200 from "$PROBER/deeper" 3000
expect "seen" "*allow-probe*" rf observe --verdict allowed --last 20 -o json
traffic_access
rf mesh set permissive=true >/dev/null
expect "under any policy" 200 from "$PROBER" 3000
expect "and permissive mode opens nothing for others" refused from "$ROOT" 3000
rmdir "$PROBER/deeper" "$PROBER"
expect "gone: status says so" "*prober*not*" rf status
mkdir "$PROBER"
expect "back, with another number: probes again" 200 from "$PROBER" 3000
