# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# How the demo looks at the world: every function prints one short line that `verify` compares with what is expected.

# look [PREFIX...] -- CURL-ARGUMENT...: what a visitor gets. PREFIX puts curl somewhere else (outside, a pod).
#	"page of NAME"   one of the shops answered
#	"refused"        the connection was refused, and at once: a refusal that takes a second is reported with its time
look() {
	local prefix=() output status started ended
	while [ "$1" != -- ]; do
		prefix+=("$1")
		shift
	done
	shift
	started=$(date +%s%N)
	output=$("${prefix[@]}" curl --silent --show-error --verbose --max-time 5 --write-out '\nstatus %{http_code}\n' "$@" 2>&1)
	status=$?
	ended=$(date +%s%N)
	describe "$status" "$output" $(((ended - started) / 1000000))
}

describe() {
	local status=$1 output=$2 milliseconds=$3 http
	http=$(sed -n 's/^status \([0-9]*\)$/\1/p' <<<"$output" | tail -n 1)
	case $status in
	0)
		if [ "$http" = 200 ] && grep -q '^<h1>\|<header><h1>' <<<"$output"; then
			echo "page of $(sed -n 's/.*<h1>\(.*\)<\/h1>.*/\1/p' <<<"$output")"
		else
			echo "HTTP $http"
		fi
		;;
	7)
		if ! grep -q 'Connection refused' <<<"$output"; then
			grep -o 'failed: .*' <<<"$output" | head -n 1
		elif [ "$milliseconds" -gt $((1500 * ${RINGFENCE_PATIENCE:-1})) ]; then
			echo "refused after $milliseconds ms"
		else
			echo refused
		fi
		;;
	28) echo "timed out" ;;
	52 | 56) echo "closed without an answer" ;;
	*) echo "curl exit code $status: $(tail -n 3 <<<"$output" | tr '\n' ' ')" ;;
	esac
}

# field ID: one line of a shop's page on stdin, without what changes from visit to visit.
field() {
	sed -n "s/.*id=\"$1\">\(.*\)<\/\(p\|td\)>.*/\1/p" | sed -e 's/ The store has .*//' -e 's/ECONNREFUSED .*/ECONNREFUSED/' -e 's/&#39;/'"'"'/g'
}

# says SHOP ID: that line of the shop's page, as visitors see it through the ingress.
says() {
	curl --silent --max-time 10 --resolve "$1.example:80:$INGRESS_ADDRESS" "http://$1.example/" | field "$2"
}

counter() {
	says bookstore "$1"
}

pod_url() {
	local port
	case $1 in bookstore) port=3000 ;; bookbuyer) port=4000 ;; bookthief) port=4001 ;; esac
	echo "http://$(pod "$1" address):$port/"
}

# From the host, and from a foreign machine, straight to the pods: expected for all three shops.
verify_direct() {
	local expected=$1 shop url
	for shop in bookstore bookbuyer bookthief; do
		url=$(pod_url "$shop")
		verify "curl $url   # from this machine" "${expected/SHOP/$shop}" look -- "$url"
		verify "curl $url   # from a foreign network" "${expected/SHOP/$shop}" look outside -- "$url"
	done
}

verify_through_ingress() {
	local shop
	for shop in bookstore bookbuyer bookthief; do
		verify "curl --resolve $shop.example:80:$INGRESS_ADDRESS http://$shop.example/" "page of $shop" \
			look -- --resolve "$shop.example:80:$INGRESS_ADDRESS" "http://$shop.example/"
	done
	verify "curl --resolve bookbuyer.example:80:$INGRESS_ADDRESS http://bookbuyer.example/   # from a foreign network" "page of bookbuyer" \
		look outside -- --resolve "bookbuyer.example:80:$INGRESS_ADDRESS" http://bookbuyer.example/
}

# Inside the pods: what bookbuyer and bookthief get when they ask bookstore by its service name.
verify_between_pods() {
	local expected=$1 url=http://bookstore.bookstore.svc.cluster.local
	verify "ringfence exec bookbuyer/bookbuyer -- curl $url/api/buy" "$expected" look pod_exec bookbuyer -- "$url/api/buy"
	verify "ringfence exec bookthief/bookthief -- curl $url/api/steal" "$expected" look pod_exec bookthief -- "$url/api/steal"
}

# SHOP ID EXPECTED
verify_says() {
	verify "curl --resolve $1.example:80:$INGRESS_ADDRESS http://$1.example/ | grep 'id=\"$2\"'" "$3" says "$1" "$2"
}

verify_same_processes() {
	verify "ps   # with start times: nothing was restarted" "$SHOP_PROCESSES" pod_processes bookstore bookbuyer bookthief
}
