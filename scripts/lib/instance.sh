# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Starting and removing one ringfence: the agent in the background, noted in $STATE; it starts broker and checker itself. Needs common.sh.

agent_ready() {
	[ "$(rf status -o json 2>/dev/null | json 'd["ready"]' 2>/dev/null)" = True ]
}

agent_ready_or_gone() {
	agent_ready || ! recall "$STATE/agent.pid" >/dev/null
}

start_agent() {
	spawn agent "$BUILD/ringfenced" --policies "$WORK/policies"
	await 20 agent_ready_or_gone
	if ! agent_ready; then
		printf 'the agent does not become ready; its log:\n' >&2
		tail -n 20 "$WORK/log/agent" >&2
		return 1
	fi
}

start_instance() {
	mkdir -p "$WORK/policies"
	start_agent
}

# Ends every pod and removes everything of the instance. Safe to call at any time, also when nothing or only half of it is there.
remove_instance() {
	rf uninstall --yes --force >>"$WORK/log/uninstall" 2>&1
	local result=$?
	end_noted "$STATE/agent.pid"
	return "$result"
}
