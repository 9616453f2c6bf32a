# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests/e2e/run and tests/evasion/run: scripts that run beside each other, each with a bound, what each one says printed whole when it ends.
RUNS=$(mktemp -d) || exit 1
running=()
trap 'rm -rf "$RUNS"' EXIT
trap 'end_runs' INT TERM

# run_all JOBS FUNCTION NAME...: "FUNCTION NAME LOG" for every name, so many at once; then one by one those whose NAME.sh says "# Runs alone:"
# and why. The function calls run_script and may append to files in $RUNS; it prints through say_whole.
run_all() {
	local jobs=$1 function=$2 name alone=()
	shift 2
	for name in "$@"; do
		if grep -q '^# Runs alone: ' "$name.sh"; then alone+=("$name"); else begin_run "$jobs" "$function" "$name"; fi
	done
	wait
	for name in "${alone[@]}"; do
		begin_run 1 "$function" "$name"
	done
	wait
}

begin_run() {
	while mapfile -t running < <(jobs -pr) && [ ${#running[@]} -ge "$1" ]; do
		wait -n
	done
	(
		trap - EXIT
		log=$(mktemp "$RUNS/log.XXXXXX") && "$2" "$3" "$log"
	) &
}

# run_script NAME SECONDS LOG: the script's exit code, 124 or 137 if it did not end in time. It gets a SIGTERM first, and has half a minute
# then to remove what it made; whatever it started is in its group and goes with it, and the remains of its instance are removed.
run_script() {
	local pid code
	timeout --kill-after=30 "$2" bash "./$1.sh" >"$3" 2>&1 </dev/null &
	pid=$!
	trap 'kill -TERM $pid; wait $pid; exit 143' INT TERM
	wait "$pid"
	code=$?
	case $code in
	124) echo "it did not end within $2 s" >>"$3" ;;
	137) echo "it did not end within $2 s, nor when told to" >>"$3" && clear_slots ;;
	esac
	return "$code"
}

# say_whole COMMAND...: nobody's output in the middle of another's.
say_whole() {
	{
		flock 8
		"$@"
	} 8>>"$RUNS/lock"
}

end_runs() {
	trap '' INT TERM
	local pids
	mapfile -t pids < <(jobs -p)
	[ ${#pids[@]} = 0 ] || kill -TERM "${pids[@]}" 2>/dev/null
	wait
	exit 143
}
