#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small server for tests: server.py NAME PORT/KIND..., KIND = http | https=CERTIFICATE | tcp | tcp-server-first | udp. It listens on
both families, as far as there are addresses.

http answers every request with 200 and a line "NAME METHOD PATH LENGTH"; /echo answers with the request's body, /bytes/N with N bytes. "Upgrade: echo" makes the
connection a tunnel, which goes on as tcp does.
tcp sends back what it gets and closes after the peer did; tcp-server-first greets before the client says anything.
udp answers each datagram with "NAME to ADDRESS: " and what it got; ADDRESS is the sender's, as seen here.
"""
import asyncio
import os
import socket
import ssl
import sys

LIMIT = 1 << 20


async def read_chunked(reader):
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return bytes(body)


async def read_request(reader):
    """(method, path, headers, body), or None when the peer is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ")
    headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines if line)}
    if "chunked" in headers.get("transfer-encoding", ""):
        body = await read_chunked(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, path, headers, body


def answer_body(name, method, path, body):
    plain = path.split("?")[0]
    if plain == "/echo":
        return body
    if plain.startswith("/bytes/"):
        return b"0123456789abcdef" * (int(plain[7:]) // 16)
    return f"{name} {method} {path} {len(body)}\n".encode()


async def serve_http(name, reader, writer):
    while True:
        request = await read_request(reader)
        if request is None:
            return
        method, path, headers, body = request
        if headers.get("upgrade") == "echo":
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            return await serve_tcp(reader, writer)
        out = answer_body(name, method, path, body)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nX-Server: {name}\r\nContent-Length: {len(out)}\r\n"
        closing = headers.get("connection", "").lower() == "close"
        writer.write((head + ("Connection: close\r\n" if closing else "") + "\r\n").encode() + (b"" if method == "HEAD" else out))
        await writer.drain()
        if closing:
            return


async def serve_tcp(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def handler(name, kind):
    async def handle(reader, writer):
        try:
            if kind.startswith("http"):
                await serve_http(name, reader, writer)
            else:
                if kind == "tcp-server-first":
                    writer.write(f"220 {name}\n".encode())
                    await writer.drain()
                await serve_tcp(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            print(f"connection ended: {error!r}", flush=True)
        finally:
            writer.close()

    return handle


class Echo(asyncio.DatagramProtocol):
    def __init__(self, name):
        self.name = name

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(f"{self.name} to {addr[0]}: ".encode() + data, addr)

    def error_received(self, exc):
        print(f"datagrams: {exc!r}", flush=True)


def everywhere():
    """Where to listen. The list of IPv6 addresses is empty where IPv6 is off, and not there in a kernel without it."""
    try:
        with open("/proc/net/if_inet6") as f:
            return ["0.0.0.0", "::"] if f.read() else ["0.0.0.0"]
    except FileNotFoundError:
        return ["0.0.0.0"]


async def listen_udp(name, host, port):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in host:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((host, port))
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Echo(name), sock=sock)


def certificate(path):
    """The file has key and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def main():
    name, *ports = sys.argv[1:]
    servers = []
    for text in ports:
        port, kind = text.split("/", 1)
        if kind == "udp":
            for host in everywhere():
                await listen_udp(name, host, int(port))
        else:
            tls = certificate(kind[6:]) if kind.startswith("https=") else None
            servers.append(await asyncio.start_server(handler(name, kind), everywhere(), int(port), limit=LIMIT, ssl=tls))
    print(f"{name} ready, pid {os.getpid()}", flush=True)
    await asyncio.gather(asyncio.Event().wait(), *(s.serve_forever() for s in servers))


asyncio.run(main())
