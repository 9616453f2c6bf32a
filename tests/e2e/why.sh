#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `why` cannot disagree with what happens: 10 000 random questions in a random world, and some hundreds of them really tried, from inside the
# pods and from outside; it works without an agent; what it suggests validates, and applied really admits.
# WHY_SEED repeats a run; WHY_ASK, WHY_TRY, WHY_POLICIES: how many.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
SEED=${WHY_SEED:-$RANDOM$RANDOM}
echo "seed $SEED"

outside=$RINGFENCE_INSTANCE cable=rfwy$number far=198.51.100.$((number + 1)) node=198.51.100.$number
remove_outside() {
	end_noted "$WORK/server.pid"
	ip netns del "$outside" 2>/dev/null
	ip link del "$cable" 2>/dev/null
}
# What lib.sh does at the end, after ours.
cleanup() {
	remove_outside
	finish "$1"
}
trap 'cleanup $?' EXIT
ip netns add "$outside" && ip link add "$cable" type veth peer name eth0 netns "$outside" && ip addr add "$node/31" dev "$cable" &&
	ip link set "$cable" up && ip -n "$outside" addr add "$far/31" dev eth0 && ip -n "$outside" link set lo up && ip -n "$outside" link set eth0 up &&
	ip -n "$outside" route add default via "$node" || exit 1
echo 1 >"/proc/sys/net/ipv4/conf/$cable/forwarding"
echo 0 >"/proc/sys/net/ipv4/conf/$cable/rp_filter"
spawn server ip netns exec "$outside" python3 "$WORK/tools/server.py" outside 7000/tcp 7001/tcp 7002/tcp 7080/http 7081/http 7443/tcp
await 10 grep -q 'ready, pid' "$WORK/log/server" || { cat "$WORK/log/server" && exit 1; }
mv "$STATE/server.pid" "$WORK/server.pid"

world() {
	python3 "$WORK/tools/why_world.py" "$@"
}

PODS=(shop/front shop/cart bank/pay bank/audit wild/guest)
instance_up
world objects "$SEED" "$far" >"$WORK/world.json"
rf apply -f "$WORK/world.json" >/dev/null || exit 1
for pod in "${PODS[@]}"; do
	rf run -n "${pod%/*}" --name "${pod#*/}" --deployment "$pod" -d -- python3 "$WORK/tools/server.py" "${pod#*/}" 8080/http 8081/http 9000/tcp 9001/tcp \
		5300/udp 5301/udp || exit 1
done
up_and_ready() {
	local pod
	for pod in "${PODS[@]}"; do
		rf logs "$pod" 2>/dev/null | grep -q 'ready, pid' || return 1
	done
}
await 60 up_and_ready || { echo "the pods do not start" && exit 1; }

# try_from NAME OUT: really tries what that source was asked about, of the answers on standard input.
try_from() {
	if [ "$1" = "$far" ]; then
		ip netns exec "$outside" python3 "$WORK/tools/why_world.py" try "$1" >"$2"
	else
		rf exec "$1" -- python3 "$WORK/tools/why_world.py" try "$1" >"$2"
	fi
}

