# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the demo prints: titles, commands, expected and actual results, and the count of differences.

steps=0 verified=0 differences=0

step() {
	steps=$((steps + 1))
	printf '\n== %s. %s\n' "$steps" "$1"
}

say() {
	printf '   %s\n' "$*"
}

# perform COMMAND...: shows and runs a command that is expected to succeed.
perform() {
	printf '\n   $ %s\n' "$(shown "$@")"
	local output result
	output=$("$@" 2>&1)
	result=$?
	[ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/     /'
	conclude "success" "$([ "$result" = 0 ] && echo success || echo "exit code $result")"
}

# How a person would type it: the name of the tool instead of our shell function, paths below the checkout without it.
shown() {
	local text=$*
	text=${text/#rf /ringfence }
	[ "$text" != configure_ingress ] || text='ringfence get ingress -o json | scripts/lib/nginx-conf nginx >nginx/nginx.conf'
	text=${text//"$TOP/"/}
	[ -z "$WORK" ] || text=${text//"$WORK/"/}
	echo "$text"
}

# verify COMMAND-AS-SHOWN EXPECTED FUNCTION ARGUMENT...: the function prints what it sees. It is asked again for up to 15 seconds, as a
# server may still be starting; what is expected to be refused must be refused at once, which the functions see to themselves.
verify() {
	local command=$1 expected=$2 actual deadline=$((SECONDS + 15 * ${RINGFENCE_PATIENCE:-1}))
	shift 2
	printf '\n   $ %s\n' "$command"
	while actual=$("$@" 2>&1); [ "$actual" != "$expected" ] && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.2
	done
	conclude "$expected" "$actual"
}

conclude() {
	verified=$((verified + 1))
	printf '     expected  %s\n     actual    %s\n' "$1" "$2"
	if [ "$1" = "$2" ]; then
		printf '     ok\n'
	else
		differences=$((differences + 1))
		printf '     FAIL\n'
	fi
}

totals() {
	printf '\n%s steps, %s results compared, %s differences\n' "$steps" "$verified" "$differences"
	no_difference
}

no_difference() {
	[ "$differences" = 0 ]
}
