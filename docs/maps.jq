# SPDX-License-Identifier: Apache-2.0
# Names for the numbers in ringfence's tables; docs/maps.md says how it is used. Put before a jq program, with the dumps of two tables at
# hand: --slurpfile names (maps/names) and --slurpfile rules (live/rules). jq counts in 53 bits, so an identity (64 bits) is rounded, on both
# sides alike: it may be compared and looked up, but never printed as a number. For little-endian machines.
($names[0] | map({(.formatted.key | tostring): .formatted.value.text}) | add // {}) as $name |
($rules[0] | map(.formatted.value.text)) as $rule |
# 7559244904453728416 | who: "bookstore/bookstore"
def who: if . == 0 then "outside" else $name[tostring] // "unknown" end;
def rule: $rule[.] // "unknown";
def verdict: ["deny", "allow", "checked"][.] // "unknown";
def protocol: {"6": "tcp", "17": "udp"}[tostring] // tostring;
# Half of an IPv6 address's group as text: [0xfd, 0x72] | group: "fd72"
def group: map(("0123456789abcdef" | explode) as $d | [$d[. / 16 | floor], $d[. % 16]] | implode) | add | sub("^0{1,3}"; "");
# {"be": [0, 0, 4294901760, 33606922]} | ip: "10.201.0.2"
def ip:
	[.be[] | (., . / 256, . / 65536, . / 16777216) | floor % 256] as $b
	| if ($b | add) == 0 then "none"
	  elif $b[:12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] then $b[12:] | map(tostring) | join(".")
	  else [range(0; 16; 2) as $i | $b[$i:$i + 2] | group] | join(":")
	  end;
# A counter that each processor has one of.
def all_cpus: [.values[].value] | add;
# Keys and values of a table whose structs bpftool knows.
def entries: .[].formatted;
# The numbers of headers/ringfence/reason.h; docs/reasons.md says what to do about each.
def reason: {
	"0": "unspecified", "1": "allow-rule", "2": "allow-l7", "3": "allow-permissive", "4": "allow-unmeshed", "5": "allow-egress",
	"6": "allow-ingress", "7": "allow-self", "8": "allow-flow", "9": "allow-checker", "10": "allow-probe", "11": "allow-datagram",
	"12": "allow-related", "13": "allow-excluded", "14": "allow-egress-rule", "15": "allow-egress-l7", "16": "allow-audit",
	"32": "no-rule", "33": "no-ingress", "34": "no-egress", "35": "no-route", "36": "route-for-others", "37": "bad-request",
	"38": "bad-path", "39": "no-service", "40": "no-backend", "41": "wrong-authority", "42": "server-name", "64": "no-tag",
	"65": "no-pod", "66": "netns-mismatch", "67": "no-policy", "68": "checker-bypass", "69": "checker-dialed", "70": "checker-down",
	"71": "bound-device", "72": "spoofed-source", "73": "no-flow", "74": "ethertype", "75": "ip-protocol", "76": "malformed",
	"77": "fragment", "78": "ip-options", "79": "address-family", "80": "datagram", "81": "flow-table-full", "82": "socket-storage",
	"83": "upstream-failed", "84": "revoked", "85": "not-addressed", "86": "icmp", "87": "extension-header", "88": "flow-quota",
	"89": "checker-busy", "90": "multicast"
}[tostring] // "unknown";
