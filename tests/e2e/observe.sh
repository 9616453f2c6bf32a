#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each decision can be seen, one line a flow or request: names on both sides, method and path, the reason, the deciding rule with its file and
# line, bytes and duration. Filters choose, and a reader that hangs or is killed costs the agent nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
instance_up
rf apply -f "$TOP/policies/bookstore/manifests" >/dev/null || exit 1
rf namespace add bookstore bookbuyer bookthief >/dev/null || exit 1
run_server bookstore 3000/http 3001/tcp 3053/udp
run_server bookbuyer 4000/http
run_server bookthief 4001/http
store=$(pod_address bookstore) thief=$(pod_address bookthief)

# lines EXPRESSION [OPTION...]: of how many of the shown lines it is true, as e.
lines() {
	local expression=$1
	shift
	rf observe -o json "$@" 2>/dev/null | python3 -c '
import json, sys
print(sum(1 for line in sys.stdin for e in [json.loads(line)] if eval(sys.argv[1])))' "$expression"
}

# field NAME [OPTION...]: of the last line shown.
field() {
	local name=$1
	shift
	rf observe -o json "$@" 2>/dev/null | tail -n 1 | json "d.get('$name')" 2>/dev/null
}

echo_once() {
	probe "$1" "{\"dial\":\"$2\",\"port\":$3,\"proto\":\"tcp\",\"send\":\"hello\"}" | json "d['connect']"
}

# A refusal is one line.
expect_now "no rule: refused" refused get bookbuyer /api/buy
expect "seen once, with both names" 1 lines \
	"e['verdict'] == 'denied' and e['kind'] == 'connect' and e['source'] == 'bookbuyer/bookbuyer' and e['source_pod'] == 'bookbuyer/bookbuyer' \
	and e['destination'] == 'bookstore/bookstore' and e['destination_service'] == 'bookstore/bookstore'" --reason no-rule
buyer_only
cat >>"$WORK/allowed.yaml" <<'YAML'
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: bookstore}
spec:
  selector: {app: bookstore}
  ports: [{port: 3009, targetPort: 3009, name: tcp-nobody}]
---
apiVersion: specs.smi-spec.io/v1alpha4
kind: TCPRoute
metadata: {name: nobody, namespace: bookstore}
spec: {matches: {ports: [3009]}}
---
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: nobody, namespace: bookstore}
spec:
  destination: {kind: ServiceAccount, name: bookstore, namespace: bookstore}
  sources: [{kind: ServiceAccount, name: bookbuyer, namespace: bookbuyer}]
  rules: [{kind: TCPRoute, name: nobody}]
YAML
rf apply -f "$WORK/allowed.yaml" >/dev/null || exit 1
expect "a request" "200 404" get bookbuyer /api/buy /nothing
expect "allowed, seen with its rule" "[1-9]*" lines "e['path'] == '/api/buy' and e['verdict'] == 'allowed' and '.yaml:' in e['rule'] \
	and e['source_pod'] == 'bookbuyer/bookbuyer' and e['source_address'] and e['bytes'] > 0 and e['duration_ms'] > 0" --kind request
expect "404, seen with its path" "[1-9]*" lines "e['path'] == '/nothing' and e['status'] == 404" --reason no-route
expect "the text form" "*DENIED *bookbuyer/bookbuyer (bookbuyer) -> bookstore/bookstore:3000 (bookstore) *GET /nothing 404 *no-route*" \
	rf observe --verdict denied
expect "and counted by its reason" "[1-9]*" status_of "d['reasons'].get('no-route', 0)"

# A connection is one line: while it is open, and when it is over.
expect "a TCP connection" ok echo_once bookbuyer "$store" 3001
expect "is one line when it is over, with its rule" "1" lines "e['kind'] == 'close' and e['verdict'] == 'allowed' and e['reason'] == 'allow-rule' \
	and '.yaml:' in e['rule'] and e['bytes'] >= 10 and e['duration_ms'] > 0 and e['epoch'] > 0" --port 3001
expect_now "and nothing else" 1 lines "True" --port 3001
expect_now "but with its opening for who wants all" "open close" bash -c "'$BUILD/ringfence' observe --all --port 3001 -o json |
	python3 -c 'import json, sys; print(*(json.loads(line)[\"kind\"] for line in sys.stdin))'"
expect_now "the checker's connection is its requests" 0 lines "e.get('reason') == 'allow-checker'"
expect_now "but with --all" "[1-9]*" lines "e.get('reason') == 'allow-checker'" --all
mkfifo "$WORK/hold"
in_pod bookbuyer python3 "$WORK/tools/hold.py" "$store" 3001 <"$WORK/hold" >"$WORK/held" 2>&1 &
exec {hold}>"$WORK/hold"
expect "a connection that stays open" open cat "$WORK/held"
expect "is seen as open" open field kind --port 3001 --last 1
echo >&"$hold"
exec {hold}>&-
expect "and then as over" close field kind --port 3001 --last 1
expect_now "once" "close close" bash -c "'$BUILD/ringfence' observe --port 3001 -o json |
	python3 -c 'import json, sys; print(*(json.loads(line)[\"kind\"] for line in sys.stdin))'"
