# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The tutorial in its order. Needs report.sh, demo-world.sh and demo-look.sh.

SHOP_PROCESSES=
INGRESS_PROCESSES=
INGRESS_ADDRESS=

step_machine() {
	step "This machine can do it, and the mesh's agent runs (permissive, as in the tutorial)"
	perform rf check --fix
	no_difference || die "this machine cannot do it yet; see above"
	make_outside || die "cannot make a foreign network namespace"
	start_instance || die "the agent does not start"
	perform rf apply -f "$TOP/policies/bookstore/manifests"
	perform rf mesh set permissive=true
}

run_shop() {
	perform rf run -n "$1" --deployment "$1/$1" --name "$1" -d -- node "$WORK/apps/$1/server.js"
}

step_no_mesh() {
	step "No mesh: the three shops run and everybody reaches them"
	run_shop bookstore
	run_shop bookbuyer
	run_shop bookthief
	verify_direct "page of SHOP"
	verify_between_pods "HTTP 200"
	SHOP_PROCESSES=$(pod_processes bookstore bookbuyer bookthief)
	say "their processes: $SHOP_PROCESSES"
}

monitored() {
	rf namespace list -o json | json "' '.join(sorted(n['name'] for n in (d['namespaces'] if isinstance(d, dict) else d) if n['meshed']))"
}

step_namespaces() {
	step "The namespaces join the mesh: closed from outside, open between the pods, and no pod is restarted"
	perform rf namespace add bookstore bookbuyer bookthief
	verify "ringfence namespace list" "bookbuyer bookstore bookthief" monitored
	verify_direct refused
	verify_between_pods "HTTP 200"
	verify_same_processes
}

# The configuration comes from the Ingress objects the agent holds, as an ingress controller would make it.
configure_ingress() {
	rf get ingress -o json | python3 "$TOP/scripts/lib/nginx-conf" "$WORK/nginx" >"$WORK/nginx/nginx.conf"
}

step_ingress() {
	step "Access from outside: an nginx ingress outside the mesh, and IngressBackends that name it"
	perform rf apply -f "$TOP/policies/bookstore/ingress"
	perform configure_ingress
	perform rf run -n ingress-nginx --deployment ingress-nginx/osm-nginx-ingess-ingress-nginx-controller --name controller -d -- \
		"$(command -v nginx)" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf"
	INGRESS_ADDRESS=$(pod ingress-nginx address)
	verify_through_ingress
	verify_direct refused
	INGRESS_PROCESSES=$(pod_processes ingress-nginx)
	verify_same_processes
}

step_permissive_off() {
	step "Permissive mode off: nobody reaches bookstore without a rule"
	perform rf mesh set permissive=false
	verify_between_pods refused
	verify_says bookbuyer now "I cannot buy books: connect ECONNREFUSED"
	verify_says bookthief now "I cannot steal books: connect ECONNREFUSED"
	verify_says bookthief purchase "I cannot buy books: connect ECONNREFUSED"
}

step_traffic_access() {
	step "Traffic access: a TrafficTarget and its HTTPRouteGroup let both buy and steal"
	perform rf apply -f "$TOP/policies/bookstore/traffic-access"
	verify_between_pods "HTTP 200"
	verify_says bookbuyer now "I bought a book."
	verify_says bookthief now "I stole a book."
	verify_says bookthief purchase "I bought a book."
}

steal_twice() {
	local before
	before=$(counter books-stolen)
	says bookthief now >/dev/null
	says bookthief now >/dev/null
	echo $(($(counter books-stolen) - before)) stolen
}

step_no_stealing() {
	step "steal-books commented out: bookthief gets 404 on /api/steal and still buys"
	mkdir -p "$WORK/traffic-access"
	sed 's/^\( *\)- steal-books$/\1# - steal-books/' "$TOP/policies/bookstore/traffic-access/traffic-target.yaml" \
		>"$WORK/traffic-access/traffic-target.yaml"
	say "$(diff "$TOP/policies/bookstore/traffic-access/traffic-target.yaml" "$WORK/traffic-access/traffic-target.yaml" | grep '^[<>]' | tr '\n' ' ')"
	perform rf apply -f "$WORK/traffic-access"
	local url=http://bookstore.bookstore.svc.cluster.local thief
	thief="ringfence exec bookthief/bookthief --"
	verify "$thief curl $url/api/steal" "HTTP 404" look pod_exec bookthief -- "$url/api/steal"
	verify "$thief curl $url/api/buy" "HTTP 200" look pod_exec bookthief -- "$url/api/buy"
	verify_says bookthief now "You cannot steal more books!"
	verify_says bookthief purchase "I bought a book."
	verify_says bookbuyer now "I bought a book."
	verify "two more visits to bookthief; how many books did bookstore lose?" "0 stolen" steal_twice
}

step_policies_deleted() {
	step "The policies are deleted: closed again"
	perform rf delete -f "$TOP/policies/bookstore/traffic-access"
	verify_between_pods refused
	verify_says bookbuyer now "I cannot buy books: connect ECONNREFUSED"
	verify_says bookthief now "I cannot steal books: connect ECONNREFUSED"
}

step_same_processes() {
	step "In all this no process was restarted"
	verify_same_processes
	verify "ps   # with start times: nor the ingress" "$INGRESS_PROCESSES" pod_processes ingress-nginx
}

show_urls() {
	local shop resolve=''
	printf '\n== Left running, to look at. End it with: scripts/demo --stop\n'
	for shop in bookstore bookbuyer bookthief; do
		say "curl --resolve $shop.example:80:$INGRESS_ADDRESS http://$shop.example/"
		resolve+=" $shop.example"
	done
	say "with a browser on another computer:"
	say "  ssh -L 8080:$INGRESS_ADDRESS:80 $(id -un)@$(hostname)"
	say "  add to its hosts file:  127.0.0.1$resolve"
	say "  then open:  http://bookthief.example:8080/   (and bookbuyer, bookstore)"
	say "comment steal-books out and see bookthief's page change:"
	say "  RINGFENCE_INSTANCE=$RINGFENCE_INSTANCE $BUILD/ringfence apply -f DIRECTORY-WITH-YOUR-COPY"
	say "policy files: $WORK/policies"
}
