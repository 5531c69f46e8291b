"""A connection to Redis that says exactly what came back: replies, error replies as values, or that the connection is gone.

The harness uses no client library of its own subject: what judges must not share the bugs of what is judged.
"""
from __future__ import annotations

import socket
from typing import Any, List, Optional, Sequence, Union

Argument = Union[str, bytes, int, float]


class ErrorReply(Exception):
    """An error that Redis answered; `word` is its first word, such as OOM."""

    @property
    def word(self) -> str:
        return str(self).split(" ", 1)[0]


class Gone(Exception):
    """The connection broke: what was asked may or may not have happened."""


def packed(command: Sequence[Argument]) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Wire:
    """One connection, to a unix socket's path or to (host, port). Not for several threads at once."""

    def __init__(self, address: Union[str, tuple], timeout: float = 30.0, name: str = "") -> None:
        self._address = address
        self._timeout = timeout
        self._name = name
        self._socket: Optional[socket.socket] = None
        self._file: Any = None
        self.answered: List[Any] = []

    def open(self) -> None:
        if self._socket is not None:
            return
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            link.settimeout(self._timeout)
            link.connect(self._address)
            if family == socket.AF_INET:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            link.close()
            raise Gone(f"cannot connect to {self._address}: {error}") from None
        self._socket, self._file = link, link.makefile("rb")
        if self._name:
            self.call("CLIENT", "SETNAME", self._name)

    def close(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
        self._socket = self._file = None

    def call(self, *command: Argument) -> Any:
        """The reply; raises ErrorReply or Gone."""
        reply = self.many([command])[0]
        if isinstance(reply, ErrorReply):
            raise reply
        return reply

    def many(self, commands: Sequence[Sequence[Argument]]) -> List[Any]:
        """The replies to a pipeline; error replies are among them as values. On Gone, `answered` holds those that came."""
        self.answered = []
        self.open()  # which may ask something itself
        self.answered = []
        assert self._socket is not None
        try:
            self._socket.sendall(b"".join(packed(command) for command in commands))
            for _ in commands:
                self.answered.append(self._reply())
        except (OSError, ValueError) as error:
            self.close()
            raise Gone(str(error)) from None
        return self.answered

    # In halves, for those who wait for several connections at once

    def send(self, *command: Argument) -> None:
        self.open()
        assert self._socket is not None
        try:
            self._socket.sendall(packed(command))
        except OSError as error:
            self.close()
            raise Gone(str(error)) from None

    def receive(self) -> Any:
        """The next reply; an error reply is a value."""
        try:
            return self._reply()
        except (OSError, ValueError, AttributeError) as error:
            self.close()
            raise Gone(str(error)) from None

    def fileno(self) -> int:
        if self._socket is None:
            raise Gone("not connected")
        return self._socket.fileno()

    def _reply(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ErrorReply(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self._file.read(size + 2)
            if len(data) != size + 2:
                raise OSError("the connection was closed in the middle of a reply")
            return data[:-2]
        if kind == b"*":
            count = int(rest)
            return None if count < 0 else [self._reply() for _ in range(count)]
        raise ValueError(f"no RESP2: {line[:40]!r}")