expect_now "nobody listens there" refused echo_once bookbuyer "$store" 3009
seen_failed() { [ "$(field verdict --port 3009 --last 1)" = failed ]; }
await 40 seen_failed
expect_now "and the line says that it was allowed and failed" "failed allow-rule" \
	echo "$(field verdict --port 3009 --last 1) $(field reason --port 3009 --last 1)"
datagram() {
	in_pod "$1" python3 "$WORK/tools/datagram.py" "${@:2}" </dev/null
}
expect "datagrams" "servers 1 from $store 3053: *" datagram bookthief "$store" 3053 count=5
expect "are one line while they may go on" "1" lines "e['kind'] == 'open' and e['reason'] == 'allow-datagram'" --protocol udp
rf stop bookthief/bookthief >/dev/null
expect "and when their pod is gone" "1" lines "e['kind'] == 'close' and e['source_pod'] == 'bookthief/bookthief' and e['duration_ms'] > 0" --protocol udp
run_server bookthief 4001/http
thief=$(pod_address bookthief)
expect_now "refused" refused echo_once bookthief "$store" 3001

# Filters: each finds its own and nothing else.
# chosen WHAT EXPRESSION OPTION...: all lines shown fulfil it, and there are some.
chosen() {
	local what=$1 expression=$2
	shift 2
	expect "$what" "[1-9]* 0" sh -c "echo \$(($(lines "$expression" --last 8192 "$@"))) \$(($(lines "not ($expression)" --last 8192 "$@")))"
}
chosen "--from NS" "e['source'] == 'bookthief/bookthief'" --from bookthief
chosen "--from NS/POD" "e['source_pod'] == 'bookbuyer/bookbuyer'" --from bookbuyer/bookbuyer
chosen "--from an address" "e['source_address'].startswith('$thief')" --from "$thief"
chosen "--to NS" "e['destination'] == 'bookstore/bookstore'" --to bookstore
chosen "--to a Service, also by the pods behind it" "e['destination'] == 'bookstore/bookstore'" --to bookstore/bookstore-tcp
chosen "--pod, either end" "'bookstore/bookstore' in (e.get('source_pod'), e.get('destination_pod'))" --pod 'bookstore/book*'
chosen "-n, either end" "'bookthief/bookthief' in (e['source'], e['destination'])" -n bookthief
chosen "--port, two" "e['port'] in (3001, 80)" --port 3001,80
chosen "--protocol http" "e['kind'] == 'request'" --protocol http
chosen "--protocol udp" "e['protocol'] == 'udp'" --protocol udp
chosen "--method" "e['method'] == 'GET'" --method get
chosen "--path, what begins so" "e['path'] == '/api/buy'" --path /api
chosen "--path with a star" "e['path'] == '/nothing'" --path '*thing'
chosen "--verdict, two" "e['verdict'] in ('denied', 'failed')" --verdict denied,failed
chosen "--verdict note" "e['verdict'] == 'note' and e['text']" --verdict note
chosen "--reason" "e['reason'] == 'no-route'" --reason no-route
chosen "--kind" "e['kind'] == 'connect'" --kind connect
chosen "several must all hold" "e['verdict'] == 'denied' and e['source'] == 'bookbuyer/bookbuyer' and e['kind'] == 'request'" \
	--verdict denied --from bookbuyer --protocol http
expect_now "--last counts what matches" 1 lines "e['reason'] == 'no-route'" --reason no-route --last 1
expect_now "--since long ago" "[1-9]*" lines "True" --since 1h --reason no-route
expect_now "--until long ago" 0 lines "True" --until 1h
expect_now "nothing matches: said so" "*no line matches*" rf observe --from nobody

# says WHAT PATTERN OPTION...: refused with that sentence.
says() {
	local what=$1 pattern=$2
	shift 2
	expect_now "$what" "$pattern" rf observe "$@"
	judge "$what: exit code" 1 "$(exit_code_of rf observe "$@")"
}
says "a wrong verdict" "*'dropped' is no verdict: allowed, denied, failed, audit or note*" --verdict dropped
says "a wrong reason" "*'no-rul' is no reason*" --reason no-rul
says "a wrong kind" "*'flow' is no kind of line*" --kind flow
says "a wrong port" "*'http' is no port*" --port http
says "a wrong protocol" "*'sctp' is no protocol*" --protocol sctp
says "a wrong end" "*'Book_Store' is nobody*" --from Book_Store
says "a wrong pod" "*'bookstore' is no pod*" --pod bookstore
says "a wrong path" "*'api' is no path*" --path api
says "a wrong moment" "*--since wants*'yesterday'*" --since yesterday
says "too many" "*--last wants a number of lines, 0 to 8192*" --last 9000

# Forms.
expect_now "wide: with the addresses" "*bookthief/bookthief (bookthief) $thief*-> bookstore/bookstore:3001 (bookstore) $store:3001*no-rule (no *) epoch *" \
	rf observe -o wide --from bookthief --port 3001
