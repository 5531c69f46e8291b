"""Clients that ask for much and take nothing, or say nothing at all: how much memory a front has then, and whether it still ends in time."""
from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import struct
import time
from typing import Callable, List

from stage import ROOT, Process, Stage, free_port, until

MEGABYTE = 1 << 20
FILE = 10 * MEGABYTE
GRACE = 3
BOUND = 256 * MEGABYTE  # what may wait for slow clients, by default
OWN = 64 * MEGABYTE  # what a front may have besides
# Answers of 5 MB on their way from four handlers, as they came and as they are read, and what the allocator keeps of those that were cut.
# Without the bound 200 of them are above 1,000 MB.
ARRIVING = 256 * MEGABYTE
ANSWERS = """
import sys
sys.path.insert(0, sys.argv[1])
import tempest
from tempest import http
worker = tempest.Worker(["pages"], concurrency=4)
@worker.handler("url", context=True)
@http.endpoint
def answer(request):
    return http.text("x" * (5 << 20))
worker.run()
"""


def resident(process: Process) -> int:
    """Bytes of the front in memory, and what it had at most."""
    with open(f"/proc/{process.process.pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024  # type: ignore[index]


def settled(process: Process) -> int:
    """The most that it has had, once that has not grown for two seconds."""
    last, since, end = resident(process), time.monotonic(), time.monotonic() + 60
    while time.monotonic() - since < 2 and time.monotonic() < end:
        now = resident(process)
        if now > last:
            last, since = now, time.monotonic()
        time.sleep(0.05)
    return last


def plain(port: int, path: str, count: int) -> List[socket.socket]:
    clients = []
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", port))
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
        clients.append(one)
    return clients


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def http2(port: int, path: str, streams: int) -> socket.socket:
    """A connection whose streams have no window; it never reads."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    one = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30.0))
    data = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, struct.pack(">HI", 4, 0))
    name = path.encode()
    # :method GET, :scheme https, :path and :authority, by the static table of HPACK.
    block = b"\x82\x87\x04" + bytes([len(name)]) + name + b"\x41\x01t"
    for number in range(streams):
        data += frame(1, 5, 2 * number + 1, block)
    one.sendall(data)
    return one


def half_handshakes(port: int, count: int) -> List[socket.socket]:
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for one in clients:
        one.sendall(b"\x16\x03\x01")
    return clients


def state(name: str, tls: bool, limit: int, connect: Callable[[int], List[socket.socket]], worker: str = "") -> bool:
    """Whether the front stays below the limit, and ends within its grace and a second."""
    with Stage(workers=0) as stage:
        public = os.path.join(stage.folder, "public")
        os.mkdir(public)
        with open(os.path.join(public, "large"), "wb") as file:
            file.write(os.urandom(FILE))
        port = free_port()
        settings = {"listen": f"127.0.0.1:{port}", "files": public, "lame": 0, "grace": GRACE}
        if tls:
            pair = [os.path.join(stage.folder, part) for part in ("cert.pem", "key.pem")]
            stage.certificate(*pair)
            settings["tls"] = dict(zip(("certificate", "key"), pair))
        if worker:
            stage.run("worker", ["/usr/bin/python3", "-c", worker, os.path.join(ROOT, "clients", "python", "src")])
        front = stage.front("front", settings)
        until("listening", lambda: "listening on" in front.text())
        clients = connect(port)
        memory = settled(front)
        begun = time.monotonic()
        front.send(signal.SIGTERM)
        front.process.wait(60)
        seconds = time.monotonic() - begun
        for one in clients:
            one.close()
        fine = memory < limit and seconds < GRACE + 1
        print(f"  {name}: at most {memory / MEGABYTE:.0f} MiB (limit {limit // MEGABYTE}), ended {seconds:.1f} s after SIGTERM (grace {GRACE})"
              + ("" if fine else "  <-- too much"), flush=True)
        return fine


def run() -> int:
    print("clients that take nothing, or say nothing:")
    results = [
        state("20 HTTP/2 connections x 50 streams without a window, a file of 10 MB", True, OWN + BOUND,
              lambda port: [http2(port, "/large", 50) for _ in range(20)]),
        state("500 HTTP/1 clients that do not read a file of 10 MB", False, OWN + BOUND, lambda port: plain(port, "/large", 500)),
        state("200 HTTP/1 clients that do not read an answer of 5 MB", False, OWN + BOUND + ARRIVING, lambda port: plain(port, "/any", 200), ANSWERS),
        state("50 HTTP/2 clients that never answer", True, OWN, lambda port: [http2(port, "/", 0) for _ in range(50)]),
        state("50 clients in the middle of their TLS handshakes", True, OWN, lambda port: half_handshakes(port, 50)),
    ]
    return 0 if all(results) else 1
