# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A network outside the mesh with a server in it, at the other end of a cable from this machine. Sourced after lib.sh.
# shellcheck disable=SC2154 # number is from slot.bash
OUTSIDE=$RINGFENCE_INSTANCE OUTSIDE_CABLE=rfo$number OUTSIDE_NODE=198.51.100.$number
# shellcheck disable=SC2034 # for the tests
FAR=198.51.100.$((number + 1))

# outside_up PORT/KIND...: see tests/tools/server.py. https=CERT stands for a certificate that is made here. Besides FAR the server has every
# address that outside_address gives it.
outside_up() {
	local ports=()
	ip netns add "$OUTSIDE" && ip link add "$OUTSIDE_CABLE" type veth peer name eth0 netns "$OUTSIDE" && ip addr add "$OUTSIDE_NODE/31" dev "$OUTSIDE_CABLE" &&
		ip link set "$OUTSIDE_CABLE" up && ip -n "$OUTSIDE" addr add "$FAR/31" dev eth0 && ip -n "$OUTSIDE" link set lo up &&
		ip -n "$OUTSIDE" link set eth0 up && ip -n "$OUTSIDE" route add default via "$OUTSIDE_NODE" || exit 1
	echo 1 >"/proc/sys/net/ipv4/conf/$OUTSIDE_CABLE/forwarding"
	echo 0 >"/proc/sys/net/ipv4/conf/$OUTSIDE_CABLE/rp_filter"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=outside -keyout "$WORK/outside.pem" -out "$WORK/outside.crt" 2>/dev/null || exit 1
	cat "$WORK/outside.crt" >>"$WORK/outside.pem"
	ports=("${@/https=CERT/https=$WORK/outside.pem}")
	spawn outside ip netns exec "$OUTSIDE" python3 "$WORK/tools/server.py" outside "${ports[@]}"
	# Out of the reach of remove_instance, which knows only what is the instance's.
	mv "$STATE/outside.pid" "$WORK/outside.pid"
	await 30 grep -q 'ready, pid' "$WORK/log/outside" || { cat "$WORK/log/outside" && exit 1; }
}

# outside_address ADDRESS: one more for the server.
outside_address() {
	ip -n "$OUTSIDE" addr add "$1/32" dev lo && ip route add "$1/32" via "$FAR" || exit 1
}

outside_down() {
	[ ! -f "$WORK/outside.pid" ] || end_noted "$WORK/outside.pid"
	ip netns del "$OUTSIDE" 2>/dev/null
	ip link del "$OUTSIDE_CABLE" 2>/dev/null # its routes go with it
}

finish_outside() {
	outside_down
	finish "$1"
}
trap 'finish_outside $?' EXIT
