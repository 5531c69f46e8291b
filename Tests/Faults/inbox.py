"""The harness's own inbox: registered with `listen`, read raw with `read`, every final answer counted by job id.

A Redis that is killed may forget its last second: answers that were read, and the ends of their jobs. What then stands in the same places is
new, and those jobs are run and answered again. So places are compared by what stood there, and forgotten answers are taken off the count.
"""
from __future__ import annotations

import json
import threading
import time
from typing import Dict, List, Optional, Set, Tuple

from redis_server import RedisServer
from wire import ErrorReply, Gone


class Inbox(threading.Thread):
    """Reads until `finish`. `answers`: job id -> [(error code or None, ns of arrival), …], final answers only. `forgotten`: jobs of which an
    answer was read that Redis does not know any more."""

    def __init__(self, server: RedisServer, queue: str, name: str) -> None:
        super().__init__(name="inbox", daemon=True)
        self.id = name
        self.answers: Dict[str, List[Tuple[Optional[str], int]]] = {}
        self.forgotten: Set[str] = set()
        self.total = 0
        self.moved = threading.Condition()
        self.fenced = 0
        self.trouble: Optional[BaseException] = None
        self._server = server
        self._queue = queue
        self._key = f"{{{queue}}}:in:{name}"
        self._over = threading.Event()
        self._position = 0
        # What was counted, by its place in all that the inbox ever held.
        self._places: List[bytes] = []

    def run(self) -> None:
        try:
            while not self._over.is_set():
                wire = self._server.wire(5.0)
                try:
                    self._position = int(wire.call("FCALL", "tempest1_listen", 1, self._queue, self.id))
                    if self._position == 0:
                        self._places.clear()  # a new inbox, after FLUSHALL
                    while not self._over.is_set():
                        self._read(wire)
                except (Gone, ErrorReply) as error:
                    # Redis is away, full, flushed, or has no functions at the moment: all of that is the harness's doing.
                    if isinstance(error, ErrorReply) and error.word == "FENCED":
                        self.fenced += 1
                    self._over.wait(0.02)
                finally:
                    wire.close()
        except BaseException as error:
            self.trouble = error
            raise

    def finish(self) -> None:
        self._over.set()
        self.join(10.0)

    def await_total(self, total: int, seconds: float) -> bool:
        with self.moved:
            return self.moved.wait_for(lambda: self.total >= total, seconds)

    def _read(self, wire) -> None:
        items = wire.call("FCALL", "tempest1_read", 1, self._queue, self.id, self._position, 1000, 1 << 20)
        now = time.monotonic_ns()
        if not items:
            try:
                wire.call("BLMOVE", self._key, self._key, "LEFT", "LEFT", 0.5)
            except ErrorReply as error:
                if error.word != "OOM":
                    raise
                self._over.wait(0.01)
            return
        with self.moved:
            for item in items:
                place = self._position
                self._position += 1
                if place < len(self._places):
                    if self._places[place] == item:
                        continue
                    self._forget(place)
                self._places.append(item)
                self._count(item, now)
            self.moved.notify_all()

    @property
    def places(self) -> int:
        """How many answers it has had, as Redis counts them."""
        return len(self._places)

    def _forget(self, place: int) -> None:
        for item in self._places[place:]:
            name = json.loads(item)[1]
            self.forgotten.add(name)
            self.total -= 1
            self.answers[name].pop()
            if not self.answers[name]:
                del self.answers[name]
        del self._places[place:]

    def _count(self, item: bytes, now: int) -> None:
        answer = json.loads(item)
        meta = answer[3] if len(answer) > 3 else {}
        if meta.get("more"):
            return
        error = meta.get("error")
        self.answers.setdefault(answer[1], []).append((error["code"] if error else None, now))
        self.total += 1
