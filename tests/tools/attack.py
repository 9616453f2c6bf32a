#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""attack.py NAME [KEY=VALUE]...: one hostile attempt on the network, from wherever it is started. Prints one word for what the attacker saw
("connected", "sent", "refused", "timeout", "EPERM", ...). The victim's side is judged by tests/tools/camera.py, not by us.

tcp     to=ADDRESS port=N mark=TEXT [family=6] [protocol=mptcp] [fastopen=1] [from=ADDRESS] [sport=N] [device=NAME] [somark=N] [options=HEX] [size=BYTES]
udp     to=ADDRESS port=N mark=TEXT [how=connected|sendto|sendmsg|other|many|cork|more|unspec|segments|from] [family=6] [lite=1] [sport=N] [size=BYTES] [wait=1: for an answer]
        [source=ADDRESS: for how=from, IP_PKTINFO]
        [options=HEX: a hop-by-hop header of an IPv6 socket]
talk    to=ADDRESS port=N: a connected UDP socket; sends each line of standard input and prints what came of it
packet  to=ADDRESS mark=TEXT [via=raw|link] [protocol=N] [port=N] [sport=N] [flags=SAFR] [source=ADDRESS] [options=HEX] [sum=bad] [fragment=N]
        [vlan=N] [ethertype=HEX] [long=N: bytes that UDP's length says too much] [type=N: of ICMP] [quote=SOURCE,PORT,DESTINATION,PORT,PROTOCOL: the packet that an ICMP error is about]
        An IPv6 address makes an IPv6 packet; chain=N,N... puts these extension headers in front, length=N lies about the payload's
        hide=behind|options: the mark stands behind the packet's end, or in TCP's options; no payload
inject  to=ADDRESS port=N dial=ADDRESS [dialport=N] mark=TEXT via=raw|link [flags=SAFR] [sum=bad] [hide=behind|options]: a request in the middle of a connection that the
        checker has open
"""
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
import time

ANSWER_SECONDS = 1.0 * min(6, int(os.environ.get("RINGFENCE_PATIENCE", "1")))  # some attempts end by it
SO_MARK, SO_BINDTODEVICE, MSG_FASTOPEN = 36, 25, 0x20000000
IPPROTO_MPTCP, IPPROTO_UDPLITE = 262, 136
UDP_CORK, UDP_SEGMENT = 1, 103
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def outcome(error):
    if isinstance(error, TimeoutError):
        return "timeout"
    if error.errno == errno.ECONNREFUSED:
        return "refused"
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return "reset"
    return errno.errorcode.get(error.errno, str(error))


# ---- sockets ----


def place(a, key="to"):
    """An address for the family asked for: v4-mapped if the victim only has IPv4."""
    text = a[key]
    return f"::ffff:{text}" if a.get("family") == "6" and ":" not in text else text


def stream_socket(a):
    family = socket.AF_INET6 if a.get("family") == "6" or is_six(a["to"]) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP if a.get("protocol") == "mptcp" else 0)
    sock.settimeout(ANSWER_SECONDS)
    if "device" in a:
        sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, a["device"].encode() + b"\0")
    if "somark" in a:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(a["somark"], 0))
    if "options" in a:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex(a["options"]))
    if "from" in a or "sport" in a:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if a.get("foreign"):
            sock.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
        sock.bind((place(a, "from") if "from" in a else "", int(a.get("sport", 0))))
    return sock


def tcp(a):
    sock, mark, to = stream_socket(a), a["mark"].encode() + b"\r\n\r\n", (place(a), int(a["port"]))
    mark += b"." * (int(a.get("size", 0)) - len(mark))
    if a.get("fastopen"):
        sock.settimeout(None)  # or it would only begin
        sock.sendto(mark, MSG_FASTOPEN, to)
        sock.settimeout(ANSWER_SECONDS)
    else:
        sock.connect(to)
        sock.sendall(mark)
    sock.shutdown(socket.SHUT_WR)
    answer = sock.recv(4096)
    return f"connected, answered {len(answer)}" if answer else "connected, closed"


def is_six(text):
    return ":" in text


def datagram_socket(a):
    family = socket.AF_INET6 if a.get("family") == "6" or is_six(a["to"]) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM, IPPROTO_UDPLITE if a.get("lite") else 0)
    sock.settimeout(ANSWER_SECONDS)
    if "somark" in a:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(a["somark"], 0))
    if "options" in a:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, bytes.fromhex(a["options"]))
    if "sport" in a:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", int(a["sport"])))
    return sock


def talk(a):
    sock = datagram_socket(a)
    sock.connect((place(a), int(a["port"])))
    print("open", flush=True)
    for line in sys.stdin:
        try:
            sock.send(line.strip().encode())
            print("answered" if sock.recv(65536) else "empty", flush=True)
        except OSError as error:
            print("silent" if isinstance(error, TimeoutError) else outcome(error), flush=True)
    return "ended"


def itself(a):
    return place({**a, "to": own_address6() if is_six(a["to"]) else own_address()}), 9


def cork(a, sock, mark, to):
    """One datagram in two pieces, the second with another destination."""
    sock.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 1)
    sock.sendto(b"begun-", itself(a))
    sock.sendto(mark, to)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 0)


def more(a, sock, mark, to):
    sock.sendto(b"begun-", socket.MSG_MORE, itself(a))
    sock.sendto(mark, to)


def unspec(a, sock, mark, to):
    """Connected to where that is allowed, then disconnected."""
    sock.connect(itself(a))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(sock.fileno(), bytes(16), 16):
        raise OSError(ctypes.get_errno(), "AF_UNSPEC")
    sock.sendto(mark, to)


def segments(a, sock, mark, to):
    """Many datagrams of one call, cut by the kernel or the card."""
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 400)
    sock.sendto((mark + b"." * (400 - len(mark))) * 5, to)


def from_source(a, sock, mark, to):
    if is_six(a["to"]):
        return sock.sendmsg([mark], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, binary(a["source"]) + bytes(4))], 0, to)
    sock.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
    return sock.sendmsg([mark], [(socket.IPPROTO_IP, 8, bytes(4) + binary(a["source"]) + bytes(4))], 0, to)


OTHER_WAYS = {"cork": cork, "more": more, "unspec": unspec, "segments": segments, "from": from_source}


def udp(a):
    sock = datagram_socket(a)
    mark, to, how = a["mark"].encode(), (place(a), int(a["port"])), a.get("how", "sendto")
    mark += b"." * (int(a.get("size", 0)) - len(mark))
    if how == "connected":
        sock.connect(to)
        sock.send(mark)
    elif how == "sendto":
        sock.sendto(mark, to)
    elif how == "sendmsg":
        sock.sendmsg([mark], [], 0, to)
    elif how == "other":  # connected to where that is allowed, which is oneself, then a destination with the message
        sock.connect((place({**a, "to": own_address6() if is_six(a["to"]) else own_address()}), 9))
        sock.sendmsg([mark], [], 0, to)
    elif how == "many":  # the verdict is by message, not by socket
        sock.sendto(mark, ("::1" if is_six(a["to"]) else "127.0.0.1", 9))
        sock.sendto(mark, to)
    else:
        OTHER_WAYS[how](a, sock, mark, to)
    return "answered" if a.get("wait") and sock.recv(65536) else "sent"


# ---- packets ----


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def binary(text):
    return socket.inet_pton(socket.AF_INET6 if is_six(text) else socket.AF_INET, text.split("%")[0])


def pseudo(source, to, protocol, length):
    """What a transport checksum covers besides (RFC 9293 section 3.1; RFC 8200 section 8.1)."""
    return binary(source) + binary(to) + (struct.pack("!II", length, protocol) if is_six(to) else struct.pack("!BBH", 0, protocol, length))


def tcp_segment(source, to, sport, dport, flags, seq, ack, data, bad=False, options=b""):
    bits = sum(FLAGS[f] for f in flags)
    options += b"\0" * (-len(options) % 4)
    header = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (5 + len(options) // 4) << 4, bits, 64240, 0, 0) + options
    total = checksum(pseudo(source, to, 6, len(header) + len(data)) + header + data) ^ (0x5555 if bad else 0)
    return header[:16] + struct.pack("!H", total) + header[18:] + data


def hiding(a, source, to, sport, dport, seq, ack):
    """A segment without payload, and what follows it in the frame."""
    mark = a["mark"].encode()
    options = bytes([253, 2 + len(mark)]) + mark if a["hide"] == "options" else b""  # RFC 6994: an experiment
    segment = tcp_segment(source, to, sport, dport, a.get("flags", "A"), seq, ack, b"", options=options)
    return segment, mark if a["hide"] == "behind" else b""


def udp_datagram(source, to, sport, dport, data, more=0):
    header = struct.pack("!HHHH", sport, dport, 8 + len(data) + more, 0)
    return header[:6] + struct.pack("!H", checksum(pseudo(source, to, 17, 8 + len(data)) + header + data) or 0xFFFF) + data


def icmp_message(source, to, kind, code, data):
    message = struct.pack("!BBHHH", kind, code, 0, 7, 1) + data
    covered = pseudo(source, to, 58, len(message)) + message if is_six(to) else message
    return message[:2] + struct.pack("!H", checksum(covered)) + message[4:]


def quoted(text, data):
    """The beginning of the packet that an ICMP error claims to be about."""
    source, sport, to, dport, protocol = text.split(",")
    ports = (int(sport), int(dport))
    rest = tcp_segment(source, to, *ports, "A", 1, 1, data) if protocol == "6" else udp_datagram(source, to, *ports, data)
    return ip_packet(source, to, int(protocol), rest)


def ip6_packet(source, to, protocol, payload, chain="", length=None):
    headers, kinds = b"", [int(n) for n in chain.split(",") if n]
    for kind, after in zip(kinds, kinds[1:] + [protocol]):
        # routing: type 0, no segments left; fragment: the first, more to come; the others: padding of six bytes
        body = {43: bytes(6), 44: struct.pack("!BHI", 0, 1, 77), 51: bytes(10)}.get(kind, b"\x01\x04\0\0\0\0")
        headers += bytes([after]) + (body if kind == 44 else bytes([1 if kind == 51 else 0]) + body)
    first = kinds[0] if kinds else protocol
    size = len(headers) + len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, size, first, 64) + binary(source) + binary(to) + headers + payload


def ip_packet(source, to, protocol, payload, options=b"", fragment=0):
    if is_six(to):
        return ip6_packet(source, to, protocol, payload)
    length = 20 + len(options) + len(payload)
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, length, 77, fragment, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(to))
    header += options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def own_address():
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return socket.inet_ntoa(fcntl.ioctl(probe, 0x8915, struct.pack("256s", b"eth0"))[20:24])  # SIOCGIFADDR


def own_address6():
    """The address that is not link-local."""
    with open("/proc/net/if_inet6") as f:
        for line in f:
            address, _, _, scope, _, name = line.split()
            if name == "eth0" and scope == "00":
                return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
    raise OSError(errno.EADDRNOTAVAIL, "no IPv6 address")


def link_header(ethertype):
    with open("/sys/class/net/eth0/address") as f:
        own = bytes.fromhex(f.read().strip().replace(":", ""))
    return neighbour() + own + struct.pack("!H", ethertype)


def neighbour():
    """The other end of our cable: every way out begins there."""
    with open("/proc/net/arp") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[5] == "eth0" and fields[3] != "00:00:00:00:00:00":
                return bytes.fromhex(fields[3].replace(":", ""))
    raise OSError(errno.EHOSTUNREACH, "no neighbour")


def transmit(via, to, packet, ethertype=0x0800, vlan=None, somark=None):
    if via == "raw":
        sock = socket.socket(socket.AF_INET6 if is_six(to) else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        if somark:
            sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(somark, 0))
        sock.sendto(packet, (to, 0))
        return
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("eth0", 0))
    if somark:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(somark, 0))
    header = link_header(ethertype)
    if vlan is not None:
        header = header[:12] + struct.pack("!HH", 0x8100, vlan) + header[12:]
    sock.send(header + packet)


def packet(a):
    to, mark, protocol = a["to"], a["mark"].encode(), int(a.get("protocol", 6))
    source = a.get("source") or (own_address6() if is_six(to) else own_address())
    sport, dport = int(a.get("sport", 40404)), int(a.get("port", 3001))
    behind = b""
    if "hide" in a:
        payload, behind = hiding(a, source, to, sport, dport, 1000, 1)
    elif protocol == 6:
        payload = tcp_segment(source, to, sport, dport, a.get("flags", "S"), 1000, 1 if "A" in a.get("flags", "S") else 0, mark, a.get("sum") == "bad")
    elif protocol == 17:
        payload = udp_datagram(source, to, sport, dport, mark, int(a.get("long", 0)))
    elif protocol in (1, 58):
        data = quoted(a["quote"], mark) if "quote" in a else mark
        payload = icmp_message(source, to, int(a.get("type", 128 if is_six(to) else 8)), int(a.get("code", 0)), data + b"." * (int(a.get("size", 0)) - len(data)))
    else:
        payload = mark
    if is_six(to):
        packet = ip6_packet(source, to, protocol, payload, a.get("chain", ""), int(a["length"]) if "length" in a else None)
    else:
        packet = ip_packet(source, to, protocol, payload, bytes.fromhex(a.get("options", "")), int(a.get("fragment", "0"), 0))
    if a.get("cut"):
        packet = packet[: int(a["cut"])]
    packet += behind
    ethertype = int(a.get("ethertype", "86dd" if is_six(to) else "0800"), 16)
    if ethertype not in (0x0800, 0x86DD):
        packet = mark + b"\0" * 46
    transmit(a.get("via", "raw"), to, packet, ethertype, int(a["vlan"]) if "vlan" in a else None, a.get("somark"))
    return "sent"


# ---- into a live connection ----


def segment_to(frame, to):
    """The TCP segment in this frame, if it goes there."""
    ip = frame[14:]
    if frame[12:14] == b"\x86\xdd" and is_six(to):
        return ip[40 : 40 + struct.unpack_from("!H", ip, 4)[0]] if ip[6] == 6 and ip[24:40] == binary(to) else None
    if frame[12:14] != b"\x08\x00" or is_six(to) or ip[9] != 6 or ip[16:20] != binary(to):
        return None
    return ip[(ip[0] & 15) * 4 : struct.unpack_from("!H", ip, 2)[0]]


def watch(sniffer, to, port, deadline):
    """(our port, next sequence number, acknowledged) of the newest segments of a connection to there, after the answer has come."""
    known = None
    while time.monotonic() < deadline:
        try:
            frame, address = sniffer.recvfrom(65536)
        except TimeoutError:
            break
        segment = segment_to(frame, to)
        if not segment or address[2] != socket.PACKET_OUTGOING:
            continue
        sport, dport, seq, ack = struct.unpack_from("!HHII", segment)
        if dport != port or segment[13] & 2:
            continue
        data = len(segment) - (segment[12] >> 4) * 4
        known = (sport, (seq + data) & 0xFFFFFFFF, ack)
    if not known:
        raise TimeoutError("no live connection was seen")
    return known


def inject(a):
    to, port, mark = a["to"], int(a["port"]), a["mark"]
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sniffer.bind(("eth0", 3))
    sniffer.settimeout(0.7)
    host, own = (a["dial"] if not is_six(a["dial"]) else "bookstore"), own_address6() if is_six(to) else own_address()
    with socket.create_connection((a["dial"], int(a.get("dialport", 80))), 5) as sock:
        sock.sendall(f"GET /api/buy HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        if b" 200 " not in sock.recv(4096):
            return "no live connection"
        sport, seq, ack = watch(sniffer, to, port, time.monotonic() + 3)
        data = f"GET /api/steal?{mark} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        segment, behind = tcp_segment(own, to, sport, port, a.get("flags", "PA"), seq, ack, data, a.get("sum") == "bad"), b""
        if "hide" in a:
            segment, behind = hiding(a, own, to, sport, port, seq, ack)
        transmit(a["via"], to, ip_packet(own, to, 6, segment) + behind, 0x86DD if is_six(to) else 0x0800)
        return "sent"


def main():
    arguments = dict(text.split("=", 1) for text in sys.argv[2:])
    try:
        print({"tcp": tcp, "udp": udp, "talk": talk, "packet": packet, "inject": inject}[sys.argv[1]](arguments), flush=True)
    except OSError as error:
        print(outcome(error), flush=True)
    os._exit(0)


main()
