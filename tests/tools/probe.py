#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One client for all tests. Reads a JSON object from the first argument, prints a JSON object with what happened.

in   dial, port           where to connect
     proto                "http" (default) or "tcp"
     requests             http: list of {method, path, host, headers{}, lines[], body} sent one after the other on the SAME connection;
                          lines are further header lines as they are, also such that repeat a name
     body_bytes           http, per request: a body of that many bytes instead of `body`
     tls                  speak TLS, with this server name ("" = none); nobody's certificate is looked at
     half_close           http: shut down the sending side after the last request, before reading its answer
     send, server_first   tcp: what to send; expect a greeting before sending
     family               4 or 6: only addresses of that family of the name `dial`
     timeout              seconds for every wait, default 5
     repeat               do all that so many times, each on a connection of its own; the last result is printed, and in
                          "outcomes" and "servers" how often each HTTP status (or connect result) and each X-Server was seen, in order
out  connect              "ok", "refused" (refused at once or forbidden by the kernel), "reset" (closed with no byte of an answer), "timeout"
                          or "error NAME"
     answers              http: list of {status, headers{}, body, length, sha256}; shorter than requests if the connection ended before
     received             tcp: what came back
     peer                 whom the socket says it is connected to (getpeername)
     seconds              how long it all took
"""
import errno
import hashlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time

DENIED = {errno.ECONNREFUSED: "refused", errno.EPERM: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.ECONNABORTED: "reset"}


def outcome(error):
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, (http.client.RemoteDisconnected, http.client.IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "reset"
    return DENIED.get(getattr(error, "errno", None), f"error {error!r}")


def request_bytes(request):
    body = b"x" * request["body_bytes"] if "body_bytes" in request else request.get("body", "").encode()
    headers = {"Host": request.get("host", "localhost"), **request.get("headers", {})}
    if body or request.get("method") in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = str(len(body))
    lines = [f"{request.get('method', 'GET')} {request['path']} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers.items()]
    lines += request.get("lines", [])
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_answer(sock, method):
    answer = http.client.HTTPResponse(sock, method=method)
    answer.begin()
    body = answer.read()
    return {"status": answer.status, "headers": {k.lower(): v for k, v in answer.getheaders()}, "length": len(body),
            "body": body[:4096].decode("latin-1"), "sha256": hashlib.sha256(body).hexdigest()}


def exchange(sock, request, last, half_close):
    # A large body is written beside the reading, as an answer may begin before the request has ended.
    failures = []

    def send():
        try:
            sock.sendall(request_bytes(request))
            if last and half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            failures.append(error)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    answer = read_answer(sock, request.get("method", "GET"))
    sender.join()
    return answer


def http_probe(sock, job, result):
    requests = job["requests"]
    for number, request in enumerate(requests):
        result["answers"].append(exchange(sock, request, number == len(requests) - 1, job.get("half_close")))


def tcp_probe(sock, job, result):
    if job.get("server_first"):
        result["received"] += sock.recv(65536).decode("latin-1")
        if not result["received"]:
            raise ConnectionResetError(errno.ECONNRESET, "closed without a greeting")
    sock.sendall(job.get("send", "").encode())
    sock.shutdown(socket.SHUT_WR)
    while data := sock.recv(65536):
        result["received"] += data.decode("latin-1")
    if job.get("send") and not result["received"]:
        raise ConnectionResetError(errno.ECONNRESET, "closed without an answer")


def dial(job, timeout):
    families = {4: socket.AF_INET, 6: socket.AF_INET6}
    if "family" not in job:
        return socket.create_connection((job["dial"], job["port"]), timeout)
    to = socket.getaddrinfo(job["dial"], job["port"], families[job["family"]], socket.SOCK_STREAM)[0][4]
    return socket.create_connection(to[:2], timeout)


def encrypted(sock, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock, server_hostname=name or None)


def attempt(job):
    timeout = job.get("timeout", 5)
    result = {"connect": "ok", "answers": [], "received": ""}
    start = time.monotonic()
    try:
        with dial(job, timeout) as sock:
            result["peer"] = sock.getpeername()[0]
            with encrypted(sock, job["tls"]) if "tls" in job else sock as talk:
                (tcp_probe if job.get("proto") == "tcp" else http_probe)(talk, job, result)
    except (OSError, http.client.HTTPException) as error:
        result["error"] = str(error)
        if not result["answers"]:
            result["connect"] = outcome(error)
    result["seconds"] = round(time.monotonic() - start, 3)
    return result


def main():
    job = json.loads(sys.argv[1])
    outcomes, servers = [], []
    for _ in range(job.get("repeat", 1)):
        result = attempt(job)
        last = result["answers"][-1] if result["answers"] else None
        outcomes.append(last["status"] if last else result["connect"])
        if last and "x-server" in last["headers"]:
            servers.append(last["headers"]["x-server"])
    if "repeat" in job:
        result.update(outcomes=outcomes, servers=servers)
    print(json.dumps(result))


main()
