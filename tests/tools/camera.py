#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""camera.py: what really arrives at a pod. Prints "rolling", then one line for every frame that enters by eth0, of whatever protocol:
"ETHERTYPE PROTOCOL SOURCE>DESTINATION FLAGS CONTENT"; ports and TCP flags where there are such, the content's printable characters,
with TCP's options and with what stands behind the packet's end.
IPv6 addresses with ports stand in brackets; PROTOCOL is then the first next header."""
import socket
import struct

ETH_P_ALL = 3
FLAGS = "FSRPAU"


def content(data):
    return "".join(chr(c) if 32 < c < 127 else "." for c in data)


def ipv4(packet):
    header = (packet[0] & 15) * 4
    protocol, fragment = packet[9], struct.unpack_from("!H", packet, 6)[0]
    source, destination = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
    return transport(protocol, source, destination, packet[header:], fragment & 0x1FFF == 0)


def ipv6(packet):
    source, destination = (f"[{socket.inet_ntop(socket.AF_INET6, packet[at : at + 16])}]" for at in (8, 24))
    return transport(packet[6], source, destination, packet[40:], True)


def transport(protocol, source, destination, rest, first):
    if protocol not in (6, 17) or not first or len(rest) < 8:
        return f"{protocol} {source}>{destination} - {content(rest)}"
    sport, dport = struct.unpack_from("!HH", rest)
    flags, data = "-", rest[8:]
    if protocol == 6 and len(rest) >= 20:
        flags = "".join(name for bit, name in enumerate(FLAGS) if rest[13] & 1 << bit) or "-"
        data = rest[20:]  # and the options before it
    return f"{protocol} {source}:{sport}>{destination}:{dport} {flags} {content(data)}"


def main():
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind(("eth0", ETH_P_ALL))
    print("rolling", flush=True)
    while True:
        frame, address = sock.recvfrom(65536)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        (ethertype,) = struct.unpack_from("!H", frame, 12)
        if ethertype == 0x0800 and len(frame) >= 34:
            print(f"{ethertype:04x} {ipv4(frame[14:])}", flush=True)
        elif ethertype == 0x86DD and len(frame) >= 54:
            print(f"{ethertype:04x} {ipv6(frame[14:])}", flush=True)
        else:
            print(f"{ethertype:04x} - - - {content(frame[14:])}", flush=True)


main()
