"""The thread that takes jobs from Redis for all queues of a worker: claim, adopt, recover, and give back what is too much.

What it takes goes to `start`, which hands it to a handler thread; freed slots and landed jobs wake it through `slots.turn`.
"""
from __future__ import annotations

import logging
import threading
import time
from typing import Callable, List, Optional, Sequence

from .backoff import Backoff
from .errors import RedisRefused, RedisTooOld, RedisUnavailable
from .heart import Heart
from .link import Link
from .membership import Claim, Membership
from .station import LOOK_SECONDS, PARK_SECONDS, Parker, Slots, Station

log = logging.getLogger("tempest")


class Dispatcher(threading.Thread):
    """Runs until `slots.stopping`. `on_ready` is called once all queues are joined, `on_fatal` with what cannot heal."""

    def __init__(self, url: str, name: str, stations: Sequence[Station], slots: Slots, heart: Heart,
                 start: Callable[[Claim], None], on_ready: Callable[[], None], on_fatal: Callable[[Exception], None]) -> None:
        super().__init__(name="tempest-dispatcher", daemon=True)
        self._url = url
        self._link = Link(url)
        self._name = name
        self._stations = list(stations)
        self._slots = slots
        self._heart = heart
        self._start = start
        self._on_ready = on_ready
        self._on_fatal = on_fatal
        self._ready = False
        self._turn = 0
        self.parkers = [Parker(url, station, level) for station in stations for level in station.levels]

    def run(self) -> None:
        backoff = Backoff()
        for parker in self.parkers:
            parker.start()
        while True:
            try:
                station = self._next_station()
                if station is None:
                    return
                self._serve(station)
                backoff.reset()
            except RedisTooOld as error:
                return self._on_fatal(error)
            except RedisUnavailable as error:
                self._doubt()
                self._rest(backoff, error)
            except RedisRefused as error:
                self._doubt()
                if not self._ready and error.word in ("NOAUTH", "WRONGPASS", "NOPERM"):
                    return self._on_fatal(error)
                if error.word != "FENCED":
                    self._rest(backoff, error)
            except Exception as error:
                log.exception("tempest: the dispatcher met an error it does not know; going on")
                self._doubt()
                self._rest(backoff, error)

    def leave(self, deadline: float) -> None:
        """Ends all memberships after `run` has ended: what is left goes back. Tries until the monotonic `deadline`."""
        if self.is_alive():
            # The thread still waits for a reply. It closes the connection itself when that breaks.
            self._link.end(self, 1.0)
            self._link = Link(self._url)
        for station in self._stations:
            membership = station.membership
            if membership is not None:
                if not membership.fenced:
                    self._leave(membership, deadline)
                self._heart.forget(station.queue, membership.process)
        for parker in self.parkers:
            # Most have ended when their connections were cut; without the right to cut, they would block on.
            parker.end(1.0)
        self._link.close()

    def _leave(self, membership: Membership, deadline: float) -> None:
        backoff = Backoff()
        while True:
            try:
                self._unpark(membership, time.monotonic() + PARK_SECONDS + 1)
                log.info("tempest: left queue %s, %d jobs given back", membership.queue, membership.leave(self._link))
                return
            except (RedisUnavailable, RedisRefused) as error:
                if time.monotonic() > deadline:
                    log.error("tempest: queue %s could not be left: %s; %s stays until others see that it is dead",
                              membership.queue, error, membership.process)
                    return
            time.sleep(min(backoff.next(), max(0.0, deadline - time.monotonic())))

    def _next_station(self) -> Optional[Station]:
        """The next queue with something to do, in turn; None at the end."""
        with self._slots.lock:
            while not self._slots.stopping:
                now = time.monotonic()
                order = self._stations[self._turn:] + self._stations[:self._turn]
                station = next((each for each in order if each.due(now)), None)
                if station is not None:
                    self._turn = (self._stations.index(station) + 1) % len(self._stations)
                    return station
                self._slots.turn.wait(max(0.0, min(each.look_at for each in self._stations) - now))
            return None

    def _serve(self, station: Station) -> None:
        if station.membership is None or station.membership.fenced:
            self._join(station)
        membership = station.membership
        assert membership is not None
        if station.unsure:
            membership.again(self._link)
            self._take(station, membership.recover(self._link))
            station.unsure = False
        with self._slots.lock:
            look = station.landed or station.look_at <= time.monotonic()
            station.landed = False
        if look:
            claims = membership.adopt(self._link)[0]
            higher = self._above(station, membership, claims)
            self._take(station, claims + higher)
        self._claim(station, membership)

    def _above(self, station: Station, membership: Membership, landed: List[Claim]) -> List[Claim]:
        """What waits on the levels above the landed jobs: a parked connection knows nothing of the other levels."""
        free = self._slots.free
        lowest = max((station.levels.index(claim.level) for claim in landed), default=0)
        if lowest == 0 or free == 0:
            return []
        try:
            return membership.claim(self._link, free, station.levels[:lowest])[0]
        except BaseException as error:
            # What landed was not begun. It counts as held no more, so that recover brings it back with what was lost.
            for claim in landed:
                membership.ended(claim.field)
            if isinstance(error, RedisRefused) and error.word == "RESYNC":
                landed.clear()
                return self._resync(station, membership, error)
            raise

    def _claim(self, station: Station, membership: Membership) -> None:
        free = self._slots.free
        if free == 0:
            with self._slots.lock:
                station.look_at = time.monotonic() + LOOK_SECONDS
            return
        try:
            claims, closed, more = membership.claim(self._link, free, station.levels)
        except RedisRefused as error:
            if error.word != "RESYNC":
                raise
            return self._take(station, self._resync(station, membership, error))
        self._take(station, claims)
        broken = {level for level in closed if level.startswith("!")}
        if broken - station.closed:
            log.error("tempest: queue %s: the keys of these levels are no lists: %s", station.queue,
                      ", ".join(sorted(level[1:] for level in broken)))
        with self._slots.lock:
            if not station.landed:
                station.looked(not more, closed)

    def _resync(self, station: Station, membership: Membership, error: RedisRefused) -> List[Claim]:
        log.warning("tempest: queue %s: the reply to a claim was lost; reading what it held", station.queue)
        return membership.recover(self._link, int(error.message.split()[0]))

    def _take(self, station: Station, claims: List[Claim]) -> None:
        """Starts as many as there are free slots, and gives the rest back: another worker may be idle."""
        with self._slots.lock:
            if len(claims) > 1:
                claims = claims[0].membership.ranked(claims)
            now = claims[: self._slots.free]
            self._slots.free -= len(now)
        for claim in now:
            self._start(claim)
        if len(claims) > len(now):
            claims[0].membership.giveback(self._link, claims[len(now):])
            with self._slots.lock:
                station.dry = False

    def _join(self, station: Station) -> None:
        old = station.membership
        if old is not None:
            log.error("tempest: queue %s: %s was fenced; what it ran is dropped, and a new process begins",
                      station.queue, old.process)
            self._heart.forget(station.queue, old.process)
            # A P is never used twice. No connection of ours must land jobs for it from here on, and what they landed when
            # nobody knew it any more goes back: goodbye takes a P that is not registered.
            self._unpark(old, time.monotonic() + PARK_SECONDS + 1)
            old.leave(self._link)
        membership = Membership(station.queue, station.levels, self._name)
        membership.join(self._link)
        self._heart.watch(station.queue, membership.process)
        with self._slots.lock:
            station.membership = membership
            station.dry = station.landed = station.unsure = False
            station.look_at = 0.0
        if not self._ready and all(each.membership is not None for each in self._stations):
            self._ready = True
            self._on_ready()

    def _unpark(self, membership: Membership, deadline: float) -> None:
        """Returns when no connection can land a job for P any more, as far as that is known here."""
        membership.cut(self._link)
        while any(parker.parked_for is membership for parker in self.parkers) and time.monotonic() < deadline:
            time.sleep(0.005)
            membership.cut(self._link)

    def _doubt(self) -> None:
        """A reply was lost: P may hold jobs that nobody here has seen."""
        for station in self._stations:
            station.unsure = True

    def _rest(self, backoff: Backoff, error: Exception) -> None:
        seconds = backoff.next()
        log.warning("tempest: %s; trying again in %.1f s", error, seconds)
        with self._slots.lock:
            self._slots.turn.wait_for(lambda: self._slots.stopping, seconds)