# triers NAME: one for each source, waiting for what to try; so they are there when no agent is.
triers() {
	local source name
	feeds=() tried_files=() trier_pids=()
	for source in "${PODS[@]}" "$far"; do
		name=$WORK/$1.tried.${source//\//_}
		mkfifo "$name.in"
		try_from "$source" "$name" <"$name.in" 9>&- &
		trier_pids+=($!) tried_files+=("$name")
		exec {feed}>"$name.in"
		feeds+=("$feed")
	done
}

# try_picked NAME: everything in $WORK/NAME.picked, and what came of it against what `why` said.
try_picked() {
	local feed pid
	for feed in "${feeds[@]}"; do
		cat "$WORK/$1.picked" >&"$feed"
		exec {feed}>&-
	done
	for pid in "${trier_pids[@]}"; do
		wait "$pid" || { echo "a trier failed" && failures=$((failures + 1)); }
	done
	world judge "$WORK/$1.picked" "${tried_files[@]}" | tee "$WORK/$1.judged"
}

# ask_and_try NAME SEED QUESTIONS TRIES
ask_and_try() {
	world ask "$2" "$3" "$far" >"$WORK/$1.questions"
	local from=${EPOCHREALTIME/./}
	rf why --batch <"$WORK/$1.questions" >"$WORK/$1.answers"
	judge "$1: each question of $3 has an answer" "0 $3" "$? $(wc -l <"$WORK/$1.answers")"
	echo "$3 questions in $(((${EPOCHREALTIME/./} - from) / 1000)) ms"
	world pick "$2" "$4" "$WORK/$1.answers" <"$WORK/$1.questions" >"$WORK/$1.picked"
	try_picked "$1"
	judge "$1: what happens is what why said" "[1-9]* tried, 0 disagree" "$(tail -n 1 "$WORK/$1.judged")"
}

triers alive
ask_and_try alive "$SEED" "${WHY_ASK:-10000}" "${WHY_TRY:-300}"

# ---- names that nobody has ----
expect_now "an unknown account is no denial" "*did you mean 'bank/pay'*" rf why --from bank/pya --to shop/cart:8080
expect_now "its exit code" 2 exit_code_of rf why --from bank/pya --to shop/cart:8080
expect_now "an unknown Service" "*did you mean 'shop/cart'*" rf why --from bank/pay --to cat.shop:80
expect_now "an unknown pod" "*did you mean 'shop/cart'*" rf why --from pod/shop/carr --to shop/cart:8080
expect_now "a Service of another namespace" "*did you mean 'shop/cart'*" rf why --from bank/pay --to cart:80
batch() { rf why --batch <<<"$1"; }
expect_now "a path that is no text is no question about a connection" '{"error":*path*must be a text*' batch '{"from":"bank/pay","to":"shop/cart:8080","path":7}'
expect_now "a wish for UDP that is none" '{"error":*udp*must be true or false*' batch '{"from":"bank/pay","to":"shop/cart:8080","udp":"yes"}'
expect_now "a header that is none" '{"error":*header*A*must be a text*' batch '{"from":"bank/pay","to":"shop/cart:8080","path":"/","headers":{"A":1}}'
expect_now "a Service of several ports" "*several TCP ports (*,*): name one*" rf why --from bank/pay --to cart.shop
expect_now "a source without a destination" 2 exit_code_of rf why --from bank/pay

# ---- what never leaves the pod, and what no pod can send to, is not the policy's ----
expect_now "the pod's loopback" "allowed:*allow-self*" rf why --from pod/bank/pay --to 127.0.0.1:7777
expect_now "the pod's loopback, IPv6" "allowed:*allow-self*" rf why --from bank/pay --to "[::1]:7777"
expect_now "this host" "allowed:*allow-self*" rf why --from bank/pay --to 0.0.0.0:7777 --udp
expect_now "a checker's own port" "denied:*checker-dialed*" rf why --from bank/pay --to bank/pay:15001

# ---- what is suggested is applied, and really admits ----
python3 - "$WORK" "${WHY_POLICIES:-24}" <<'END'
import collections, json, os, sys
work, count = sys.argv[1], int(sys.argv[2])
kinds = collections.defaultdict(list)
for line in open(f"{work}/alive.picked", encoding="utf-8"):
    pair = json.loads(line)
    if not pair["answer"]["allowed"] and "policy" in pair["answer"]:
        kinds[pair["answer"]["answers"][0]["reason"]].append(pair)
chosen = []
while len(chosen) < count and any(kinds.values()):
    chosen += [found.pop() for found in kinds.values() if found]
for number, pair in enumerate(chosen[:count]):
    os.makedirs(f"{work}/suggested", exist_ok=True)
    with open(f"{work}/suggested/{number}.yaml", "w", encoding="utf-8") as out:
        out.write(pair["answer"]["policy"])
    with open(f"{work}/suggested/{number}.question", "w", encoding="utf-8") as out:
        out.write(json.dumps(pair["question"]) + "\n")
    with open(f"{work}/suggested/{number}.reason", "w", encoding="utf-8") as out:
        out.write(pair["answer"]["answers"][0]["reason"])
END
tried=0
for file in "$WORK"/suggested/*.yaml; do
	name=$(basename "$file" .yaml)
	reason=$(<"${file%.yaml}.reason")
	judge "suggestion $name ($reason) validates" "0" "$(exit_code_of rf validate "$WORK/world.json" "$file")"
	rf apply -f "$file" >/dev/null || { echo "cannot apply $file" && cat "$file" && failures=$((failures + 1)); }
	rf why --batch <"${file%.yaml}.question" >"$WORK/after"
	judge "suggestion $name ($reason): why says it is allowed now" "True*" "$(json "str(d['allowed']) + ' ' + d['decision'] + ' ' + str(d.get('missing'))" <"$WORK/after")"
	python3 -c 'import json, sys; print(json.dumps({"question": json.load(open(sys.argv[1])), "answer": json.load(open(sys.argv[2]))}))' \
		"${file%.yaml}.question" "$WORK/after" >"$WORK/s$name.picked"
	try_from "$(json "d['from']" <"${file%.yaml}.question")" "$WORK/s$name.tried" <"$WORK/s$name.picked"
	judge "suggestion $name ($reason): and it is" "1 tried, 0 disagree" "$(world judge "$WORK/s$name.picked" "$WORK/s$name.tried" | tail -n 1)"
	[ "$failures" = 0 ] || cat "$file" "${file%.yaml}.question"
	rf delete -f "$file" >/dev/null || exit 1
	tried=$((tried + 1))
done
judge "suggestions were tried" "[1-9]*" "$tried"

# Behind a split every part has to be admitted, so what is suggested admits every part: here nobody ever is, from outside the mesh.
guest() {
	rf why --from wild/guest --to all.shop:90 -o json
}
judge "both parts of a split are denied" "2 denied" "$(guest | json "str(len(d['answers'])) + ' ' + d['decision']")"
guest | json "d['policy']" >"$WORK/both.yaml"
rf apply -f "$WORK/both.yaml" >/dev/null || failures=$((failures + 1))
judge "one suggestion admits both" "allowed" "$(guest | json "d['decision']")"
rf delete -f "$WORK/both.yaml" >/dev/null || exit 1

# ---- check-pods and verify say the same as why ----
expect_now "check-pods names both pods" "*Pod 'bank/pay'*communicate to pod 'shop/cart'*" rf policy check-pods bank/pay shop/cart
expect_now "check-pods with -n" "*Pod 'shop/front'*" rf policy check-pods -n shop front cart
expect_now "check-pods of nobody" 2 exit_code_of rf policy check-pods bank/pay shop/nobody
expect_now "verify: a closed port, with its suggestion" "*Status: Failure*Suggestion: *kind: TrafficTarget*" \
	rf verify connectivity --from-pod shop/front --to-pod bank/audit --to-ext-port 9000
expect_now "verify: its exit code" 1 exit_code_of rf verify connectivity --from-pod shop/front --to-pod bank/audit --to-ext-port 9000

# ---- permissive mode ----
rf mesh set permissive=true >/dev/null || exit 1
triers permissive
ask_and_try permissive "$SEED permissive" 500 60
rf mesh set permissive=false >/dev/null || exit 1

# ---- without an agent ----
triers dead
triers_wait() {
	local file
	for file in "${tried_files[@]}"; do
		[ -s "$file" ] || return 1
	done
}
await 30 triers_wait || { echo "the triers do not start" && exit 1; }
end_noted "$STATE/agent.pid" KILL
ask_and_try dead "$SEED dead" 500 60
expect_now "verify says that no agent runs" "*[[]i[]] the agent runs*" rf verify connectivity --from-pod shop/front --to-pod bank/audit
