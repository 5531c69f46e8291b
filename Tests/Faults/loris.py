#!/usr/bin/python3
"""Slow clients as a process of their own: they open connections to a front, and are slower than anybody needs to be.

    loris.py PORT HEAD SILENT BODY SECONDS

HEAD of them send a byte of a head every 2 s, SILENT nothing at all, BODY a body at 20 bytes a second. It prints `open` when all are
connected, and at the end, or after SECONDS, one JSON object: for each kind how many the front closed, and when the last of them,
in seconds from its own connect.
"""
import errno
import json
import resource
import select
import socket
import sys
import time

HEAD = b"GET /json/echo HTTP/1.1\r\nhost: front\r\nx-slow: "
BODY = b"POST /json/echo HTTP/1.1\r\nhost: front\r\ncontent-length: 100000\r\n\r\n"


class Slow:
    """One connection."""

    def __init__(self, kind, port):
        self.kind = kind
        self.socket = socket.socket()
        self.socket.setblocking(False)
        code = self.socket.connect_ex(("127.0.0.1", port))
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, "cannot connect")
        self.began = time.monotonic()
        self.closed = None
        self.said = b""
        self.sent = 0
        self.speak()

    def speak(self):
        """Its next bytes; the first of them as it connects."""
        if self.kind == "silent":
            return
        if self.kind == "head":
            data = HEAD[self.sent:self.sent + 1] or b"x"
        else:
            data = b"x" * 40 if self.sent else BODY
        try:
            self.sent += self.socket.send(data)
        except OSError:
            pass  # what came of it is seen by reading


def main(port, heads, silents, bodies, seconds):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds = ["head"] * heads + ["silent"] * silents + ["body"] * bodies
    poll = select.epoll()
    each = {}
    for place, kind in enumerate(kinds):
        slow = Slow(kind, port)
        each[slow.socket.fileno()] = slow
        poll.register(slow.socket.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        if place % 50 == 49:
            time.sleep(0.05)  # all at once would be a burst of its own, and no slowness
    print("open", flush=True)
    end = time.monotonic() + seconds
    spoken = {number: slow.began + 2.0 for number, slow in each.items()}
    while any(slow.closed is None for slow in each.values()) and time.monotonic() < end:
        now = time.monotonic()
        for number, slow in each.items():
            if slow.closed is None and now >= spoken[number]:
                spoken[number] = max(now, spoken[number]) + 2.0
                slow.speak()
        for number, _ in poll.poll(0.05):
            slow = each[number]
            try:
                data = slow.socket.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            slow.said = (slow.said + data)[:200]
            if not data:
                slow.closed = time.monotonic()
                poll.unregister(number)
                slow.socket.close()
    found = {}
    for slow in each.values():
        kind = found.setdefault(slow.kind, {"count": 0, "closed": 0, "last": 0.0, "answers": {}})
        kind["count"] += 1
        word = slow.said.split(b"\r\n")[0].decode("latin-1")[:40]
        kind["answers"][word] = kind["answers"].get(word, 0) + 1
        if slow.closed is not None:
            kind["closed"] += 1
            kind["last"] = max(kind["last"], slow.closed - slow.began)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1], *sys.argv[2:5])), float(sys.argv[5]))
