# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Address ranges for tests that may run beside each other, also from several checkouts: a slot is a file that is locked (descriptor 9, which
# nothing that outlives the script may inherit) for the life of a script. Whoever holds slot 84 has 10.84.0.0/16 for pods and 10.85.0.0/16 for
# Services; the file names its instance as long as there may be something of it. The ranges of the product, the demo and tests/conformance
# (10.201 and more) are not among them.
SLOTS=/run/lock
[ -d $SLOTS ] || SLOTS=/tmp
# Four digits for the checkout, for people and for scripts/test, which tells its own instances from those of others by them.
CHECKOUT=$(printf %04x $(($(cksum <<<"$TOP" | cut -d' ' -f1) % 65536)))

# take_slot NAME: sets $number, and exports the instance rfe-CHECKOUT-SLOT-NAME and its ranges; the instance's name is then at most 29 long, so
# that a test may append two characters.
take_slot() {
	local n deadline=$((SECONDS + 250))
	while [ "$SECONDS" -lt "$deadline" ]; do
		for ((n = 84; n < 200; n += 2)); do
			lock_slot "$n" || continue
			number=$n
			export RINGFENCE_INSTANCE=rfe-$CHECKOUT-$n-${1:0:16}
			export RINGFENCE_POD_CIDR=10.$n.0.0/16 RINGFENCE_SERVICE_CIDR=10.$((n + 1)).0.0/16
			echo "$RINGFENCE_INSTANCE" >"$SLOTS/rf-test-slot-$n"
			return
		done
		sleep 0.5
	done
	echo "no range of addresses is free"
	return 1
}

# To be called when nothing of the instance is left.
give_slot() {
	: >"$SLOTS/rf-test-slot-$number"
	exec 9>&-
}

lock_slot() {
	exec 9>>"$SLOTS/rf-test-slot-$1" || return 1
	if flock -n 9 && clear_slot "$1" && ! ip -4 -o route show table all | grep -qE "\<10\.($1|$(($1 + 1)))\."; then
		return 0
	fi
	exec 9>&-
	return 1
}

# clear_slot N: what a holder left that was killed. The slot is locked by us.
clear_slot() {
	local instance
	[ -s "$SLOTS/rf-test-slot-$1" ] || return 0
	read -r instance <"$SLOTS/rf-test-slot-$1"
	RINGFENCE_INSTANCE=$instance "${RINGFENCE_BUILD:-$TOP/build}/ringfence" uninstall --yes --force >/dev/null 2>&1 9>&- || return 1
	[[ $instance != rfe-* ]] || rm -rf -- /tmp/"$instance".*
	: >"$SLOTS/rf-test-slot-$1"
}

# clear_slots: of all that were killed.
clear_slots() {
	local file
	for file in "$SLOTS"/rf-test-slot-*; do
		if [ -s "$file" ] && lock_slot "${file##*-}"; then exec 9>&-; fi
	done
}

# slots_of_others: names of instances of other checkouts that are at work.
slots_of_others() {
	cat "$SLOTS"/rf-test-slot-* 2>/dev/null | grep -v "^rfe-$CHECKOUT-"
}
