"""The harness's own browsers: each keeps one request under way on a connection it keeps alive, and holds every byte of the response
against what it asked. What is foreign, torn, cut or refused is counted, and a sentence of each is kept.
"""
from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from response import Cut, Garbage, Response, ResponseReader

HELLO = b"hello, world\n"  # the answer to a request without a body
SLACK = 0.25  # seconds: a front's clock and ours do not begin at the same moment


@dataclass
class Question:
    """One request, and what its answer must be."""

    id: str
    head: bytes
    body: bytes
    streamed: bool

    @property
    def expected(self) -> bytes:
        return self.body or HELLO


@dataclass
class Findings:
    """Counts of requests by what became of them; each is in exactly one of them."""

    requests: int = 0
    whole: int = 0
    chunked: int = 0  # among the whole: those that came in chunks
    aborted: int = 0  # streams that were visibly broken off after their head, as they are to be when their worker dies
    late: int = 0  # 504 after the deadline had passed
    failed: int = 0
    foreign: int = 0  # presented as whole, with another request's bytes or id
    torn: int = 0  # presented as whole, and is not
    left: int = 0  # not among the requests: the browser went away by itself before the answer, or in the middle of it
    latencies: List[float] = field(default_factory=list)  # ms, of the whole ones
    ends: List[Tuple[float, float]] = field(default_factory=list)  # (monotonic s, ms) of the whole ones
    reasons: Dict[str, int] = field(default_factory=dict)
    examples: List[str] = field(default_factory=list)

    def note(self, reason: str, example: str) -> None:
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.examples) < 20:
            self.examples.append(f"{reason}: {example}")

    def as_json(self) -> Dict[str, Any]:
        return {name: getattr(self, name) for name in ("requests", "whole", "chunked", "aborted", "late", "failed", "foreign", "torn")}


