"""All that is on its way to one node: the answers that wait, in their order, the thread that sends them, and its connection.

direct_sender.py has one for each node, so that a node that is away or hostile holds up nobody's answers but its own.
"""
from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, List, Optional

from . import direct_payload
from .backoff import Backoff
from .direct_link import DirectLink, NoNode, Reply
from .envelope import parse_answer, reread_job
from .errors import TempestError
from .log_lines import NAME_MOST, say
from .membership import Claim
from .networks import Target

BATCH_ANSWERS = 100
BATCH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Place:
    """Where a node is: its host as it was written, in small letters, and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(eq=False)
class DirectAnswer:
    """One answer, encoded as for an inbox. `done` hears True when the node has it, or nobody there wants it, and False when the claim is
    gone or the worker has ended: then the job must not be settled."""

    claim: Claim
    bytes: bytes
    done: Callable[[bool], None]

    @property
    def is_held(self) -> bool:
        return not self.claim.membership.fenced


class DirectLine(threading.Thread):
    """`add` is called under the lock. `on_rest` too, when nothing waits any more: whether the line is to end, to make room for another.

    A node that was away for `patience` seconds loses what waits for it; what comes later is tried once. After `idle` seconds without an
    answer the line ends, and is not used again: `ended`.
    """

    def __init__(self, place: Place, target: Target, lock: Any, on_rest: Callable[["DirectLine"], bool],
                 patience: float, idle: float) -> None:
        super().__init__(name=f"tempest-direct-{place}", daemon=True)
        self.place = place
        self.used = time.monotonic()
        self.ended = False
        self._target = target
        self._turn = threading.Condition(lock)
        self._on_rest = on_rest
        self._patience = patience
        self._idle = idle
        self._waiting: Deque[DirectAnswer] = deque()
        self._busy = 0
        self._link: Optional[DirectLink] = None
        self._failing: Optional[float] = None  # since when nothing has reached the node
        self._backoff = Backoff()

    @property
    def count(self) -> int:
        """Answers on their way."""
        return len(self._waiting) + self._busy

    def add(self, answer: DirectAnswer) -> None:
        self._waiting.append(answer)
        self.used = time.monotonic()
        self._turn.notify_all()

    def wait(self, seconds: float) -> None:
        """Called under the lock, which it leaves: until one answer less is on its way, or the seconds are over."""
        self._turn.wait(seconds)

    def end(self) -> None:
        """Called under the lock: nothing more is sent."""
        self.ended = True
        self._turn.notify_all()

    def run(self) -> None:
        try:
            while True:
                batch = self._next()
                if batch is None:
                    return
                try:
                    self._deliver(batch)
                except Exception as error:
                    # A fault of this library must not leave claims behind that nobody settles.
                    self._drop(batch, error)
        finally:
            self._hang_up()
            with self._turn:
                self.ended = True
                left = list(self._waiting)
                self._waiting.clear()
            for answer in left:
                answer.done(False)

    def _next(self) -> Optional[List[DirectAnswer]]:
        """What is to be sent next, in its order; None at the end."""
        with self._turn:
            self._busy = 0
            if not self._waiting and not self.ended and self._on_rest(self):
                return None
            until = time.monotonic() + self._idle
            while not self._waiting and not self.ended:
                left = until - time.monotonic()
                if left <= 0:
                    self.ended = True
                    break
                self._turn.wait(left)
            if self.ended:
                return None
            batch: List[DirectAnswer] = []
            size = 0
            while self._waiting and len(batch) < BATCH_ANSWERS and size < BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].bytes)
            self._busy = len(batch)
            return batch

    def _deliver(self, batch: List[DirectAnswer]) -> None:
        """Until each has reached the node, was dropped, or may not be sent any more; those that are done leave the batch."""
        while batch:
            for answer in [answer for answer in batch if self.ended or not answer.is_held]:
                self._finish(batch, answer, False)
            if not batch:
                return
            try:
                self._send(batch)
                self._failing = None
                self._backoff.reset()
                return
            except NoNode as error:
                self._hang_up()
                self._drop(batch, error)
            except OSError as error:
                self._failing = time.monotonic() if self._failing is None else self._failing
                self._hang_up()
                if self.ended:
                    continue
                if time.monotonic() - self._failing >= self._patience:
                    with self._turn:
                        batch += self._waiting
                        self._waiting.clear()
                    self._drop(batch, error)
                else:
                    self._pause()

    def _send(self, batch: List[DirectAnswer]) -> None:
        """One attempt at all of them."""
        if self._link is not None and self._link.is_stale:
            self._hang_up()
        if self._link is None:
            self._link = DirectLink(self._target, self.place.port, lambda: self.ended)
        commands = []
        for answer in list(batch):
            words = self._words(answer, self._link.reads_meta)
            if words is None:
                self._finish(batch, answer, True)
            else:
                commands.append(words)
        for answer, reply in zip(list(batch), self._link.tell(commands)):
            self._heard(reply)
            self._finish(batch, answer, True)

    def _words(self, answer: DirectAnswer, reads_meta: bool) -> Optional[List[bytes]]:
        try:
            read = parse_answer(answer.bytes)
            is_request = read.error is not None and direct_payload.is_request(reread_job(answer.claim.payload))
            words = direct_payload.words(read, is_request, reads_meta)
        except TempestError as error:
            say(logging.WARNING, "an answer cannot be written as JSON", queue=answer.claim.membership.queue, claim=answer.claim.field,
                address=self.place, error=error)
            return None
        if words is None:
            say(logging.WARNING, "a node of the original cannot be told of a failure", action=read.action[:NAME_MOST],
                job_id=str(read.job_id)[:NAME_MOST], address=self.place)
        return words

    def _heard(self, reply: Reply) -> None:
        if reply.kind == b"-":
            say(logging.WARNING, "a node refused an answer", address=self.place, error=(reply.text or b"").decode("utf-8", "replace"))
        elif reply != Reply(b"+", b"OK"):
            say(logging.DEBUG, "nobody waits for an answer any more", address=self.place)

    def _drop(self, batch: List[DirectAnswer], error: Exception) -> None:
        if batch:
            say(logging.WARNING, "an answer was dropped", address=self.place, answers=len(batch) if len(batch) > 1 else None, error=error)
        for answer in list(batch):
            self._finish(batch, answer, True)

    def _finish(self, batch: List[DirectAnswer], answer: DirectAnswer, is_over: bool) -> None:
        batch.remove(answer)
        with self._turn:
            self._busy = len(batch)
            self._turn.notify_all()
        answer.done(is_over)

    def _pause(self) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self.ended, self._backoff.next())

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()
