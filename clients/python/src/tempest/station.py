"""One queue of a worker: its membership, what is known of its levels, and the threads that park on them.

The dispatcher changes it; ticks tell it what waits; the parkers read it to learn when to park, and wake the dispatcher.
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
from .log_lines import say
from .membership import Membership
from .slots import Slots

log = logging.getLogger("tempest")

FULL_SECONDS = 1.0
PARK_SECONDS = 5
# After nobody could be run alone, though a job waits for it: its level is paused, or another took it.
SUSPECT_BACKOFF = (0.5, 30.0)


class Station:
    """The state of one queue, read and changed under `slots.lock`. `dry`: the last claim found nothing more. `landed`: there is
    something to adopt. `unsure`: a reply was lost. `suspects`: how many jobs wait to be run alone. `unknown`: jobs have waited long enough
    for a worker that has a handler for them, and are to be taken and given up."""

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
        self.suspects = 0
        self.unknown = False
        self.full_until = 0.0
        self._poll_at = 0.0
        self._poll = Backoff(0.05, FULL_SECONDS)
        self._suspect_at = 0.0
        self._suspect_backoff = Backoff(*SUSPECT_BACKOFF)

    def due(self, now: float) -> bool:
        """Whether the dispatcher has something to do here."""
        membership = self.membership
        return (membership is None or membership.fenced or self.landed or self.unsure or self.unknown or self.may_run_alone(now)
                or (self.slots.room > 0 and (not self.dry or 0.0 < self._poll_at <= now)))

    def wait(self, now: float) -> Optional[float]:
        """Seconds until something may be due that nobody wakes the dispatcher for."""
        times = [self._poll_at] if self.slots.room > 0 and self._poll_at else []
        if self.suspects and self.slots.idle and not self.slots.quiet and not self.slots.alone:
            times.append(self._suspect_at)
        return max(0.0, min(times) - now) if times else None

    def looked(self, dry: bool, closed: Set[str]) -> None:
        """What the last claim found. While Redis is full nothing lands, so the dispatcher polls."""
        now = time.monotonic()
        self.dry = dry
        self.closed = closed
        if now < self.full_until:
            self._poll_at = now + self._poll.next()
        else:
            self._poll.reset()
            self._poll_at = 0.0
        if dry and self.slots.room > 0:
            self.park_turn.notify_all()

    def ticked(self, landed: int, waiting: int, suspects: int, keeper: bool, unknown: bool) -> None:
        """What a tick said. The keeper of the clock makes room for a job that is to be run alone: somebody has to."""
        self.landed = self.landed or landed > 0
        self.unknown = self.unknown or unknown
        if waiting:
            self.dry = False
        if suspects == 0:
            self._suspect_backoff.reset()
            self._suspect_at = 0.0
        self.suspects = suspects
        may = suspects > 0 and keeper and not self.slots.quiet and not self.slots.alone
        if may and not self.slots.idle and time.monotonic() >= self._suspect_at:
            if not self.slots.draining:
                say(logging.INFO, "a job that crashed its process waits to run alone: nothing else is begun", queue=self.queue)
            self.slots.draining = True
        self.slots.turn.notify_all()

    def may_run_alone(self, now: float) -> bool:
        return (self.suspects > 0 and now >= self._suspect_at and self.slots.idle
                and not self.slots.quiet and not self.slots.alone and not self.slots.stopping)

    def found_no_suspect(self) -> None:
        self._suspect_at = time.monotonic() + self._suspect_backoff.next()

    def await_park(self, parker: "Parker") -> Optional[Membership]:
        """Blocks a parker until it may park; the membership to park for, or None at the end.

        The parker counts as parked from here on, because nobody could tell whether its BLMOVE is on its way already.
        """
        level = parker.level
        with self.slots.lock:
            while not self.slots.stopping:
                membership = self.membership
                wait = self.full_until - time.monotonic()
                if (membership is not None and not membership.fenced and self.dry and not self.landed and self.slots.room > 0
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

    def trouble(self) -> None:
        """A connection that parks here broke, or is a new one: what it landed may be known to nobody, and Redis may be another one."""
        self.slots.trouble()
        self.wake(landed=True)

    def full(self) -> None:
        """Redis refuses BLMOVE for want of memory: parkers wait, and the dispatcher polls."""
        with self.slots.lock:
            now = time.monotonic()
            self.full_until = now + FULL_SECONDS
            self._poll_at = self._poll_at or now
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
        self._known = 0  # the connection of the link that was parked last
        self._broken = False
        self._refusal = ""

    @property
    def client(self) -> Optional[str]:
        """The id of its connection, by which Redis unblocks it; None if it is not known."""
        identity = self._link.identity
        return None if identity is None else identity.rpartition("/")[2]

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
                if not self._broken:
                    # Told now, and when there is another connection; not each time that Redis is found to be away still.
                    self._broken = True
                    self._station.trouble()
                if not self._over(membership):
                    self._rest(backoff, error)
            except RedisRefused as error:
                self._refused(membership, backoff, error)
            except Exception:
                log.exception("parking on %s of %s failed", self.level, self._station.queue)
                self._rest(backoff, None)
            finally:
                self.parked_for = None

    def _park(self, membership: Membership) -> None:
        self._link.open()
        if self._registered != (membership, self._link.identity) or self._link.identity is None:
            # On record before the first BLMOVE: whoever buries P must be able to cut this connection.
            membership.connect(self._link)
            self._registered = (membership, self._link.identity)
        if self._broken or self._known not in (0, self._link.connects):
            self._broken = False
            self._station.trouble()
        self._known = self._link.connects
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
        # That Redis is away the dispatcher says. A right that is missing does not come by itself, and is an error each time.
        if isinstance(error, RedisRefused) and (error.word == "NOPERM" or str(error) != self._refusal):
            self._refusal = str(error)
            severity = logging.ERROR if error.word == "NOPERM" else logging.WARNING
            say(severity, "Redis refuses the blocking read of a level; trying again", queue=self._station.queue, level=self.level, error=error)
        with self._station.slots.lock:
            self._station.slots.turn.wait_for(lambda: self._station.slots.stopping, seconds)
