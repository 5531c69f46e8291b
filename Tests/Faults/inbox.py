"""The harness's own inbox: registered with `listen`, read raw with `read`, every final answer counted by job id."""
from __future__ import annotations

import json
import threading
import time
from typing import Dict, List, Optional, Tuple

from redis_server import RedisServer
from wire import ErrorReply, Gone


class Inbox(threading.Thread):
    """Reads until `finish`. `answers`: job id -> [(error code or None, ns of arrival), …], final answers only."""

    def __init__(self, server: RedisServer, queue: str, name: str) -> None:
        super().__init__(name="inbox", daemon=True)
        self.id = name
        self.answers: Dict[str, List[Tuple[Optional[str], int]]] = {}
        self.total = 0
        self.moved = threading.Condition()
        self.fenced = 0
        self.trouble: Optional[BaseException] = None
        self._server = server
        self._queue = queue
        self._key = f"{{{queue}}}:in:{name}"
        self._over = threading.Event()
        # Answers by their place in all that the inbox ever held: a place that was read is not counted again.
        self._position = 0
        self._counted = 0

    def run(self) -> None:
        try:
            while not self._over.is_set():
                wire = self._server.wire(5.0)
                try:
                    self._position = int(wire.call("FCALL", "tempest1_listen", 1, self._queue, self.id))
                    if self._position == 0:
                        self._counted = 0  # a new inbox, after FLUSHALL
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
                self._position += 1
                if self._position > self._counted:
                    self._counted = self._position
                    self._count(item, now)
            self.moved.notify_all()

    def _count(self, item: bytes, now: int) -> None:
        answer = json.loads(item)
        meta = answer[3] if len(answer) > 3 else {}
        if meta.get("more"):
            return
        error = meta.get("error")
        self.answers.setdefault(answer[1], []).append((error["code"] if error else None, now))
        self.total += 1
