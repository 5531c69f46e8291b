"""A TCP proxy before the private Redis that delays, and cuts connections in the middle of what they carry.

A cut lets only a random part of a chunk through, in either direction: a request arrives half, or a reply is lost.
"""
from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass
from typing import Dict, Optional

from loop_thread import LoopThread

CHUNK = 1 << 16


@dataclass(eq=False)
class Pair:
    """One client's connection and the one to Redis that belongs to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    armed: Optional[str] = None  # the direction whose next chunk is torn: "up" to Redis, "down" to the client


class Proxy(LoopThread):
    """Listens on a free loopback port. `cut` may be called from any thread; `torn` counts what was cut, by direction."""

    def __init__(self, upstream: str, rng: random.Random, delay: float = 0.0) -> None:
        super().__init__("proxy")
        self.delay = delay  # seconds, each way
        self.torn: Dict[str, int] = {"up": 0, "down": 0}
        self.port = 0
        self.vanish = False  # while it is set, Redis does not learn that a client is gone, as when a host loses its power
        self._upstream = upstream
        self._rng = random.Random(rng.getrandbits(64))
        self._pairs: Dict[Pair, None] = {}
        self._next: Optional[str] = None  # the direction whose next chunk, on whatever connection, is torn

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def cuts(self) -> int:
        return sum(self.torn.values())

    def stop(self) -> None:
        self.vanish = False
        super().stop()

    def cut(self) -> None:
        """Arms one cut: of the next chunk on any connection (mostly a busy one), or of one connection chosen at random."""
        self._loop.call_soon_threadsafe(self._arm)

    def _arm(self) -> None:
        direction = self._rng.choice(("up", "down"))
        pairs = list(self._pairs)
        if pairs and self._rng.random() < 0.5:
            self._rng.choice(pairs).armed = direction
        else:
            self._next = direction

    async def listen(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        self.port = server.sockets[0].getsockname()[1]

    async def _accept(self, client_in: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            server_in, server = await asyncio.open_unix_connection(self._upstream, limit=CHUNK)
        except OSError:
            client.transport.abort()
            return
        client.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = Pair(client, server)
        self._pairs[pair] = None
        try:
            await asyncio.gather(self._carry(pair, "up", client_in, server), self._carry(pair, "down", server_in, client))
        finally:
            self._end(pair)

    async def _carry(self, pair: Pair, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        slow: "asyncio.Queue[Optional[tuple]]" = asyncio.Queue()
        sender = asyncio.ensure_future(self._deliver(slow, sink)) if self.delay else None
        try:
            while True:
                chunk = await source.read(CHUNK)
                if not chunk:
                    if self.vanish and direction == "up":
                        await self._swallow(pair)
                    break
                if pair.armed == direction or self._next == direction:
                    # Everything from nothing to the whole chunk gets through.
                    sink.write(chunk[: self._rng.randint(0, len(chunk))])
                    self.torn[direction] += 1
                    if pair.armed == direction:
                        pair.armed = None
                    else:
                        self._next = None
                    break
                if sender is not None:
                    slow.put_nowait((self._loop.time() + self.delay, chunk))
                else:
                    sink.write(chunk)
                    await sink.drain()
        except (OSError, asyncio.IncompleteReadError):
            if self.vanish and sink is pair.client:
                await self._swallow(pair)
        finally:
            if sender is not None:
                slow.put_nowait(None)
                await sender
            self._end(pair)

    async def _swallow(self, pair: Pair) -> None:
        """Keeps Redis' side open until Redis itself ends it, or the wonder ends."""
        while self.vanish and not pair.server.is_closing():
            await asyncio.sleep(0.02)

    async def _deliver(self, slow: "asyncio.Queue[Optional[tuple]]", sink: asyncio.StreamWriter) -> None:
        while True:
            item = await slow.get()
            if item is None:
                return
            await asyncio.sleep(max(0.0, item[0] - self._loop.time()))
            if not sink.is_closing():
                sink.write(item[1])

    def _end(self, pair: Pair) -> None:
        if pair not in self._pairs:
            return
        del self._pairs[pair]
        for writer in (pair.client, pair.server):
            # What was torn off is on its way; half of the ends are a reset, as when a host goes away.
            if writer is pair.client and self._rng.random() < 0.5 and not writer.is_closing():
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()
