"""A caller's inbox on one queue: registered in Redis, read by a thread of its own, shared by all calls of a client.

Answers are deleted in Redis only when the next read confirms them, so a broken connection loses none.
"""
from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Deque, Dict, Optional

from . import functions
from .backoff import Backoff
from .credits import credit, give_up, warn
from .envelope import JobId, parse_answer
from .errors import ClientClosed, EnvelopeError, RedisRefused, RedisUnavailable, TempestError
from .keys import inbox_key, new_id
from .link import Link, NotLetIn
from .log_lines import say
from .outage import Outage
from .reply import Reply
from .turn import Turn

PARK_SECONDS = 5
READ_MOST = 1000
READ_BYTES = 1024 * 1024


class Inbox(threading.Thread):
    """Starts with `start`; `id` is what jobs carry as respond_to. `late` counts answers that nobody waited for."""

    def __init__(self, url: str, queue: str, outage: Outage) -> None:
        super().__init__(name=f"tempest-inbox-{queue}", daemon=True)
        self._outage = outage
        self.queue = queue
        self.id = new_id()
        self.late = 0
        self._link = Link(url, blocking=PARK_SECONDS)
        self._turn = Turn()
        self._full = Backoff()
        self._refusal = ""  # what Redis said last of the blocking read
        self._replies: Dict[JobId, Reply] = {}
        self._left: Deque[JobId] = deque()  # jobs whose streams were dropped: to be cancelled
        # Worth nothing on another connection: the Redis behind it may have forgotten its last second, and would delete new answers in the
        # places of those.
        self._position: Optional[int] = None
        self._heard = 0  # the connection of the link on which Redis has said it
        self._listening = False
        self._closed = self._abandoned = False
        self._trouble: Optional[TempestError] = None

    @property
    def has_ended(self) -> bool:
        return self._closed

    def await_listening(self, deadline: Optional[float]) -> None:
        """Returns once the inbox is registered; raises what stood in the way if it is not by the monotonic deadline."""
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not self._turn.wait_for(lambda: self._listening or self._closed, wait):
            raise self._trouble or RedisUnavailable("the inbox could not be registered in time")
        if self._closed:
            raise self._trouble or ClientClosed("the client is closed")

    def expect(self, job_id: JobId, whole: bool, window: int = 0) -> Reply:
        with self._turn.lock:
            if self._closed:
                raise ClientClosed("the client is closed")
            reply = self._replies[job_id] = Reply(whole, window)
            return reply

    def forget(self, job_id: JobId) -> None:
        with self._turn.lock:
            self._replies.pop(job_id, None)

    def leave(self, job_id: JobId) -> None:
        """Nobody wants the answers of this job any more: it is cancelled when the thread comes round. Takes no lock, because the garbage
        collector calls it."""
        self._left.append(job_id)

    def close(self) -> None:
        """Stops reading and fails the calls that still wait. What is to be said to Redis is left to `part`."""
        with self._turn.lock:
            self._closed = True
            replies = dict(self._replies)
            self._turn.changed()
        for job_id, reply in replies.items():
            if reply.is_wanted:
                self.leave(job_id)
            reply.close()
        self._link.end(self)

    def abandon(self) -> None:
        """The client was collected: the thread parts with Redis and ends, and nobody waits for that."""
        self._abandoned = self._closed = True
        self._link.abort()

    def part(self, link: Link) -> None:
        """Cancels the jobs of streams that nobody reads any more, and unregisters the inbox."""
        self._give_up_left(link)
        functions.call(link, "unlisten", self.queue, self.id)

    def run(self) -> None:
        try:
            self._run()
            if self._abandoned and self._listening:
                self.part(self._link)
        except (RedisUnavailable, RedisRefused):
            pass  # it is swept when others see that it stands still
        finally:
            self._closed = True
            self._outage.forget(self.name)
            self._link.close()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._closed:
            try:
                self._read()
                self._outage.back(self.name)
                backoff.reset()
            except NotLetIn as error:
                if not self._listening:
                    return self._end(error.refused)
                self._rest(backoff, error)
            except RedisUnavailable as error:
                self._rest(backoff, error)
            except RedisRefused as error:
                if not self._listening:
                    return self._end(error)
                if error.word in ("FENCED", "BADARG"):
                    self._position = None  # swept or flushed: listen again, and read on from where it says
                    if error.word == "FENCED":
                        continue
                self._rest(backoff, error)
            except TempestError as error:
                return self._end(error)

    def _end(self, error: TempestError) -> None:
        """Nothing is read any more; those who wait for the inbox are told why, and the next to come makes another."""
        with self._turn.lock:
            self._trouble, self._closed = error, True
            self._turn.changed()

    def _read(self) -> None:
        self._link.open()
        if self._position is None or self._heard != self._link.connects:
            self._heard = self._link.connects
            functions.ensure(self._link)
            self._position = int(functions.call(self._link, "listen", self.queue, self.id))
            with self._turn.lock:
                self._listening, self._trouble = True, None
                self._turn.changed()
            self._credit_again()
        self._give_up_left(self._link)
        answers = functions.call(self._link, "read", self.queue, self.id, self._position, READ_MOST, READ_BYTES)
        for data in answers:
            self.deliver(data)
        self._position += len(answers)
        if not answers:
            self._park()

    def _park(self) -> None:
        """Waits for the next answer by a look that takes nothing away: the head of the list moves to where it is."""
        key = inbox_key(self.queue, self.id)
        try:
            self._link.call("BLMOVE", key, key, "LEFT", "LEFT", PARK_SECONDS)
        except RedisRefused as error:
            # Redis is there, and functions run on: it is asked again and again, by those who are full or lack the right to block.
            if self._refusal != str(error):
                self._refusal = str(error)
                severity = logging.ERROR if error.word == "NOPERM" else logging.WARNING
                say(severity, "Redis refuses the blocking read of an inbox; trying again", queue=self.queue, error=error)
            seconds = self._full.next()
            self._turn.wait_for(lambda: self._closed, seconds)
        else:
            self._refusal = ""
            self._full.reset()

    def _give_up_left(self, link: Link) -> None:
        while self._left:
            self.forget(self._left[0])
            give_up(link, self.queue, self._left[0])
            self._left.popleft()

    def _credit_again(self) -> None:
        """What was said of used answers may be lost, and their workers would wait for it."""
        with self._turn.lock:
            replies = [(job_id, reply.used) for job_id, reply in self._replies.items() if reply.window and reply.used]
        for job_id, used in replies:
            try:
                credit(self._link, self.queue, job_id, used)
            except RedisRefused as error:
                warn(self.queue, job_id, error)

    def deliver(self, data: bytes) -> None:
        """Passes on what came to the inbox, by its job id."""
        try:
            answer = parse_answer(data)
        except EnvelopeError as error:
            say(logging.WARNING, "what came to the inbox is not an answer", queue=self.queue, reason=error.reason, error=error.message)
            return
        with self._turn.lock:
            reply = self._replies.get(answer.job_id)
        if reply is None or not reply.offer(answer):
            with self._turn.lock:
                self.late += 1

    def _rest(self, backoff: Backoff, error: TempestError) -> None:
        seconds = backoff.next()
        if self._closed:
            return
        self._trouble = error
        self._outage.lost(self.name, error)
        self._turn.wait_for(lambda: self._closed, seconds)