judge "the arrows stand below each other" 1 "$(rf observe --kind request,connect | awk '{ print index($0, "->") }' | sort -u | wc -l)"
judge "without a terminal no colours" 0 "$(rf observe --last 8192 | grep -c $'\033')"
judge "with one there are" "[1-9]*" "$(python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$BUILD/ringfence" observe --verdict denied </dev/null | grep -c $'\033\[1;31mDENIED')"

# Whoever follows may be killed, or hang: the agent neither waits nor grows, and who goes on reading is told what it has missed.
rss() { awk '/VmRSS/ { print $2 }' "/proc/$(recall "$STATE/agent.pid")/status"; }
sockets() { find "/proc/$(recall "$STATE/agent.pid")/fd" -lname 'socket:*' | wc -l; }
follow() {
	"$BUILD/ringfence" observe -f -o json --from bookbuyer --last 0 >"$1" 2>&1 9>&- &
	followers+=($!)
}
followers=()
before=$(sockets)
follow "$WORK/killed.out"
follow "$WORK/stopped.out"
follow "$WORK/live.out"
expect "three follow" $((before + 3)) sockets
expect "a request" "200" get bookbuyer /api/buy
for name in killed stopped live; do
	expect "$name: told at once" 1 grep -c '"path":"/api/buy"' "$WORK/$name.out"
done
kill -9 "${followers[0]}"
kill -STOP "${followers[1]}"
expect "the agent lets go of the killed one" $((before + 2)) sockets
grown=$(rss)
# More than the ring, the socket and what is made ready hold.
in_pod bookbuyer python3 - "$store" 3000 20000 <<'PY' || failures=$((failures + 1))
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
sock.settimeout(30)
left, at_once, data = int(sys.argv[3]), 50, b""
while left:
    sock.sendall(b"GET /denied HTTP/1.1\r\nHost: bookstore\r\n\r\n" * at_once)
    got = 0
    while got < at_once:
        data = sock.recv(65536)
        assert data
        got += data.count(b"HTTP/1.1 404")
    left -= at_once
PY
grown=$(($(rss) - grown))
judge "the agent grew by less than 8 MiB" yes "$([ "$grown" -lt 8192 ] && echo yes || echo "no: $grown KiB")"
judge "and answers" "$(recall "$STATE/agent.pid")" "$(status_of "d['pid']")"
kill -CONT "${followers[1]}"
# What the checker could not tell it tells with its next request.
expect "another request" "200" get bookbuyer /api/buy
lost_told() {
	python3 - "$1" <<'PY'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]
print(sum(e["count"] for e in events if e["kind"] == "lost") + sum(1 for e in events if e.get("path") == "/denied"))
PY
}
expect "the stopped one: read and lost are all that were, with nothing in between" 20000 lost_told "$WORK/stopped.out"
expect_now "it has lost some" "[1-9]*" grep -c '"kind":"lost"' "$WORK/stopped.out"
expect "the live one is told of the same" 20000 lost_told "$WORK/live.out"
expect_now "a new reader sees the last of them" "8[01]??" lines "True" --last 8192
kill "${followers[1]}" "${followers[2]}"
wait "${followers[@]}" 2>/dev/null
expect "nobody follows" "$before" sockets

# As many as may ask, and none of them reads: the agent stays small, and after a while one of them makes room for whoever comes.
rested=$(rss)
mkfifo "$WORK/hung"
python3 "$WORK/tools/hung_readers.py" 64 <"$WORK/hung" >"$WORK/hung.out" 2>&1 9>&- &
exec {hung}>"$WORK/hung"
expect "64 readers hang" hang cat "$WORK/hung.out"
grown=$(($(rss) - rested))
judge "they cost less than 128 KiB each" yes "$([ "$grown" -lt 8192 ] && echo yes || echo "no: $grown KiB")"
expect_now "meanwhile nobody else may ask" "*too many clients*" rf status
answers() { [ "$(status_of "d['pid']" 2>/dev/null)" = "$(recall "$STATE/agent.pid")" ]; }
await 30 answers
expect_now "until one of them has to go" "$(recall "$STATE/agent.pid")" status_of "d['pid']"
echo >&"$hung"
exec {hung}>&-
expect "one, not all" 63 tail -n 1 "$WORK/hung.out"
expect "they are gone" "$before" sockets

# The lines are the agent's; of a connection that is older than the agent the kernel still knows why it was admitted.
in_pod bookbuyer python3 "$WORK/tools/hold.py" "$store" 3001 <"$WORK/hold" >"$WORK/held" 2>&1 &
exec {hold}>"$WORK/hold"
expect "a connection" open cat "$WORK/held"
end_noted "$STATE/agent.pid" KILL
start_agent || exit 1
echo >&"$hold"
exec {hold}>&-
expect "is told by the next agent when it ends, with its rule" 1 lines "e['kind'] == 'close' and e['reason'] == 'allow-rule' and '.yaml:' in e['rule']" \
	--port 3001
end_noted "$STATE/agent.pid"
expect_now "no agent: said so" "*no agent answers*" rf observe
