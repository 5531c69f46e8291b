"""The thread that takes jobs from Redis for all queues of a worker: claim, adopt, recover, and give back what is too much.

What it takes goes to `start`, which hands it to a handler thread; freed slots, landed jobs and ticks wake it through `slots.turn`.
"""
from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Callable, List, Mapping, Optional, Sequence

from . import eviction
from .backoff import Backoff
from .clock import RedisClock
from .errors import RedisRefused, RedisTooOld, RedisUnavailable
from .heart import Heart
from .keys import level_key
from .link import Link, NotLetIn
from .log_lines import say
from .membership import CLAIM_MOST, Claim, Membership
from .node import Node
from .once import is_once
from .outage import Outage
from .running import Running
from .slots import Slots
from .solo import return_landed, unpark
from .station import FULL_SECONDS, PARK_SECONDS, Parker, Station
from .weights import Shares

log = logging.getLogger("tempest")

GIVE_UP_CALLS = 20
# Seconds for the last words to Redis about a queue, and about the next one when it was not there for that.
LAST_SECONDS, HASTE_SECONDS = 1.5, 0.2


@dataclass(frozen=True)
class Hooks:
    """What the dispatcher tells its worker: a job to start, one to give up that nobody can run, that all queues are joined, what
    cannot heal."""

    start: Callable[[Claim], None]
    bury: Callable[[Claim], None]
    ready: Callable[[], None]
    fatal: Callable[[Exception], None]


