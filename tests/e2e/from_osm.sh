#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the commands of a document as a reader would type them: every fenced block that starts with ```sh run, in order, in one shell, in an
# instance of its own. "```sh run exit=7" says that the block's command ends with that code; without it every command must end with 0.
# usage: tests/e2e/from_osm.sh [DOCUMENT]      (docs/from-osm.md)
set -uo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
DOCUMENT=${1:-$TOP/docs/from-osm.md}
NAME=$(basename "$DOCUMENT" .md | tr 'A-Z_' 'a-z-')

export RINGFENCE_INSTANCE=rftest-docs
export RINGFENCE_POD_CIDR=${RINGFENCE_POD_CIDR:-10.221.0.0/16}
export RINGFENCE_SERVICE_CIDR=${RINGFENCE_SERVICE_CIDR:-10.222.0.0/16}

WORK=$(mktemp -d) || exit 1
chmod 755 "$WORK"
mkdir "$WORK/tmp" "$WORK/blocks"
chmod 755 "$WORK/tmp"
passed=0
failed=0

# Every block becomes a file NNN; its expected exit code is in NNN.exit, its line in the document in NNN.line. What the document calls /tmp
# is a directory of the test's own.
extract() {
	awk -v dir="$WORK/blocks" '
		/^```sh run/ && !inside {
			inside = 1
			file = sprintf("%s/%03d", dir, ++count)
			code = 0
			if (match($0, /exit=[0-9]+/))
				code = substr($0, RSTART + 5, RLENGTH - 5)
			print code > (file ".exit")
			print NR > (file ".line")
			close(file ".exit"); close(file ".line")
			next
		}
		/^```/ && inside { inside = 0; close(file); next }
		inside { gsub("/tmp/", tmp); print > file }
	' tmp="$WORK/tmp/" "$DOCUMENT"
}

# One shell runs all blocks, so that what a block exports or defines is there in the next. A block without exit= stops at its first failure.
reader() {
	cat <<-'TEXT'
		exec 2>&1
		run_block() { set -e; . "$1"; set +e; }
	TEXT
	local block
	for block in "$WORK"/blocks/???; do
		cat <<-TEXT
			echo "block $block"
			on_exit() { echo "code \$?"; }
			trap on_exit EXIT
		TEXT
		if [ "$(cat "$block.exit")" = 0 ]; then
			echo "run_block '$block'; echo 'code 0'"
		else
			echo ". '$block'; echo \"code \$?\""
		fi
	done
	echo 'trap - EXIT'
}

judge() {
	local block code wanted
	for block in "$WORK"/blocks/???; do
		wanted=$(cat "$block.exit")
		code=$(awk -v block="block $block" '$0 == block { here = 1; next } /^block / { here = 0 } here && /^code [0-9]+$/ { print $2 }' "$WORK/out" | tail -n 1)
		if [ "${code:-none}" = "$wanted" ]; then
			passed=$((passed + 1))
			echo "ok      $NAME line $(cat "$block.line"): exit code $wanted"
		else
			failed=$((failed + 1))
			echo "FAILED  $NAME line $(cat "$block.line"): exit code ${code:-none (not reached)}, expected $wanted"
			awk -v block="block $block" '$0 == block { here = 1; next } /^block / { here = 0 } here' "$WORK/out" | tail -n 30 | sed 's/^/    /'
		fi
	done
}

# The document leaves the agent and the broker to their reader; both run in the reader's session.
finish() {
	"$TOP/build/ringfence" uninstall --yes >"$WORK/uninstall" 2>&1
	if [ -s "$WORK/session" ]; then
		local session deadline=$((SECONDS + 10))
		session=$(cat "$WORK/session")
		pkill -TERM -s "$session" 2>/dev/null
		while pgrep -s "$session" >/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
		pkill -KILL -s "$session" 2>/dev/null
	fi
	rm -rf "$WORK"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" -eq 0 ] || { echo "from_osm.sh: needs root" >&2; exit 1; }
extract
[ -e "$WORK/blocks/001" ] || { echo "from_osm.sh: no runnable block in $DOCUMENT" >&2; exit 1; }
reader >"$WORK/reader"
cd "$TOP" || exit 1
# shellcheck disable=SC2016 # expanded by the inner shell
timeout 300 setsid --wait bash -c 'echo $$ >"$1"; exec bash "$2"' reader "$WORK/session" "$WORK/reader" >"$WORK/out" 2>&1 </dev/null
judge
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
