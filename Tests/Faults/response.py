"""One response of HTTP/1.1, read strictly from raw bytes: whole, cut off before its end, or no HTTP at all.

The harness uses no HTTP library here: what judges bodies must see each byte and each end itself.
"""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Callable, Dict

CHUNK = 1 << 16
HEAD_MOST = 1 << 16


class Cut(Exception):
    """The connection ended before the response did, as anybody can see. `response` is what came: its status is 0 if no head came."""

    def __init__(self, what: str, response: "Response") -> None:
        super().__init__(what)
        self.response = response


class Garbage(Exception):
    """What came is no HTTP/1.1, or could be read in two ways."""


@dataclass
class Response:
    status: int = 0
    headers: Dict[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=bytearray)
    chunked: bool = False

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class ResponseReader:
    """Reads the responses of one connection, one after the other. `received` counts bytes."""

    def __init__(self, source: asyncio.StreamReader, body: Callable[[], Any] = bytearray) -> None:
        """`body`: makes what bodies are added to by +=."""
        self._source, self._made = source, body
        self._held = bytearray()
        self.received = 0

    @property
    def surplus(self) -> int:
        """Bytes that came and belong to no response so far."""
        return len(self._held)

    async def read(self) -> Response:
        """The next whole response, interim ones left out; Cut or Garbage."""
        while True:
            response = Response(body=self._made())
            try:
                await self._head(response)
                if 100 <= response.status < 200:
                    continue
                await self._body(response)
            except EOFError as end:
                raise Cut(str(end), response) from None
            return response

    async def _more(self, what: str) -> None:
        try:
            data = await self._source.read(CHUNK)
        except OSError as error:
            raise EOFError(f"{what}: {error}") from None
        if not data:
            raise EOFError(what)
        self.received += len(data)
        self._held += data

    async def _line(self, what: str, most: int = HEAD_MOST) -> bytes:
        start = 0
        while True:
            end = self._held.find(b"\r\n", start)
            if end >= 0:
                line = bytes(self._held[:end])
                del self._held[:end + 2]
                return line
            if len(self._held) > most:
                raise Garbage(f"{what} of more than {most} bytes")
            start = max(0, len(self._held) - 1)
            await self._more(f"closed within {what}" if self._held else f"closed before {what}")

    async def _head(self, response: Response) -> None:
        line = await self._line("the status line")
        parts = line.split(b" ", 2)
        if len(parts) < 2 or parts[0] != b"HTTP/1.1" or len(parts[1]) != 3 or not parts[1].isdigit():
            raise Garbage(f"no status line: {line[:60]!r}")
        headers: Dict[str, str] = {}
        while True:
            line = await self._line("the head")
            if not line:
                break
            name, colon, value = line.decode("latin-1").partition(":")
            name = name.lower()
            if not colon or not name or name != name.strip():
                raise Garbage(f"no header: {line[:60]!r}")
            if name in headers and name in ("content-length", "transfer-encoding"):
                raise Garbage(f"two of {name}")
            headers[name] = value.strip()
        response.status, response.headers = int(parts[1]), headers

    async def _body(self, response: Response) -> None:
        coding, length = response.headers.get("transfer-encoding"), response.headers.get("content-length")
        if coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise Garbage(f"transfer-encoding {coding!r}, content-length {length!r}")
            response.chunked = True
            await self._chunks(response)
        elif length is not None:
            if not length.isascii() or not length.isdigit():
                raise Garbage(f"content-length {length!r}")
            await self._take(response.body, int(length), "the body")
        elif response.status not in (204, 304):
            raise Garbage("a body without a length: nobody could tell its end from a cut")

    async def _chunks(self, response: Response) -> None:
        while True:
            line = await self._line("a chunk's size", 64)
            try:
                size = int(line, 16)
            except ValueError:
                raise Garbage(f"no chunk size: {line[:20]!r}") from None
            await self._take(response.body, size, "a chunk")
            if size == 0:
                trailer = await self._line("the last chunk")
                if trailer:
                    raise Garbage(f"a trailer: {trailer[:40]!r}")
                return
            if await self._line("a chunk's end", 2):
                raise Garbage("a chunk that is longer than it says")

    async def _take(self, body: Any, size: int, what: str) -> None:
        while size > 0:
            if not self._held:
                await self._more(f"closed within {what}, {size} bytes before its end")
            part = self._held[:size]
            body += part
            del self._held[:len(part)]
            size -= len(part)
