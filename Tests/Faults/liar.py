"""A proxy between browsers and a front that makes the mistakes which browsers must notice: for the harness's own mutants.

`swap`: now and then two browsers get each other's response. `cut`: now and then a body is shortened, and its length with it. `end`: an
answer in chunks that goes on is ended properly after its first bytes.
"""
from __future__ import annotations

import asyncio
import random
from typing import Optional, Tuple

from loop_thread import LoopThread
from response import Cut, Garbage, Response, ResponseReader

KINDS = ("swap", "cut", "end")
EVERY = 25  # responses between two lies


class Liar(LoopThread):
    def __init__(self, upstream: Tuple[str, int], kind: str, rng: random.Random) -> None:
        super().__init__("liar")
        if kind not in KINDS:
            raise ValueError(kind)
        self.address = ("127.0.0.1", 0)
        self._upstream, self._kind, self._rng = upstream, kind, rng
        self._wait = rng.randrange(EVERY)
        self._other: Optional[Tuple["asyncio.Future[Response]", Response]] = None  # who waits for another's response, and its own

    async def listen(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = ("127.0.0.1", server.sockets[0].getsockname()[1])

    async def _accept(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            front_source, front = await asyncio.open_connection(*self._upstream)
        except OSError:
            sink.close()
            return
        up = asyncio.ensure_future(self._up(source, front))
        try:
            reader = ResponseReader(front_source)
            while True:
                sink.write(packed(await self._bent(await reader.read())))
                await sink.drain()
        except (Cut, Garbage, OSError):
            pass
        finally:
            up.cancel()
            front.close()
            sink.close()

    @staticmethod
    async def _up(source: asyncio.StreamReader, front: asyncio.StreamWriter) -> None:
        try:
            while True:
                data = await source.read(1 << 16)
                if not data:
                    return
                front.write(data)
                await front.drain()
        except OSError:
            pass
        finally:
            front.close()

    async def _bent(self, response: Response) -> Response:
        """The response, or a lie."""
        if self._other is not None and len(response.body) != len(self._other[1].body):
            (other, theirs), self._other = self._other, None
            other.set_result(response)
            return theirs
        self._wait -= 1
        if self._wait > 0 or len(response.body) < 2 or response.status != 200 or (self._kind == "end") != response.chunked:
            return response
        self._wait = EVERY
        if self._kind == "swap":
            exchanged = self._loop.create_future()
            self._other = (exchanged, response)
            return await exchanged
        keep = self._rng.randrange(1, len(response.body)) if self._kind == "end" else len(response.body) - 1
        del response.body[keep:]
        return response


def packed(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} OK"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name not in ("content-length", "transfer-encoding")]
    length = "transfer-encoding: chunked" if response.chunked else f"content-length: {len(response.body)}"
    head = "\r\n".join([*lines, length, "", ""]).encode("latin-1")
    if not response.chunked:
        return head + bytes(response.body)
    chunk = b"%x\r\n%s\r\n" % (len(response.body), bytes(response.body)) if response.body else b""
    return head + chunk + b"0\r\n\r\n"
