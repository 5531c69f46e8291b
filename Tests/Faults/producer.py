"""Pushes jobs with bare RPUSH, as any program may, and writes down which of them Redis acknowledged."""
from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from inbox import Inbox
from redis_server import RedisServer
from wire import ErrorReply, Gone

LEVELS = ("default", "default", "high", "low")


def level_key(queue: str, level: str) -> str:
    return queue if level == "default" else f"{{{queue}}}:{level}"


class Producer(threading.Thread):
    """Keeps `window` jobs under way until `total` are acknowledged.

    `acknowledged`: job id -> ns of Redis' reply. `unsure`: ids of jobs whose reply never came, which may be queued or not, and are
    never pushed again. `refused`: Redis' error replies and how often each came. `gate()` may hold jobs back: how many may have been
    acknowledged by now.
    """

    def __init__(self, server: RedisServer, queue: str, inbox: Inbox, rng: random.Random, total: int, window: int = 120,
                 nap: Tuple[float, float] = (2.0, 12.0), padding: int = 0, batch: int = 20,
                 gate: Optional[Callable[[], int]] = None, prefix: str = "j") -> None:
        super().__init__(name="producer", daemon=True)
        self.acknowledged: Dict[str, int] = {}
        self.unsure: List[str] = []
        self.refused: Dict[str, int] = {}
        self.written_off = 0  # acknowledged jobs that a scenario destroyed on purpose
        self.total, self.window, self.nap, self.batch = total, window, nap, batch
        self.trouble: Optional[BaseException] = None
        self._server, self._queue, self._inbox = server, queue, inbox
        self._rng = rng
        self._gate = gate
        self._prefix = prefix
        self.action = lambda: "record"  # of the next job
        self._padding = "x" * padding
        self._made = 0
        self._needed = False
        self._extra = 0  # jobs that were pushed while they were needed: neither gate nor total count them
        self._over = threading.Event()
        self._may_push = threading.Lock()

    def rest(self) -> None:
        """Returns when nothing is on its way to Redis, and nothing will be until `go_on`."""
        self._may_push.acquire()

    def go_on(self) -> None:
        self._may_push.release()

    def job(self, action: str = "record", level: Optional[str] = None, nap: Optional[float] = None) -> Tuple[str, str, str]:
        """(id, level, bytes) of a new job."""
        self._made += 1
        name = f"{self._prefix}{self._made}-{self._rng.getrandbits(64):016x}"
        nap = round(self._rng.uniform(*self.nap), 2) if nap is None else nap
        args = [self._made, nap] + ([self._padding] if self._padding else [])
        return name, level or self._rng.choice(LEVELS), json.dumps([action, args, self._inbox.id, name], separators=(",", ":"))

    def run(self) -> None:
        wire = self._server.wire(30.0)
        try:
            while (self._needed or len(self.acknowledged) - self._extra < self.total) and not self._over.is_set():
                room = self.window - (len(self.acknowledged) - self.written_off - self._inbox.total)
                needed, counted = self._needed, len(self.acknowledged) - self._extra
                if not needed:
                    room = min(room, self.total - counted)
                    if self._gate is not None:
                        room = min(room, self._gate() - counted)
                count = min(room, self.batch)
                if count <= 0:
                    with self._inbox.moved:
                        self._inbox.moved.wait(0.02)
                    continue
                with self._may_push:
                    before = len(self.acknowledged)
                    self.push(wire, [self.job(self.action()) for _ in range(count)])
                    if needed:
                        self._extra += len(self.acknowledged) - before
        except BaseException as error:
            self.trouble = error
            raise
        finally:
            wire.close()

    @contextlib.contextmanager
    def needed(self) -> Iterator[None]:
        """Pushes on, beyond gate and total, until the body is over: whoever waits for every worker to consume needs jobs that long, and
        the first to come back must not have run all that there were."""
        self._needed = True
        try:
            yield
        finally:
            self._needed = False

    def enough(self, least: int) -> None:
        """No more than `least` jobs in all, or than there are by now."""
        self.total = max(least, len(self.acknowledged) - self._extra)

    def finish(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join(40.0)

    def push(self, wire, jobs: List[Tuple[str, str, str]]) -> None:
        replies: List[object] = []
        try:
            replies = wire.many([("RPUSH", level_key(self._queue, level), data) for _, level, data in jobs])
        except Gone:
            # Those whose reply came before the cut are acknowledged all the same.
            replies = getattr(wire, "answered", [])
            self._over.wait(0.02)
        now = time.monotonic_ns()
        refused = False
        for place, (name, _, _) in enumerate(jobs):
            if place >= len(replies):
                self.unsure.append(name)
            elif isinstance(replies[place], ErrorReply):
                text = str(replies[place])
                self.refused[text] = self.refused.get(text, 0) + 1
                refused = True
            else:
                self.acknowledged[name] = now
        if refused:
            self._over.wait(0.02)
