"""One queue of a worker: its membership, what is known of its levels, and the threads that park on them.

The dispatcher changes it; the parkers read it to learn when to park, and wake the dispatcher when something landed.
"""
from __future__ import annotations

import logging
import threading
import time
from typing import Optional, Sequence, Set, Tuple

from .backoff import Backoff
from .errors import RedisRefused, RedisUnavailable
from .keys import land_key, level_key
from .link import Link
from .membership import Membership

log = logging.getLogger("tempest")

LOOK_SECONDS = 1.0
PARK_SECONDS = 5


class Slots:
    """How many handler threads are free. Guarded by the lock that the worker, its stations and parkers share."""

    def __init__(self, count: int) -> None:
        self.lock = threading.RLock()
        self.turn = threading.Condition(self.lock)
        self.count = count
        self.free = count
        self.stopping = False


class Station:
    """The state of one queue. All but `membership`'s calls are made under `slots.lock`."""

    def __init__(self, queue: str, levels: Sequence[str], slots: Slots) -> None:
        self.queue = queue
        self.levels = tuple(levels)
        self.slots = slots
        self.park_turn = threading.Condition(slots.lock)
        self.membership: Optional[Membership] = None
        self.dry = False
        self.landed = False
        self.unsure = False
        self.closed: Set[str] = set()
        self.look_at = 0.0
        self.full_until = 0.0
        self._poll = Backoff(0.05, LOOK_SECONDS)

    def due(self, now: float) -> bool:
        """Whether the dispatcher has something to do here."""
        membership = self.membership
        return (membership is None or membership.fenced or self.landed or self.unsure or self.look_at <= now
                or (not self.dry and self.slots.free > 0))

    def looked(self, dry: bool, closed: Set[str]) -> None:
        """What the last claim found. While Redis is full nothing lands, so the next look is sooner."""
        now = time.monotonic()
        self.dry = dry
        self.closed = closed
        if dry and now < self.full_until:
            self.look_at = now + self._poll.next()
        else:
            self._poll.reset()
            self.look_at = now + LOOK_SECONDS
        if dry and self.slots.free > 0:
            self.park_turn.notify_all()

    def await_park(self, parker: "Parker") -> Optional[Membership]:
        """Blocks a parker until it may park; the membership to park for, or None at the end.

        The parker counts as parked from here on, because nobody could tell whether its BLMOVE is on its way already.
        """
        level = parker.level
        with self.slots.lock:
            while not self.slots.stopping:
                membership = self.membership
                wait = self.full_until - time.monotonic()
                if (membership is not None and not membership.fenced and self.dry and not self.landed and self.slots.free > 0
                        and level not in self.closed and "!" + level not in self.closed and wait <= 0):
                    parker.parked_for = membership
                    return membership
                self.park_turn.wait(wait if wait > 0 else None)
            return None

    def wake(self, landed: bool = False) -> None:
        """Something landed, or the membership is no more: the dispatcher shall look at once."""
        with self.slots.lock:
            if landed:
                self.landed = True
                self.dry = False
            self.slots.turn.notify_all()

    def full(self) -> None:
        """Redis refuses BLMOVE for want of memory: parkers wait, and the dispatcher polls."""
        with self.slots.lock:
            self.full_until = time.monotonic() + LOOK_SECONDS
            self.slots.turn.notify_all()


class Parker(threading.Thread):
    """Parks one connection on one level while the queue is dry, so that an idle worker has a job the moment it is there."""

    def __init__(self, url: str, station: Station, level: str) -> None:
        super().__init__(name=f"tempest-park-{station.queue}-{level}", daemon=True)
        self._station = station
        self.level = level
        self._link = Link(url, blocking=PARK_SECONDS)
        self._registered: Tuple[Optional[Membership], Optional[str]] = (None, None)
        self.parked_for: Optional[Membership] = None

    def end(self, seconds: float) -> None:
        """Ends the thread once the worker stops: nothing that it may still land is wanted."""
        self._link.end(self, seconds)

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._link.close()

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            membership = self._station.await_park(self)
            if membership is None:
                break
            try:
                self._park(membership)
                backoff.reset()
            except RedisUnavailable as error:
                if not self._over(membership):
                    self._rest(backoff, error)
            except RedisRefused as error:
                self._refused(membership, backoff, error)
            except Exception:
                log.exception("tempest: parking on %s of %s failed", self.level, self._station.queue)
                self._rest(backoff, None)
            finally:
                self.parked_for = None

    def _park(self, membership: Membership) -> None:
        self._link.open()
        if self._registered != (membership, self._link.identity) or self._link.identity is None:
            # On record before the first BLMOVE: whoever buries P must be able to cut this connection.
            membership.connect(self._link)
            self._registered = (membership, self._link.identity)
        queue = membership.queue
        job = self._link.call("BLMOVE", level_key(queue, self.level),
                              land_key(queue, membership.process, self.level), "LEFT", "RIGHT", PARK_SECONDS)
        self.parked_for = None
        if job is not None:
            self._station.wake(landed=True)

    def _refused(self, membership: Membership, backoff: Backoff, error: RedisRefused) -> None:
        if error.word == "FENCED":
            membership.fenced = True
            self._station.wake()
        elif error.word == "OOM":
            self._station.full()
        elif not self._over(membership):
            self._rest(backoff, error)

    def _over(self, membership: Membership) -> bool:
        return membership.fenced or self._station.slots.stopping or self._station.membership is not membership

    def _rest(self, backoff: Backoff, error: Optional[Exception]) -> None:
        self.parked_for = None
        seconds = backoff.next()
        if error is not None:
            log.warning("tempest: cannot park on %s of %s: %s; again in %.1f s", self.level, self._station.queue, error, seconds)
        with self._station.slots.lock:
            self._station.slots.turn.wait_for(lambda: self._station.slots.stopping, seconds)
