#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A file that is wrong changes nothing; status says which one, where, and since when; mending it clears that.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
world_up
traffic_access
expect "bookbuyer buys" 200 get bookbuyer /api/buy
before=$(epoch)

printf 'apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata:\n  name: broken\n  namespace: bookstore\nspec:\n  wrong: 1\n' \
	>"$WORK/broken"
mv "$WORK/broken" "$WORK/policies/broken.yaml"
expect "status names file and line" "broken.yaml:*" \
	status_of "['%s:%s' % (x['file'].rsplit('/', 1)[-1], x['line']) for x in d['error']['diags']][0] if d['error'] else 'no error'"
expect "status says since when" "20*" status_of "d['error']['since']"
expect_now "the revision stays" "$before" epoch
expect_now "traffic stays" 200 get bookbuyer /api/buy
expect_now "denials stay" 404 get bookbuyer /
expect_now "status is not ok" 4 exit_code_of rf status
rm "$WORK/policies/broken.yaml"
expect "mended" None status_of "d['error']"
expect "traffic after that" 200 get bookbuyer /api/buy