class Dispatcher(threading.Thread):
    """Runs until `slots.stopping`."""

    def __init__(self, url: str, name: str, lease: float, stations: Sequence[Station], slots: Slots, heart: Heart, node: Node,
                 clock: RedisClock, running: Running, weights: Optional[Mapping[str, int]], actions: Sequence[str],
                 hooks: Hooks, outage: Outage) -> None:
        super().__init__(name="tempest-dispatcher", daemon=True)
        self._outage = outage
        self._url, self._name, self._lease = url, name, lease
        self._link = Link(url)
        self._heard = 0  # the connection of the link on which the stations are known
        self._identity: Optional[str] = None  # what Redis called that connection
        self._stations = list(stations)
        self._slots = slots
        self._heart = heart
        self._node = node
        self._clock = clock
        self._running = running
        self._shares = {station: Shares(station.levels, weights) for station in stations} if weights else {}
        self._actions = actions
        self._hooks = hooks
        self._ready = False
        self._is_unheard = False
        self._turn = 0
        self._state = ""  # what the node's record says
        self._announce_at = 0.0  # a full Redis did not take it: when it is tried again
        self.parkers = [Parker(url, station, level) for station in stations for level in station.levels]

    def run(self) -> None:
        backoff = Backoff()
        for parker in self.parkers:
            parker.start()
        while True:
            try:
                work = self._next()
                if work is None:
                    return self._settle_down()
                work()
                self._outage.back("dispatcher")
                backoff.reset()
            except RedisTooOld as error:
                return self._hooks.fatal(error)
            except RedisUnavailable as error:
                self.doubt()
                if not self._ready and isinstance(error, NotLetIn):
                    return self._hooks.fatal(error.refused)
                self._rest(backoff, error)
            except RedisRefused as error:
                self.doubt()
                if not self._ready and error.word == "NOPERM":
                    return self._hooks.fatal(error)
                if error.word != "FENCED":
                    self._rest(backoff, error)
            except Exception as error:
                log.exception("the dispatcher met an error it does not know; going on")
                self.doubt()
                self._rest(backoff, error)

    def doubt(self) -> None:
        """A reply was lost, or Redis may be another one: P may hold jobs that nobody here has seen."""
        with self._slots.lock:
            for station in self._stations:
                station.unsure = station.landed = True
            self._slots.turn.notify_all()

    def leave(self, deadline: float) -> bool:
        """Ends all memberships after `run` has ended: what is left goes back. Tries until the monotonic `deadline` where there is
        something left, and else for a moment: others find out anyway. Whether Redis has heard it."""
        # The thread may still wait for a reply. Only when it has ended is the connection ours: it closes it when that breaks.
        self._link.end(self, 5.0)
        if self.is_alive():
            self._say_unheard("the dispatcher does not end")
            return False
        has_heard = True
        for station in self._stations:
            membership = station.membership
            if membership is not None:
                if not membership.fenced:
                    soon = time.monotonic() + (LAST_SECONDS if has_heard else HASTE_SECONDS)
                    has_heard = self._leave(membership, max(deadline, soon) if membership.holds and has_heard else soon) and has_heard
                self._heart.forget(station.queue, membership.process)
        for parker in self.parkers:
            # Most have ended when their connections were cut; without the right to cut, they would block on.
            parker.end(1.0 if has_heard else 0.1)
        try:
            if has_heard:
                self._node.remove(self._link)
        except (RedisUnavailable, RedisRefused) as error:
            log.debug("the record of %s stays: %s", self._node.id, error)
        self._link.close()
        return has_heard

    def _settle_down(self) -> None:
        """What is parked or landed is let go at once: handlers may still run for the whole grace."""
        try:
            self._change("stopping")
        except (RedisUnavailable, RedisRefused) as error:
            log.debug("what landed stays until the end: %s", error)

    def _leave(self, membership: Membership, deadline: float) -> bool:
        """Tries at least once."""
        backoff = Backoff()
        while True:
            # Of a Redis that hangs, a try must not take longer than there is time.
            self._link.hurry(min(5.0, max(HASTE_SECONDS, deadline - time.monotonic())))
            try:
                self._part(membership, time.monotonic() + PARK_SECONDS + 1)
                membership.leave(self._link)
                return True
            except (RedisUnavailable, RedisRefused) as error:
                if time.monotonic() >= deadline:
                    self._say_unheard(error)
                    return isinstance(error, RedisRefused)
            time.sleep(min(backoff.next(), max(0.0, deadline - time.monotonic())))

    def _say_unheard(self, error: object) -> None:
        if not self._is_unheard:
            say(logging.WARNING, "Redis did not hear the goodbye: other workers take what is left when the lease is over", error=error)
        self._is_unheard = True

    def _next(self) -> Optional[Callable[[], None]]:
        """What is to be done next: each queue in turn; None at the end."""
        with self._slots.lock:
            while not self._slots.stopping:
                if self._slots.troubled:
                    return self._recognise
                now = time.monotonic()
                state = "quiet" if self._slots.quiet else "running"
                is_announced = not self._ready or state == self._state
                if not is_announced and now >= self._announce_at:
                    return partial(self._change, state)
                order = self._stations[self._turn:] + self._stations[:self._turn]
                station = next((each for each in order if each.due(now)), None)
                if station is not None:
                    self._turn = (self._stations.index(station) + 1) % len(self._stations)
                    return partial(self._serve, station)
                waits = [wait for wait in (each.wait(now) for each in self._stations) if wait is not None]
                if not is_announced:
                    waits.append(self._announce_at - now)
                self._slots.turn.wait(min(waits, default=None))
            return None

    def _change(self, state: str) -> None:
        self._recognise()
        for station in self._stations:
            # Before anything is adopted: a Redis that has forgotten would give numbers a second time.
            self._compare(station)
        if state != "running":
            # First: another worker may have to take what waits for one that knows its action.
            for station in self._stations:
                if station.membership is not None:
                    station.membership.know_nothing(self._link)
            unpark(self._link, self.parkers)
            return_landed(self._link, self._stations)
        self._announce(state)

    def _announce(self, state: str) -> None:
        queues = {station.queue: station.membership.process for station in self._stations if station.membership is not None}
        try:
            self._node.write(self._link, state, queues, self._clock.now)
        except RedisRefused as error:
            # What is said to people must not keep jobs waiting.
            if error.word == "OOM":
                self._announce_at = time.monotonic() + FULL_SECONDS
                return
            say(logging.WARNING, "this worker is not on record for `tempest workers`", error=error)
        self._state = state

    def _recognise(self) -> None:
        """Connects. Behind another connection may be a Redis that has forgotten; behind the same one too, if what stands between has
        kept it. An idle link learns of neither by itself, so it is looked at when any other connection has had trouble."""
        with self._slots.lock:
            troubled, self._slots.troubled = self._slots.troubled, False
        self._link.open()
        if self._heard == self._link.connects and not troubled:
            return
        before, self._identity = self._identity, self._link.identify(anew=True)
        if self._heard and (before is None or before != self._identity):
            # Who may not ask Redis who it is cannot be sure that it is the same.
            for each in self._stations:
                each.unsure = True
        self._heard = self._link.connects

    def _serve(self, station: Station) -> None:
        self._recognise()
        if station.membership is None or station.membership.fenced:
            self._join(station)
        membership = station.membership
        assert membership is not None
        self._compare(station)
        with self._slots.lock:
            look = station.landed
            station.landed = False
            alone = station.may_run_alone(time.monotonic())
            unknown, station.unknown = station.unknown, False
        if unknown:
            self._give_up(membership)
        if look:
            claims = membership.adopt(self._link)[0]
            higher = self._above(station, membership, claims)
            self._take(station, claims + higher)
        elif alone:
            self._run_alone(station, membership)
        self._claim(station, membership)

    def _give_up(self, membership: Membership) -> None:
        """Jobs that nobody has a handler for, as many as have waited long enough; but other queues have their turn, too."""
        for _ in range(GIVE_UP_CALLS):
            claims = membership.unknown(self._link)
            if not claims:
                return
            for claim in claims:
                self._hooks.bury(claim)

    def _compare(self, station: Station) -> None:
        """Takes what P holds and nobody here has seen, if that is in doubt."""
        membership = station.membership
        if not station.unsure or membership is None or membership.fenced:
            return
        station.unsure = False
        try:
            self._take(station, membership.recover(self._link))
            self._ask_of_running(membership)
        except BaseException:
            station.unsure = True
            raise

    def _ask_of_running(self, membership: Membership) -> None:
        """Cancellations are news, and nobody may have listened: asked are those that run."""
        ids = [str(context.job_id) for context in self._running.of(membership.queue)]
        if ids:
            for id in membership.cancelled(self._link, ids):
                self._running.cancel(membership.queue, id)

    def _run_alone(self, station: Station, membership: Membership) -> None:
        """Takes a job that crashed its processes before, with nothing beside it: whatever happens then is its own doing."""
        with self._slots.lock:
            if not station.may_run_alone(time.monotonic()):
                return
            self._slots.alone = True
        claims: List[Claim] = []
        try:
            unpark(self._link, self.parkers)
            return_landed(self._link, self._stations)
            claims = self._begun(membership, membership.suspect(self._link))
        finally:
            with self._slots.lock:
                self._slots.draining = False
                self._slots.free -= len(claims)
                if not claims:
                    self._slots.alone = False
                    station.found_no_suspect()
                for each in self._stations:
                    each.dry = False
        for claim in claims:
            say(logging.INFO, "a job that crashed its process runs alone", queue=station.queue, level=claim.level, claim=claim.field)
            self._hooks.start(claim)

    def _above(self, station: Station, membership: Membership, landed: List[Claim]) -> List[Claim]:
        """What waits on the levels above the landed jobs: a parked connection knows nothing of the other levels."""
        room = self._slots.room
        lowest = max((station.levels.index(claim.level) for claim in landed), default=0)
        if lowest == 0 or room == 0 or self._shares:
            return []
        try:
            return membership.claim(self._link, room, station.levels[:lowest])[0]
        except BaseException as error:
            # What landed was not begun. It counts as held no more, so that recover brings it back with what was lost.
            for claim in landed:
                membership.ended(claim.field)
            if isinstance(error, RedisRefused) and error.word == "RESYNC":
                landed.clear()
                return self._resync(station, membership, error)
            raise

    def _claim(self, station: Station, membership: Membership) -> None:
        want = min(self._slots.room, CLAIM_MOST)  # what is shared is what is asked for
        if want == 0:
            return
        levels = self._shares[station].next(want) if self._shares else station.levels
        try:
            claims, closed, more = membership.claim(self._link, want, levels)
        except RedisRefused as error:
            if error.word != "RESYNC":
                raise
            return self._take(station, self._resync(station, membership, error))
        if self._shares and more and len(claims) < want:
            self._shares[station].cut_short(Counter(claim.level for claim in claims))
        self._take(station, claims)
        broken = {level for level in closed if level.startswith("!")}
        if broken - station.closed:
            for level in sorted(broken - station.closed):
                say(logging.ERROR, "a level's key is not a list: its jobs cannot be served; delete or rename the key",
                    queue=station.queue, level=level[1:], key=level_key(station.queue, level[1:]))
        with self._slots.lock:
            if not station.landed:
                station.looked(not more, closed)

    def _resync(self, station: Station, membership: Membership, error: RedisRefused) -> List[Claim]:
        log.debug("queue %s: the reply to a claim was lost; reading what it held", station.queue)
        return membership.recover(self._link, int(error.message.split()[0]))

    def _take(self, station: Station, claims: List[Claim]) -> None:
        """Starts as many as there is room for, and gives the rest back: another worker may be idle."""
        with self._slots.lock:
            if len(claims) > 1:
                claims = claims[0].membership.ranked(claims)
            now = claims[: self._slots.room]
            self._slots.free -= len(now)
        try:
            begun = self._begun(claims[0].membership, now) if now else now
        except BaseException:
            for claim in claims[len(now):]:
                claim.membership.ended(claim.field)
            self._release(len(now))
            raise
        self._release(len(now) - len(begun))
        for claim in begun:
            self._hooks.start(claim)
        if len(claims) > len(now):
            claims[0].membership.giveback(self._link, claims[len(now):])
            with self._slots.lock:
                station.dry = False

    def _begun(self, membership: Membership, claims: List[Claim]) -> List[Claim]:
        """Marks those that are to be run once, in one call; without them there is none. Those that may be run."""
        once = [claim for claim in claims if is_once(claim)]
        if not once:
            return claims
        try:
            ours = membership.begin(self._link, once)
        except BaseException:
            # Nothing was run. They count as held no more, so that recover finds them.
            for claim in claims:
                membership.ended(claim.field)
            raise
        lost = [claim for claim in once if claim.field not in ours]
        for claim in lost:
            say(logging.WARNING, "a job was given to another process before it was begun", queue=membership.queue, claim=claim.field)
            membership.ended(claim.field)
        return [claim for claim in claims if claim not in lost] if lost else claims

    def _release(self, slots: int) -> None:
        if slots:
            with self._slots.lock:
                self._slots.free += slots

    def _join(self, station: Station) -> None:
        old = station.membership
        if old is not None:
            say(logging.WARNING, "fenced: what it ran is dropped, and a new process begins", queue=station.queue, process=old.process)
            self._running.interrupt(old.process)
            self._heart.forget(station.queue, old.process)
            # A P is never used twice. No connection of ours must land jobs for it from here on, and what they landed when
            # nobody knew it any more goes back: goodbye takes a P that is not registered.
            self._part(old, time.monotonic() + PARK_SECONDS + 1)
            old.leave(self._link)
        self._heart.await_up()
        membership = Membership(station.queue, station.levels, self._actions, self._name, self._lease)
        membership.join(self._link)
        if self._clock.now is None:
            self._clock.ask(self._link)
        self._heart.watch(membership)
        with self._slots.lock:
            station.membership = membership
            station.dry = station.landed = station.unsure = False
            station.suspects = 0
        if old is not None:
            say(logging.INFO, "joined again", queue=station.queue, process=membership.process)
        if all(each.membership is not None for each in self._stations):
            self._state = ""  # the record names each P
            if not self._ready:
                self._ready = True
                self._hooks.ready()
                lossy = eviction.warning(self._link)
                if lossy:
                    say(logging.WARNING, lossy)

    def _part(self, membership: Membership, deadline: float) -> None:
        """Returns when no connection can land a job for P any more, as far as that is known here."""
        membership.cut(self._link)
        while any(parker.parked_for is membership for parker in self.parkers) and time.monotonic() < deadline:
            time.sleep(0.005)
            membership.cut(self._link)

    def _rest(self, backoff: Backoff, error: Exception) -> None:
        seconds = backoff.next()
        if isinstance(error, RedisRefused) and error.word == "NOPERM":
            # Trouble with Redis passes. A right that is missing does not, and is an error each time.
            say(logging.ERROR, "Redis refuses what this worker needs; trying again", error=error)
        else:
            self._outage.lost("dispatcher", error)
        with self._slots.lock:
            self._slots.turn.wait_for(lambda: self._slots.stopping, seconds)
