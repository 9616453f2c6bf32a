#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One request that is two, or another one, depending on who reads it. bookthief may GET /api/buy; its mark is in a request that it may not make.
# The checker's framing tests (tests/unit, tests/fuzz) have many more; these go through the real redirect to a real server.
# shellcheck source=tests/evasion/lib.sh
. "$(dirname "$0")/lib.sh"
hostile_world

# smuggle WHAT REASON STATUSES BYTES
smuggle() {
	attempt "$1" "$2" "$3" in_marked_pod "$4" MARK
}

in_marked_pod() {
	tool bookthief smuggle.py "$STORE" "${1//@/$2}"
}

host="Host: $STORE\\r\\n"
hidden="GET /api/steal?@ HTTP/1.1\\r\\n$host\\r\\n"
buy="GET /api/buy HTTP/1.1\\r\\n$host"

judge "control: an allowed request" 200 "$(in_marked_pod "$buy\\r\\n" none)"
smuggle "a forbidden request" no-route "404" "$hidden"
smuggle "pipelined: allowed, forbidden, allowed" no-route "200 404 200" "$buy\\r\\n$hidden$buy\\r\\n"
smuggle "pipelined: forbidden first" no-route "404 200" "$hidden$buy\\r\\n"
smuggle "Content-Length and Transfer-Encoding" bad-request 400 "${buy}Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "Transfer-Encoding and Content-Length" bad-request 400 "${buy}Transfer-Encoding: chunked\\r\\nContent-Length: 5\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "two different Content-Lengths" bad-request 400 "${buy}Content-Length: 0\\r\\nContent-Length: 200\\r\\n\\r\\n$hidden"
smuggle "a list of Content-Lengths" bad-request 400 "${buy}Content-Length: 0, 200\\r\\n\\r\\n$hidden"
smuggle "Content-Length with a sign" bad-request 400 "${buy}Content-Length: +0\\r\\n\\r\\n$hidden"
smuggle "Content-Length in hexadecimal" bad-request 400 "${buy}Content-Length: 0x0\\r\\n\\r\\n$hidden"
smuggle "an overflowing Content-Length" bad-request 400 "${buy}Content-Length: 18446744073709551616\\r\\n\\r\\n$hidden"
smuggle "Transfer-Encoding that is nearly chunked" bad-request "[45]*" "${buy}Transfer-Encoding: xchunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "Transfer-Encoding with chunked not last" bad-request "[45]*" "${buy}Transfer-Encoding: chunked, identity\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "Transfer-Encoding with a vertical tab" bad-request 400 "${buy}Transfer-Encoding: \\x0bchunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "a space before the colon" bad-request 400 "${buy}Transfer-Encoding : chunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "a folded header" bad-request 400 "${buy}X: a\\r\\n Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n$hidden"
smuggle "bare LF as line ends" bad-request 400 "GET /api/buy HTTP/1.1\\nHost: $STORE\\n\\n$hidden"
smuggle "a bare LF inside the head" bad-request 400 "${buy}X: a\\n\\r\\n$hidden"
smuggle "a bare CR inside a header" bad-request 400 "${buy}X: a\\rTransfer-Encoding: chunked\\r\\n\\r\\n$hidden"
smuggle "NUL inside a header" bad-request 400 "${buy}X: a\\x00\\r\\n\\r\\n$hidden"
smuggle "a chunk size that overflows" bad-request "*" "${buy}Transfer-Encoding: chunked\\r\\n\\r\\n10000000000000000\\r\\n$hidden"
smuggle "a chunk that is longer than it says" bad-request "*" "${buy}Transfer-Encoding: chunked\\r\\n\\r\\n1\\r\\nxx$hidden"
smuggle "a chunk size with a bare LF" bad-request "*" "${buy}Transfer-Encoding: chunked\\r\\n\\r\\n0\\n\\n$hidden"
smuggle "no version: HTTP/0.9" bad-request "*" "GET /api/steal?@\\r\\n\\r\\n"
smuggle "the preface of HTTP/2" bad-request "*" "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n@"
smuggle "TLS" bad-request "*" "\\x16\\x03\\x01\\x00\\xa5@"
smuggle "absolute form" no-route "4*" "GET http://$STORE/api/steal?@ HTTP/1.1\\r\\n$host\\r\\n"
smuggle "CONNECT" - "4*" "CONNECT /api/buy HTTP/1.1\\r\\n$host\\r\\n@"
smuggle "a tunnel by Upgrade on a forbidden path" no-route "404*" "GET /api/steal?@ HTTP/1.1\\r\\n${host}Connection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n"
smuggle "a path that leaves the route" no-route "404*" "GET /api/buy/../steal?@ HTTP/1.1\\r\\n$host\\r\\n"
smuggle "the same encoded" no-route "404*" "GET /api/buy/%2e%2e/steal?@ HTTP/1.1\\r\\n$host\\r\\n"
smuggle "a path encoded twice" bad-path 400 "GET /api/%2562uy?@ HTTP/1.1\\r\\n$host\\r\\n"
