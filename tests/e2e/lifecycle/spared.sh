#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What says nothing about a pod does not end it: an agent that starts while memory or descriptors are short, a clock that is set back.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"

# The wall clock of a process, an hour back as soon as there is a file.
cat >"$WORK/back.c" <<'C'
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && clock == CLOCK_REALTIME && access(BACK, F_OK) == 0)
		t->tv_sec -= 3600;
	return (int)r;
}
C
gcc -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -DBACK="\"$WORK/back\"" -shared -fPIC -o "$WORK/back.so" "$WORK/back.c" || exit 1

forbidden_to
up=1
cp "$TOP"/policies/bookstore/manifests/* "$WORK/policies/"
export LD_PRELOAD=$WORK/back.so
begin || exit 1
unset LD_PRELOAD
rf namespace add bookthief >/dev/null || exit 1
rf run -n bookthief --service-account bookthief --name stays -d -- sleep infinity >/dev/null || exit 1

# made NAME: a pod that nothing is started in
made() {
	python3 - "$1" <<'PYTHON'
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(f"/run/{os.environ['RINGFENCE_INSTANCE']}/control.sock")
    s.sendall(json.dumps({"op": "pod.create", "ns": "bookthief", "name": sys.argv[1], "service_account": "bookthief"}).encode() + b"\n")
    print(json.loads(s.makefile().readline())["ok"])
PYTHON
}
state_of() {
	status_of "[p['state'] for p in d['pods'] if p['name'] == '$1'] or 'none'"
}
judge "a pod is made" True "$(made waits)"
: >"$WORK/back"
sleep 1.5 # longer than the agent takes to look at all pods
judge "the clock is set back: it still waits" created "$(state_of waits)"
rm "$WORK/back"

init=$(status_of "[p['pid'] for p in d['pods'] if p['name'] == 'stays'][0]")
alive() { if kill -0 "$init" 2>/dev/null; then echo alive; else echo dead; fi; }
ended=0
# Each of the calls that look into a namespace fails, and all after it: in the checks before the start, or while pods are looked at.
for n in {1..6}; do
	end_noted "$STATE/agent.pid" KILL
	strace -f -qq -o /dev/null -e trace=setns -e inject="setns:error=ENOMEM:when=$n+" \
		timeout 3 "$BUILD/ringfenced" --policies "$WORK/policies" >"$WORK/log/short" 2>&1 9>&-
	! grep -q 'cannot look at pod' "$WORK/log/short" || ended=$((ended + 1))
	judge "no memory from setns number $n on: the pod goes on" alive "$(alive)"
done
judge "some of them were about the pod" "[1-9]*" "$ended"
begin || exit 1
judge "the next agent finds it" running "$(state_of stays)"
judge "and it does not get out" no "$(reaches bookthief/stays)"
