#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sealwatch-fetch against servers that are good, wrong, huge, slow, redirecting and dead."""

import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import threading

FETCH = sys.argv[1]
AZURE, AMD = 0, 1
VEK, CHAIN, CRL = 1, 2, 4
MILAN, TURIN = 0, 2
OK, UNREACHABLE, BUSY, REFUSED, BAD, UNKNOWN = range(6)
CHIP = bytes(range(1, 65))
PARTS = {"crl": b"a list", "cert_chain": b"a chain", "": b"a certificate"}


def check(condition, what):
    if not condition:
        raise AssertionError(what)


class Server(http.server.ThreadingHTTPServer):
    """Says what its `reply` says; remembers what it was asked for."""
    daemon_threads = True

    def __init__(self, reply):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append((self.path, self.headers))
                reply(self)

            def log_message(self, *words):
                pass

        self.asked = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    def handle_error(self, request, client_address):
        """Clients that hang up are what this is about."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *what):
        self.shutdown()
        super().__exit__(*what)


def say(handler, body, status=200, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def part_of(path):
    return PARTS[next(name for name in PARTS if name in path)]


def good(handler):
    say(handler, part_of(handler.path))


def request(source=AMD, parts=VEK | CHAIN | CRL, role=0, product=MILAN, tcb=bytes([4, 0, 0, 0, 0, 0, 24, 219]), chip=CHIP):
    return b"SWFQ" + bytes([1, source, parts, role, product, 0, 0, 0]) + tcb + chip


def fetch(question, *options, code=0, environment=None):
    """(status, VEK, chain, list, text)"""
    done = subprocess.run([FETCH, "--timeout", "1", *options], input=question, stdout=subprocess.PIPE, check=False, timeout=100,
                          env={**os.environ, **(environment or {})})
    check(done.returncode == code, f"exit code {done.returncode}")
    magic, version, status, zero, vek, chain, crl, text = struct.unpack_from("<4sBBHIIII", done.stdout)
    check((magic, version, zero) == (b"SWFA", 1, 0), done.stdout)
    body = done.stdout[24:]
    check(len(body) == vek + chain + crl + text, "the answer has the size it says")
    return status, body[:vek], body[vek:vek + chain], body[vek + chain:vek + chain + crl], body[vek + chain + crl:].decode()


def nothing(answer, status, word=""):
    check(answer[0] == status, f"status {answer[0]} instead of {status}: {answer[4]}")
    check(answer[1:4] == (b"", b"", b""), "and nothing else")
    check(word in answer[4] and answer[4].isascii(), answer[4])


def test_good_server():
    with Server(good) as server:
        check(fetch(request(), "--amd", server.url) == (OK, b"a certificate", b"a chain", b"a list", ""), "all parts")
        check([path for path, _ in server.asked] == [
            f"/vcek/v1/Milan/{CHIP.hex()}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219", "/vcek/v1/Milan/cert_chain",
            "/vcek/v1/Milan/crl"], server.asked)
        check(fetch(request(parts=CHAIN, role=1, product=TURIN), "--amd", server.url) == (OK, b"", b"a chain", b"", ""), "a VLEK's chain")
        check(server.asked[-1][0] == "/vlek/v1/Turin/cert_chain", server.asked[-1])


def test_list_is_not_needed_beside_others():
    with Server(lambda h: good(h) if "crl" not in h.path else say(h, b"", 404)) as server:
        check(fetch(request(), "--amd", server.url) == (OK, b"a certificate", b"a chain", b"", ""), "all but the list")
        nothing(fetch(request(parts=CRL), "--amd", server.url), REFUSED, "404")


def test_refusals():
    for status, expected in [(404, REFUSED), (500, REFUSED), (204, REFUSED), (429, BUSY), (503, BUSY)]:
        with Server(lambda h, status=status: say(h, b"no" if status != 204 else b"", status)) as server:
            nothing(fetch(request(), "--amd", server.url), expected, str(status))
            check(len(server.asked) == 1, "asked once, and for nothing else then")
    with Server(lambda h: say(h, b"")) as server:
        nothing(fetch(request(), "--amd", server.url), REFUSED)


def test_redirections_lead_nowhere():
    with Server(good) as target:
        for status in (301, 302, 303, 307, 308):
            with Server(lambda h, status=status: say(h, b"", status, Location=target.url + h.path)) as server:
                nothing(fetch(request(), "--amd", server.url), REFUSED, "somewhere else")
        for location in ("file:///etc/passwd", "gopher://127.0.0.1/"):
            with Server(lambda h, location=location: say(h, b"", 302, Location=location)) as server:
                nothing(fetch(request(), "--amd", server.url), REFUSED)
        check(not target.asked, "nobody came")


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def test_huge():
    with Server(lambda h: say(h, b"x" * (16 * 1024))) as server:
        check(fetch(request(parts=VEK), "--amd", server.url)[1] == b"x" * (16 * 1024), "exactly the limit")
    for reply in (lambda h: say(h, b"x" * (16 * 1024 + 1)), endless):
        with Server(reply) as server:
            nothing(fetch(request(parts=VEK), "--amd", server.url), BAD, "16384 bytes")


def test_slow_and_dead():
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.2):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    with Server(drip) as server:
        nothing(fetch(request(), "--amd", server.url), UNREACHABLE)
        stop.set()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nothing(fetch(request(), "--amd", f"http://127.0.0.1:{silent.getsockname()[1]}"), UNREACHABLE)
        port = silent.getsockname()[1]
    nothing(fetch(request(), "--amd", f"http://127.0.0.1:{port}"), UNREACHABLE)
    nothing(fetch(request(), "--amd", "http://name.invalid"), UNREACHABLE)


def test_no_http():
    for reply in (b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", b""):
        def raw(handler, reply=reply):
            handler.wfile.write(reply)
            handler.close_connection = True
        with Server(raw) as server:
            nothing(fetch(request(), "--amd", server.url), UNREACHABLE)
    nothing(fetch(request(), "--amd", "file:///etc"), UNREACHABLE)
    nothing(fetch(request(), "--amd", "ftp://127.0.0.1"), UNREACHABLE)


def azure(body):
    """What it answers to, and how it was asked."""
    with Server(lambda h: say(h, body)) as server:
        answer = fetch(request(AZURE, VEK | CHAIN), "--azure", server.url)
        path, headers = server.asked[0]
        check(path == "/metadata/THIM/amd/certification" and headers["Metadata"] == "true", server.asked)
        return answer


def test_azure():
    whole = {"vcekCert": "a certificate", "tcbm": "DB18000000000004", "certificateChain": "a chain", "cacheControl": "86400"}
    check(azure(json.dumps(whole).encode()) == (OK, b"a certificate", b"a chain", b"", ""), "both")
    for body in (b"", b"{", b"[]", b"null", json.dumps({**whole, "vcekCert": 7}).encode(), json.dumps({**whole, "vcekCert": ""}).encode(),
                 json.dumps({"vcekCert": "x"}).encode(), json.dumps({**whole, "vcekCert": "x" * 16385}).encode(),
                 b'{"vcekCert":"a","vcekCert":"b","certificateChain":"c"}', b'{"vcekCert":"\\u0000' + b"[" * 100000):
        answer = azure(body)
        nothing(answer, BAD if body else REFUSED)


def test_proxies():
    """The host is never asked over one."""
    nowhere = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    body = json.dumps({"vcekCert": "a", "certificateChain": "b"}).encode()
    with Server(lambda h: say(h, body)) as server:
        check(fetch(request(AZURE), "--azure", server.url, environment=nowhere)[0] == OK, "the host")
    with Server(good) as server:
        nothing(fetch(request(), "--amd", server.url, environment=nowhere), UNREACHABLE)
        check(not server.asked, "over the proxy")


def test_bad_requests():
    with Server(good) as server:
        for question in (b"", b"GET / HTTP/1.0\r\n\r\n", request()[:-1], b"X" + request()[1:], request(parts=8), request(product=3)):
            nothing(fetch(question, "--amd", server.url), UNKNOWN)
        nothing(fetch(request(role=1), "--amd", server.url), UNKNOWN)  # nobody has VLEKs
        nothing(fetch(request(chip=bytes(64)), "--amd", server.url), UNKNOWN)
        check(not server.asked, "and nobody was asked")
    for options in (["--timeout", "0"], ["--timeout", "x"], ["--url", "x"], ["x"]):
        done = subprocess.run([FETCH, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        check(done.returncode == 2 and not done.stdout and done.stderr, options)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"ok {name[5:]}")
