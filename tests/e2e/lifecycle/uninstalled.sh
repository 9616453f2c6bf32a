#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ringfence uninstall: lists, asks on a terminal, takes --yes for an answer and nothing else where there is no terminal, does not end agents or
# pods by accident, and removes everything: of a whole instance, of one whose agent is dead, of a half-made one, after an uninstall that was
# killed at a system call (every STEP-th; LIFECYCLE_LONG=1: at each), and when nothing is there.
# shellcheck source=tests/e2e/lifecycle/lib.sh
. "$(dirname "$0")/lib.sh"
STEP=${LIFECYCLE_STEP:-$([ -n "$LONG" ] && echo 1 || echo 40)}
build_killat
up=1
mkdir -p "$WORK/before"
export LEFTOVERS_ONLY="$RINGFENCE_INSTANCE|10[.]${number}[.]"
"$TOP/tests/leftovers" save "$WORK/before/all" || exit 1
cp "$TOP"/policies/bookstore/manifests/* "$WORK/policies/"

# said COMMAND...: its exit code and all it says in one line.
said() {
	local text code
	text=$("$@" 2>&1 </dev/null)
	code=$?
	echo "$code: $(tr '\n' ' ' <<<"$text")"
}

# on_a_terminal ANSWER: uninstall on a terminal of its own, where somebody types that.
on_a_terminal() {
	python3 - "$BUILD/ringfence" "$1" 9>&- <<'PYTHON'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "uninstall"])
seen = b""
try:
    while b"[y/N]" not in seen and (data := os.read(terminal, 4096)):
        seen += data
    os.write(terminal, sys.argv[2].encode() + b"\n")
    while data := os.read(terminal, 4096):
        seen += data
except OSError:  # the other side is closed
    pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode().replace("\r\n", " "))
PYTHON
}

whole_instance() {
	begin || exit 1
	rf run -n bookthief --service-account bookthief --name here -d -- sleep infinity >/dev/null || exit 1
}

judge "nothing is there" "0: *not installed*" "$(said rf uninstall --yes)"
whole_instance
judge "an agent and a pod: --yes alone is not enough" "1: *pod *bookthief_here*process *ringfenced*an agent runs and there are pods*--force*" "$(said rf uninstall --yes)"
judge "the pod is still there" True "$(status_of "[p['hooked'] for p in d['pods']] == [True]")"
end_noted "$STATE/agent.pid"
judge "a pod: neither" "1: *there are pods*--force*" "$(said rf uninstall --yes)"
judge "nobody to ask" "1: *nobody to ask*--yes*" "$(said rf uninstall --force)"
judge "with pods, by force: it says what happens to them" "0: *bookthief_here: its processes are ended*Removed*" "$(said rf uninstall --yes --force)"
judge "all is gone" "" "$(traces)"
judge "and once more" "0: *not installed*" "$(said rf uninstall --yes)"

begin || exit 1
end_noted "$STATE/agent.pid"
judge "on a terminal: no" "1 *bpf *Remove all this?*" "$(on_a_terminal n)"
[ -d "/sys/fs/bpf/$RINGFENCE_INSTANCE" ] || complain "no is no"
judge "on a terminal: yes" "0 *bpf *Remove all this?*Removed*" "$(on_a_terminal y)"
judge "all is gone" "" "$(traces)"

whole_instance
end_noted "$STATE/agent.pid" KILL
judge "the agent is dead" "0: *Removed*" "$(said rf uninstall --yes --force)"
judge "all is gone" "" "$(traces)"

# What an uninstall leaves that was killed at the worst moments: tables without the program that knows their types, and not all of them.
for remains in "progs/*" "progs/* maps/*s maps/allow maps/config"; do
	begin || exit 1
	end_noted "$STATE/agent.pid" KILL
	# shellcheck disable=SC2086 # patterns
	(cd "/sys/fs/bpf/$RINGFENCE_INSTANCE" && rm $remains) || complain "cannot remove $remains"
	judge "without $remains: an agent starts" yes "$(begin && echo yes)"
	judge "and says what it found" "*were not whole*" "$(status_of "[w['text'] for w in d['warnings']]")"
	end_noted "$STATE/agent.pid"
	rf uninstall --yes --force >"$WORK/log/uninstall" 2>&1 || complain "it cannot be uninstalled"
done

n=$((RANDOM % STEP + 1)) first=$n count=0
while whole_instance; do
	end_noted "$STATE/agent.pid" KILL
	answer=$("$WORK/killat" -w 5000 "$n" "$BUILD/ringfence" uninstall --yes --force 2>&1 9>&- | tail -n 1)
	[[ $answer = killed* ]] || break
	count=$((count + 1)) n=$((n + STEP))
	# A start in between must not be in the way, nor be shut out for good: either it works, or it says what to do, and that works.
	if begin; then
		end_noted "$STATE/agent.pid" KILL
	elif ! tail -n 1 "$WORK/log/agent" | grep -q 'ringfence uninstall'; then
		complain "half uninstalled, $answer: the agent does not start: $(tail -n 1 "$WORK/log/agent")"
	fi
	rf uninstall --yes --force >"$WORK/log/uninstall" 2>&1 || complain "half uninstalled, $answer: $(tail -n 2 "$WORK/log/uninstall")"
	[ -z "$(traces)" ] || complain "half uninstalled, $answer: there is $(traces)"
	[ "$failures" -lt 10 ] || break
done
[ "$count" -ge 3 ] || complain "only $count uninstalls killed: $answer"
echo "ok    uninstall killed at $count system calls, every $STEP from $first; then: $answer"
rf uninstall --yes --force >/dev/null 2>&1
expect "nothing is left on the machine" "nothing was left behind" "$TOP/tests/leftovers" compare "$WORK/before/all"
