#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An agent of another version takes over, and back again; between them nobody: SIGTERM leaves everything as it is. All the time a forbidden
# connection is tried, an allowed one carries bytes, and allowed requests are made.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
forbidden_to
# The same program with another word in it; the layout of the tables is the same, so it has to take over what is there.
sed 's/ringfenced 0\.[0-9]\.[0-9]/ringfenced 9.9.9/; s/\x000\.[0-9]\.[0-9]\x00/\x009.9.9\x00/' "$BUILD/ringfenced" >"$WORK/ringfenced-other"
chmod +x "$WORK/ringfenced-other"
judge "the other version" "ringfenced 9.9.9" "$("$WORK/ringfenced-other" --version)"
cp "$BUILD/ringfence-sockd" "$BUILD/ringfence-checker" "$WORK/"

world_up
traffic_access
rf apply -f - >/dev/null <<'YAML' || exit 1
apiVersion: v1
kind: Service
metadata: {name: bookstore-tcp, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{port: 3001, targetPort: 3001, name: tcp-echo}]
YAML
probe_from prober || exit 1
expect "bookbuyer buys" 200 get bookbuyer /api/buy

# load NAME KIND HOST PORT: loads.py in bookbuyer; `ended NAME` ends it and prints the result.
load() {
	mkfifo "$WORK/$1.in"
	in_pod bookbuyer python3 "$WORK/loads.py" "$2" "$3" "$4" <"$WORK/$1.in" >"$WORK/$1.out" 2>&1 &
	exec {fd}>"$WORK/$1.in"
	eval "$1_fd=$fd"
	await 10 grep -qs open "$WORK/$1.out" || { echo "$1 does not start: $(cat "$WORK/$1.out")" && exit 1; }
}

load stream stream "$(pod_address bookstore)" 3001
load alive keepalive "$STORE" 80
load new new "$STORE" 80
links() { for pin in /sys/fs/bpf/"$RINGFENCE_INSTANCE"/links/rf_* /sys/fs/bpf/"$RINGFENCE_INSTANCE"/links/pods/*; do bpftool -j link show pinned "$pin" | json "d['id']"; done | tr "\n" " "; }
before=$(links)
epoch_before=$(epoch)

for program in "$WORK/ringfenced-other" "$BUILD/ringfenced" "$WORK/ringfenced-other" "$BUILD/ringfenced"; do
	end_noted "$STATE/agent.pid" TERM
	tried=$(probed prober) # once: it goes on trying
	[[ $tried =~ ^[0-9]+\ tries$ ]] || complain "no agent: $tried"
	spawn agent "$program" --policies "$WORK/policies"
	soon ready_or_gone
	soon whole || complain "$program: $(trouble)"
	judge "who serves" "@(0.*|9.9.9)" "$(status_of "d['version']")"
done
judge "the number of the revision goes on" True "$([ "$(epoch)" -ge "$epoch_before" ] && echo True)"
judge "no program was detached" "$before" "$(links)"
for name in stream alive new; do
	fd=${name}_fd
	echo end >&"${!fd}"
done
expect "the allowed stream: bytes, broken" "[1-9]* 0" tail -n 1 "$WORK/stream.out"
expect "requests on one connection: requests, broken" "[1-9]* 0" tail -n 1 "$WORK/alive.out"
expect "new connections: requests, broken" "[1-9]* 0" tail -n 1 "$WORK/new.out"
judge "the forbidden one tried all the time" "[1-9]* tries" "$(probed prober)"