class Browsers(threading.Thread):
    """`count` browsers that ask one thing after the other, until `finish`. `pause`: each waits so many seconds between two requests.
    `leaves`: the share of requests that are asked on a connection of their own, and left at a random moment."""

    def __init__(self, address: Tuple[str, int], rng: random.Random, count: int, deadline: float, largest: int = 300_000,
                 streams: float = 0.25, nap: float = 30.0, pause: float = 0.0, leaves: float = 0.0) -> None:
        super().__init__(name="browsers", daemon=True)
        self.findings = Findings()
        self.trouble: Optional[BaseException] = None
        self.busy = 0
        self._address, self._count, self._deadline = address, count, deadline
        self._largest, self._streams, self._nap, self._pause = largest, streams, nap, pause
        self._leaves = leaves
        self._seeds = [rng.getrandbits(64) for _ in range(count)]
        self._over = threading.Event()

    def finish(self, patience: float) -> bool:
        """No new requests; whether all that were under way have ended in time."""
        self._over.set()
        self.join(patience)
        return not self.is_alive()

    def run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:
            self.trouble = error
            raise

    async def _all(self) -> None:
        await asyncio.gather(*(self._browse(place, random.Random(seed)) for place, seed in enumerate(self._seeds)))

    async def _browse(self, place: int, rng: random.Random) -> None:
        link: Optional[Tuple[ResponseReader, asyncio.StreamWriter]] = None
        number = 0
        if self._pause:
            await asyncio.sleep(rng.uniform(0, self._pause))
        try:
            while not self._over.is_set():
                number += 1
                question = self.question(f"b{place:03d}n{number:06d}x{rng.getrandbits(64):016x}", rng)
                if rng.random() < self._leaves:
                    await self._leave(question, rng.choice((0.0, rng.uniform(0.0, 0.1), rng.uniform(0.0, 1.0))))
                else:
                    link = await self._ask(link, question)
                if self._pause:
                    await asyncio.sleep(self._pause)
        finally:
            if link is not None:
                link[1].close()

    def question(self, name: str, rng: random.Random) -> Question:
        """A body of none to `largest` bytes, which begins with the request's id; text or binary, through either codec."""
        kind = rng.random()
        size = 0 if kind < 0.1 else int(rng.uniform(1, 2000)) if kind < 0.65 else int(rng.uniform(2000, 64_000)) if kind < 0.9 else \
            int(rng.uniform(64_000, self._largest))
        size = min(size, self._largest)
        body = b""
        if size:
            filler = rng.randbytes(size)
            if rng.random() < 0.3:
                filler = filler.hex().encode()[:size]  # text, which JSON carries as it is
            body = name.encode() + b":" + filler
        streamed = len(body) > 0 and rng.random() < self._streams
        codec = rng.choice(("json", "msgpack"))
        target = f"/{codec}/{'stream' if streamed else 'echo'}?nap={rng.uniform(0, self._nap):.1f}"
        # Workers that only echo may run a request twice; what may not is the scenario `once`.
        head = (f"POST {target} HTTP/1.1\r\nhost: front\r\nx-id: {name}\r\nidempotency-key: {name}\r\n"
                f"content-length: {len(body)}\r\n\r\n")
        return Question(name, head.encode(), body, streamed)

    async def _ask(self, link: Any, question: Question) -> Any:
        """Asks once, over `link` or a new one; returns the connection if it may be used again."""
        found = self.findings
        found.requests += 1
        self.busy += 1
        began = time.monotonic()
        writer: Optional[asyncio.StreamWriter] = None
        sender: Optional[asyncio.Future] = None
        try:
            if link is None:
                source, writer = await asyncio.open_connection(*self._address, limit=1 << 17)
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link = (ResponseReader(source), writer)
            reader, writer = link
            if reader.surplus:
                found.foreign += 1
                found.note("bytes that belong to no response", question.id)
                writer.close()
                return None
            writer.write(question.head + question.body)
            sender = asyncio.ensure_future(drained(writer))
            response = await asyncio.wait_for(reader.read(), self._deadline * 2 + 30.0)
            if self._judge(question, response, time.monotonic() - began) and not response.closes:
                return link
        except Cut as cut:
            self._judge_cut(question, cut)
        except Garbage as error:
            found.failed += 1
            found.note("no HTTP", f"{question.id}: {error}")
        except (OSError, asyncio.TimeoutError) as error:
            found.failed += 1
            found.note("no answer", f"{question.id}: {error!r} after {time.monotonic() - began:.1f} s")
        finally:
            self.busy -= 1
            if sender is not None:
                await sender
        if writer is not None:
            writer.close()
        return None

    async def _leave(self, question: Question, seconds: float) -> None:
        """Asks, and goes away without waiting for the answer; what comes until then is thrown away."""
        self.findings.left += 1
        try:
            source, writer = await asyncio.open_connection(*self._address)
        except OSError:
            return
        writer.write(question.head + question.body)
        try:
            await asyncio.wait_for(ResponseReader(source).read(), seconds)
        except (OSError, asyncio.TimeoutError, Cut, Garbage):
            pass
        writer.transport.abort()

    def _judge(self, question: Question, response: Response, seconds: float) -> bool:
        """Of a response that was presented as whole; whether its connection may go on."""
        found = self.findings
        if response.status == 504 and seconds >= self._deadline - SLACK:
            found.late += 1
            found.note("504 after the deadline", f"{question.id}: {seconds:.1f} s")
            return True
        if response.status != 200:
            found.failed += 1
            found.note(f"status {response.status}", f"{question.id} after {seconds:.1f} s: {bytes(response.body[:80])!r}")
            return True
        fault = mismatch(question, response)
        if fault == "torn":
            found.torn += 1
            found.note("a part presented as whole", f"{question.id}: {len(response.body)} of {len(question.expected)} bytes")
        elif fault:
            found.foreign += 1
            found.note("not the answer to this request", f"{question.id}: {fault}; {bytes(response.body[:60])!r}")
        else:
            found.whole += 1
            found.chunked += response.chunked
            found.latencies.append(seconds * 1000)
            found.ends.append((time.monotonic(), seconds * 1000))
        return not fault

    def _judge_cut(self, question: Question, cut: Cut) -> None:
        found, response = self.findings, cut.response
        if not response.status:
            found.failed += 1
            found.note("closed without an answer", f"{question.id}: {cut}")
        elif not question.expected.startswith(bytes(response.body)) or response.headers.get("x-id", question.id) != question.id:
            found.foreign += 1
            found.note("the part that came is not of the answer to this request", f"{question.id}: {bytes(response.body[:60])!r}")
        elif response.status == 200 and response.chunked and question.streamed:
            found.aborted += 1
        else:
            found.failed += 1
            found.note("a whole answer was cut off", f"{question.id}: {cut}")


async def drained(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.drain()
    except OSError:
        pass  # the reader says what became of it


def mismatch(question: Question, response: Response) -> str:
    """What is wrong with a whole response: `torn`, or why it is another's; nothing if it is right."""
    if response.headers.get("x-id", question.id) != question.id:
        return f"x-id {response.headers['x-id']}"
    expected = question.expected
    if response.body == expected:
        return ""
    mine = not question.body or response.body.startswith(question.id.encode()[:len(response.body)])
    if len(response.body) < len(expected) and (expected.startswith(bytes(response.body)) or mine):
        return "torn"
    return "other bytes" if len(response.body) == len(expected) else f"{len(response.body)} bytes instead of {len(expected)}"
