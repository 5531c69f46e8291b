"""Ends claims: the thread that settles, in one call, whatever the handlers finished since the last call.

An Outcome comes from execution.py; after it is settled the job is gone from Redis and its answer is in the caller's inbox.
"""
from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Callable, Deque, List, Optional

from . import functions
from .backoff import Backoff
from .direct_line import DirectAnswer
from .direct_sender import DirectSender
from .errors import RedisRefused, RedisUnavailable
from .journeys import go_on
from .link import Link
from .membership import Membership
from .log_lines import say
from .outage import Outage
from .outcome import Outcome, push_elsewhere

log = logging.getLogger("tempest")

BATCH_JOBS = 1000
BATCH_BYTES = 4 * 1024 * 1024
ELSEWHERE_SECONDS = 60.0
REFUSED_SECONDS = 1.0  # until what was refused, and may be taken later, is tried again


class Settler(threading.Thread):
    """`settle` may be called from any thread. `on_fenced` hears of memberships that are no more."""

    def __init__(self, url: str, on_fenced: Callable[[Membership], None], outage: Outage, direct: Optional[DirectSender] = None) -> None:
        super().__init__(name="tempest-settler", daemon=True)
        self._outage = outage
        self._refusal = ""  # what Redis said last when it took an outcome in no form, and may later
        self._link = Link(url)
        self._on_fenced = on_fenced
        self._direct = direct
        self._away = 0  # outcomes whose answers are on their way to a node
        self._waiting: Deque[Outcome] = deque()
        self._busy = 0
        self._turn = threading.Condition()
        self._stopping = False

    def settle(self, outcome: Outcome) -> None:
        with self._turn:
            self._waiting.append(outcome)
            self._turn.notify()

    def drain(self, deadline: float) -> bool:
        """Waits until all is settled, or until the monotonic time `deadline`. Whether all is."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._waiting and not self._busy and not self._away, max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        with self._turn:
            self._stopping = True
            self._turn.notify()

    def end(self, seconds: float) -> None:
        """Waits after `stop` until the thread has ended and its connection is closed, at most for so many seconds."""
        self._link.end(self, seconds)

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._link.close()

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            try:
                late = self._settle_all(batch)
                self._outage.back("settler")
                if not late:
                    self._refusal = ""
                backoff.reset()
            except RedisUnavailable as error:
                # Settling twice harms nothing: the second time the field is not P's any more, and the answer is dropped.
                late = [outcome for outcome in batch if not outcome.is_over]
                for outcome in late:
                    outcome.was_sent = True
                self._pause(backoff, error)
            except Exception:
                log.exception("%d outcomes could not be settled; their jobs go back at the end", len(batch))
                late = []
            with self._turn:
                self._waiting.extendleft(reversed(late))
                self._busy = 0
                self._turn.notify_all()

    def _next_batch(self) -> Optional[List[Outcome]]:
        """Outcomes of one membership that are due, in their order; None at the end."""
        with self._turn:
            while True:
                if self._stopping:
                    return None
                now = time.monotonic()
                due = next((outcome for outcome in self._waiting if outcome.not_before <= now), None)
                if due is not None:
                    break
                # Only answers to other queues wait for a time, and those are looked at twice a second.
                self._turn.wait(0.5 if self._waiting else None)
            batch: List[Outcome] = []
            kept: Deque[Outcome] = deque()
            size = 0
            while self._waiting and len(batch) < BATCH_JOBS and size < BATCH_BYTES:
                outcome = self._waiting.popleft()
                if outcome.claim.membership is due.claim.membership and outcome.not_before <= now:
                    batch.append(outcome)
                    size += outcome.size
                else:
                    kept.append(outcome)
            kept.extend(self._waiting)
            self._waiting = kept
            self._busy = len(batch)
            return batch

    def _settle(self, batch: List[Outcome]) -> List[Outcome]:
        """Settles the batch; returns what has to wait, because another queue had no room for its answer."""
        membership = batch[0].claim.membership
        if membership.fenced:
            return []
        late = [outcome for outcome in batch if not self._answer_elsewhere(outcome)]
        now = [outcome for outcome in batch if outcome not in late and not outcome.is_over and not self._sent_directly(outcome)]
        arguments: List[bytes] = []
        for outcome in now:
            arguments += [outcome.claim.field.encode(), outcome.outcome.encode("utf-8", "replace"),
                          outcome.inbox.encode(), outcome.body]
        if now:
            words = functions.call(self._link, "settle", membership.queue, membership.process, *arguments)
            for outcome, word in zip(now, words):
                membership.ended(outcome.claim.field)
                outcome.is_over = True
                if word == 0 and not outcome.was_sent:
                    say(logging.WARNING, "a job was given to another process while it ran: what it came to is dropped",
                        queue=membership.queue, claim=outcome.claim.field)
                elif word == 2:
                    say(logging.WARNING, "an answer could not be delivered and is dropped", queue=membership.queue,
                        claim=outcome.claim.field, inbox=outcome.inbox, error="the inbox is not a list")
        return late

    def _answer_elsewhere(self, outcome: Outcome) -> bool:
        """Goes on along the job's route, and pushes an answer for another queue's inbox, ahead of the settle. False: it has to be
        tried again."""
        try:
            go_on(self._link, outcome)
        except RedisRefused as error:
            if error.word != "OOM":
                raise
            outcome.not_before = time.monotonic() + 0.5
            return False
        address = outcome.address
        if address is None or address.kind != "elsewhere":
            return True
        try:
            push_elsewhere(self._link, address, outcome.answer)
        except RedisRefused as error:
            now = time.monotonic()
            outcome.give_up = outcome.give_up or now + ELSEWHERE_SECONDS
            if error.word == "OOM" and now < outcome.give_up:
                outcome.not_before = now + 0.5
                return False
            say(logging.WARNING, "an answer could not be delivered and is dropped", queue=outcome.claim.membership.queue,
                claim=outcome.claim.field, inbox=f"{address.inbox}@{address.queue}", error=error)
        outcome.address = None
        return True

    def _sent_directly(self, outcome: Outcome) -> bool:
        """Hands an answer for a node over. The outcome is over here; another, without the answer, comes back once the node has said its
        word, and is settled then."""
        address = outcome.address
        if address is None or address.kind != "direct" or self._direct is None:
            return False
        outcome.is_over = True
        with self._turn:
            self._away += 1

        def done(is_over: bool) -> None:
            with self._turn:
                self._away -= 1
                if is_over:
                    self._waiting.append(replace(outcome, address=None, answer=b"", is_over=False))
                self._turn.notify_all()

        self._direct.send(address, DirectAnswer(outcome.claim, outcome.answer, done))
        return True

    def _settle_all(self, batch: List[Outcome]) -> List[Outcome]:
        """As `_settle`, and one by one when Redis refuses them together: one that is refused must not hold up the others."""
        try:
            return self._settle(batch)
        except RedisRefused as error:
            if self._is_fenced(batch, error):
                return []
            if len(batch) == 1:
                return self._settle_refused(batch[0], error)
        late: List[Outcome] = []
        for outcome in batch:
            try:
                late += self._settle([outcome])
            except RedisRefused as error:
                if self._is_fenced(batch, error):
                    return []
                late += self._settle_refused(outcome, error)
        return late

    def _is_fenced(self, batch: List[Outcome], error: RedisRefused) -> bool:
        membership = batch[0].claim.membership
        if error.word == "FENCED":
            membership.fenced = True
            self._on_fenced(membership)
        return error.word == "FENCED"

    def _settle_refused(self, outcome: Outcome, error: RedisRefused) -> List[Outcome]:
        """What Redis takes in no form would be run again and again: it is dead. Of a user without the right to settle nothing is taken."""
        outcome.not_before = time.monotonic() + REFUSED_SECONDS
        if outcome.goes_back and not outcome.again:
            # These are the functions of an earlier version: it knows no jobs that are put aside.
            functions.ensure(self._link)
            return [outcome]
        if not _is_refusal(error):
            if self._refusal != str(error):
                self._refusal = str(error)
                say(logging.ERROR, "Redis refuses to settle jobs; trying again", queue=outcome.claim.membership.queue, error=error)
            return [outcome]
        dead = Outcome(outcome.claim, f"dead refused {str(error)[:500]}", outcome.address, outcome.answer, was_sent=outcome.was_sent)
        try:
            if self._settle([dead]):
                return [outcome]  # another queue has no room for its answer
        except RedisRefused as again:
            if not self._is_fenced([outcome], again):
                return [outcome]
        outcome.is_over = True
        if dead.is_over:
            say(logging.ERROR, "a job is dead", queue=outcome.claim.membership.queue, claim=outcome.claim.field, reason="refused",
                outcome=outcome.outcome[:200], error=error)
        return []

    def _pause(self, backoff: Backoff, error: Exception) -> None:
        seconds = backoff.next()
        self._outage.lost("settler", error)
        with self._turn:
            self._turn.wait_for(lambda: self._stopping, seconds)


def _is_refusal(error: RedisRefused) -> bool:
    """Whether it is what was asked that Redis does not take: the same would be refused for ever. Anything else may pass: a full Redis, a
    right that is missing."""
    if error.word in ("BADARG", "WRONGTYPE"):
        return True
    return error.word == "ERR" and "@user_function" in error.message
