#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which hooks a pod's interface really has: tcx links from 6.6 on, clsact filters below; and how a refused connect() ends.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
world_up

# Versions only say here what to expect; ringfence itself tries.
at_least() {
	printf '%s\n%s\n' "$1" "$(uname -r)" | sort -V -C
}

# The host's end of bookstore's cable.
interface() {
	ip -o route get "$(pod_address bookstore)" | sed -n 's/.* dev \([^ ]*\).*/\1/p'
}

filters() {
	tc filter show dev "$(interface)" "$1" | grep -oE 'rf_(from|to)_pod' | sort -u | tr '\n' ' '
}

# Links that live as long as their pins; filters have none.
pinned_links() {
	find "/sys/fs/bpf/$RINGFENCE_INSTANCE/links/pods" -type f | wc -l
}

first_errno() {
	in_pod bookthief python3 -c 'import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], 80), 5)
    print("connected")
except OSError as error:
    print(errno.errorcode.get(error.errno, error))' "$STORE"
}

if at_least 6.6; then
	expect_now "tcx links of three pods" 6 pinned_links
	expect_now "no filter, from the pod" "" filters ingress
	expect_now "no filter, to the pod" "" filters egress
else
	expect_now "no tcx link" 0 pinned_links
	expect_now "a filter, from the pod" "rf_from_pod " filters ingress
	expect_now "a filter, to the pod" "rf_to_pod " filters egress
fi
refused=EPERM
at_least 5.18 && refused=ECONNREFUSED
expect "a connect that is not allowed" "$refused" first_errno
expect_now "every pod is hooked, says the kernel through status" True status_of "all(p['hooked'] for p in d['pods'])"
