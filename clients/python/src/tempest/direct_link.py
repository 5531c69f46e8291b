"""The connection to one node that listens itself, as in node-tempest, and what it says: direct_line.py makes one when it has an answer.

A node is asked what it is before it is told anything: a Redis in its place, or a server of another kind, hears no more than `info`.
"""
from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Sequence, Tuple, TypeVar

from . import forks
from .networks import Target, is_nobodys

REPLY_MOST = 64 * 1024
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
BYTES_A_SECOND = 1024 * 1024  # of what is sent: a large answer may take longer
LEAVE_SECONDS = 1.0
LATE_SECONDS = 5.0  # for a word that is still to come: it must not meet a connection that is closed
SLICE_SECONDS = 0.2  # until it is looked whether the worker has ended

_Step = TypeVar("_Step")

# In small letters: the parser of the original knows only those, and is silent for ever after others.
_INFO = (b"info",)


class NoNode(Exception):
    """What is at the address is no node."""


@dataclass(frozen=True)
class Reply:
    """One reply of RESP: its first byte, and its text; None for a null."""

    kind: bytes
    text: Optional[bytes]


class DirectLink:
    """A connection to a node that has said that it is one. OSError: it is away, or its word was lost; NoNode.

    `reads_meta`: it is Tempest, not the original, reads a fourth word and knows of errors. One thread uses it.
    """

    def __init__(self, target: Target, port: int, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self._buffer = b""
        self._owed = 0  # replies
        self._sock = _connect(target, port)
        forks.remember(self)
        try:
            self._owed = 1
            self._send(_command(_INFO), time.monotonic() + CONNECT_SECONDS)
            self.reads_meta = judge(self._reply(time.monotonic() + CONNECT_SECONDS))
        except BaseException:
            self.close()
            raise

    def tell(self, commands: Sequence[Sequence[bytes]]) -> Iterator[Reply]:
        """Sends all, then gives the node's word to each in turn."""
        data = b"".join(map(_command, commands))
        deadline = time.monotonic() + ANSWER_SECONDS + len(data) / BYTES_A_SECOND
        self._owed = len(commands)
        self._send(data, deadline)
        for _ in commands:
            yield self._reply(deadline)

    @property
    def is_stale(self) -> bool:
        """Whether the node has hung up, or said something that nobody asked."""
        try:
            self._sock.settimeout(0)
            self._sock.recv(1, socket.MSG_PEEK)
            return True
        except (BlockingIOError, InterruptedError):
            return bool(self._buffer)
        except OSError:
            return True

    def close(self) -> None:
        """Ends the connection by FIN: nodes of the original end when it is reset, as it is when something that came is not read."""
        start = time.monotonic()
        try:
            self._sock.shutdown(socket.SHUT_WR)
            while time.monotonic() - start < (LATE_SECONDS if self._owed and not self._stopped() else LEAVE_SECONDS):
                self._sock.settimeout(SLICE_SECONDS)
                try:
                    if not self._sock.recv(REPLY_MOST):
                        break
                except socket.timeout:
                    continue
        except OSError:
            pass  # it has hung up itself, or says nothing more
        self._sock.close()

    def begin_anew(self) -> None:
        """In a child: the connection is the parent's."""
        self._sock.close()

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            view = view[self._slice(lambda: self._sock.send(view[:REPLY_MOST]), deadline):]

    def _reply(self, deadline: float) -> Reply:
        while True:
            try:
                found = parse_reply(self._buffer)
            except NoNode:
                self._owed = 0  # nothing that it may still say is of interest
                raise
            if found is not None:
                self._buffer = self._buffer[found[1]:]
                self._owed -= 1
                return found[0]
            data = self._slice(lambda: self._sock.recv(REPLY_MOST), deadline)
            if not data:
                raise ConnectionResetError("the node hung up")
            self._buffer += data

    def _slice(self, step: Callable[[], _Step], deadline: float) -> _Step:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the node did not answer in time")
            if self._stopped():
                raise ConnectionAbortedError("the worker has ended")
            self._sock.settimeout(min(left, SLICE_SECONDS))
            try:
                return step()
            except (socket.timeout, BlockingIOError, InterruptedError):
                continue


def parse_reply(data: bytes) -> Optional[Tuple[Reply, int]]:
    """The first reply in what came, and how many bytes it is; None: it is not complete. NoNode for what no node says."""
    if data and data[:1] not in (b"+", b"-", b":", b"$"):
        raise NoNode("what listens there is no node: it does not speak as one")
    end = data.find(b"\r\n", 0, REPLY_MOST)
    if end < 0:
        if len(data) >= REPLY_MOST:
            raise NoNode(f"what listens there is no node: a reply of more than {REPLY_MOST} bytes")
        return None
    kind, line, start = data[:1], data[1:end], end + 2
    if kind != b"$":
        return Reply(kind, line), start
    if line == b"-1":
        return Reply(kind, None), start
    if not line.isdigit() or len(line) > 6 or int(line) > REPLY_MOST:
        raise NoNode("what listens there is no node: a reply that is too long, or has no length")
    size = int(line)
    if len(data) < start + size + 2:
        return None
    return Reply(kind, data[start:start + size]), start + size + 2


def judge(reply: Reply) -> bool:
    """Whether the node reads meta, from its reply to `info`. NoNode: it is none."""
    if reply.kind == b"-":
        raise NoNode(f"what listens there is no node: {_text(reply)}")
    if reply.kind != b"$" or reply.text is None:
        raise NoNode("what listens there says nothing of itself")
    fields = {line.partition(b":")[0] for line in reply.text.replace(b"\r", b"\n").split(b"\n")}
    if b"redis_version" not in fields:
        raise NoNode("what listens there is no node")
    if fields & {b"run_id", b"tcp_port", b"process_id"}:
        raise NoNode("what listens there is a Redis, not a node")
    return b"tempest_protocol" in fields


def _text(reply: Reply) -> str:
    return (reply.text or b"").decode("utf-8", "replace")


def _command(words: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _connect(target: Target, port: int) -> socket.socket:
    """By the address; of a name each address that it has is tried, but for those that are nobody's."""
    failure: OSError = OSError("the name has no address that may be connected to")
    for family, address in _addresses(target, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(CONNECT_SECONDS)
            sock.connect((address, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    raise failure


def _addresses(target: Target, port: int) -> List[Tuple[socket.AddressFamily, str]]:
    if not target.is_name:
        return [(socket.AF_INET6 if ":" in target.host else socket.AF_INET, target.host)]
    found = socket.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
    addresses = [(entry[0], str(entry[4][0])) for entry in found if entry[0] in (socket.AF_INET, socket.AF_INET6)]
    return [(family, address) for family, address in dict.fromkeys(addresses) if not is_nobodys(address.partition("%")[0])]
