"""One run of a worker: its threads and its beat process, from the first claim to goodbye.

Worker.run makes it. A dispatcher claims jobs, handler threads run them, a settler answers, a small process beats.
"""
from __future__ import annotations

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from . import asynchronous, log_lines
from .clock import RedisClock
from .context import Sender
from .direct_rule import DirectRule
from .direct_sender import DirectSender
from .dispatcher import LAST_SECONDS, Dispatcher, Hooks
from .execution import Bench, execute, unknown
from .handlers import Handler
from .heart import Heart, Listener, Tick
from .membership import Claim, Membership
from .node import Node
from .once import left_behind
from .outage import Outage
from .outcome import Outcome
from .redis_url import read
from .running import Running
from .settler import Settler
from .signals import QUIET
from .slots import Slots
from .station import Station

if TYPE_CHECKING:
    from .worker import Worker

log = logging.getLogger("tempest")


class Shift(Listener):
    """`work` returns when an order to stop came and was followed."""

    def __init__(self, worker: "Worker", handlers: Dict[str, Handler], orders: "SimpleQueue[Any]") -> None:
        self._worker = worker
        self._orders = orders
        self._over = threading.Event()
        self._claims: "SimpleQueue[Optional[Claim]]" = SimpleQueue()
        self._slots = Slots(worker.concurrency)
        self._stations = [Station(queue, worker.levels, self._slots) for queue in worker.queues]
        url = worker.redis_url
        self._clock = RedisClock()
        self._running = Running()
        self._direct = _direct_sender(worker)
        self._bench = Bench(handlers, Sender(url, self._over.is_set, self._over.wait, self._direct), self._running, self._clock,
                            round(worker.unknown_patience * 1000), None if self._direct is None else self._direct.rule)
        outage = Outage()
        self._settler = Settler(url, self._fence, outage, self._direct)
        node = Node(worker.name, worker.concurrency)
        self._heart = Heart({"url": url, "node": node.id, "name": worker.name, "lease": worker.lease}, self, outage)
        hooks = Hooks(self._claims.put, self._bury, self._ready, self._orders.put)
        self._dispatcher = Dispatcher(url, worker.name, worker.lease, self._stations, self._slots, self._heart, node, self._clock,
                                      self._running, worker.weights, list(handlers), hooks, outage)
        self._hands = [threading.Thread(target=self._work, name=f"tempest-handler-{n}", daemon=True)
                       for n in range(worker.concurrency)]

    def work(self) -> None:
        self._heart.start_beating()
        for thread in [self._settler, self._dispatcher, *self._hands]:
            thread.start()
        try:
            order = self._orders.get()
            while order == QUIET:
                self._quiet()
                order = self._orders.get()
        finally:
            self._stop()
        if isinstance(order, Exception):
            raise order

    # What the beat process says; see Listener.

    def ticked(self, tick: Tick) -> str:
        self._clock.set(tick.now, tick.at)
        station = self._station(tick.queue, tick.process)
        if station is None:
            return ""
        with self._slots.lock:
            station.ticked(tick.landed, tick.waiting, tick.suspects, tick.keeper, tick.unknown)
            if self._slots.draining and not any(each.suspects for each in self._stations):
                # Another process took the job for which room was made here.
                self._slots.draining = False
                self._undry()
                self._slots.turn.notify_all()
        return self._running.note(tick.queue, tick.process)

    def fenced(self, queue: str, process: str) -> None:
        station = self._station(queue, process)
        if station is not None and station.membership is not None:
            self._fence(station.membership)

    def cancel(self, queue: str, job_id: str) -> None:
        self._running.cancel(queue, job_id)

    def control(self, order: str) -> None:
        # A second SIGTERM means "at once"; to say stop twice over the network does not.
        if not (order != QUIET and self._slots.stopping):
            self._orders.put(order)

    def sweep(self) -> None:
        self._dispatcher.doubt()

    def trouble(self) -> None:
        self._slots.trouble()

    def hopeless(self, error: Exception) -> None:
        self._orders.put(error)

    def _station(self, queue: str, process: str) -> Optional[Station]:
        for station in self._stations:
            membership = station.membership
            if membership is not None and (station.queue, membership.process) == (queue, process):
                return station
        return None

    def _quiet(self) -> None:
        with self._slots.lock:
            self._slots.quiet = True
            self._slots.draining = False
            self._slots.turn.notify_all()
        log_lines.say(logging.INFO, "tempest worker quiet: it claims no more jobs")

    def _stop(self) -> None:
        deadline = time.monotonic() + self._worker.grace
        with self._slots.lock:
            self._slots.stopping = True
            self._slots.turn.notify_all()
            for station in self._stations:
                station.park_turn.notify_all()
        log_lines.say(logging.INFO, "tempest worker stopping: it claims no more jobs; stop it again to give back at once what it runs",
                      grace_s=self._worker.grace)
        self._dispatcher.join(min(2.0, self._worker.grace))
        if not self._await(self._is_idle, deadline):
            deadline = time.monotonic()
            log_lines.say(logging.WARNING, "handlers still run: their jobs go back to the queue",
                          jobs=self._slots.count - self._slots.free)
            self._leave_behind(deadline + LAST_SECONDS)
        elif not self._await(self._is_settled, deadline):
            deadline = time.monotonic()
            log_lines.say(logging.ERROR, "Redis did not take what some jobs came to: others run them again")
        self._over.set()
        self._running.interrupt()
        self._settler.stop()
        if self._direct is not None:
            self._direct.close()
        # Even without grace left, goodbye has a moment: it is what spares the others a wait.
        is_gone = not self._dispatcher.leave(deadline)
        self._heart.stop(0.2 if is_gone else 2.0)
        for _ in self._hands:
            self._claims.put(None)
        self._settler.end(1.0)
        if self._slots.idle:
            # They end at once and close their connections; one that still runs a handler does when that returns.
            for hand in self._hands:
                hand.join(1.0)
        log_lines.say(logging.INFO, "tempest worker stopped")

    def _await(self, condition: Callable[[float], bool], deadline: float) -> bool:
        """Whether the condition, which may wait for so many seconds, holds before the deadline and before a second order to stop."""
        # Signals wake the main thread only between two waits, so none is long.
        while not condition(min(0.1, max(0.0, deadline - time.monotonic()))):
            try:
                again = self._orders.get_nowait() != QUIET
            except Empty:
                again = False
            if again or time.monotonic() >= deadline:
                return False
        return True

    def _is_idle(self, seconds: float) -> bool:
        with self._slots.lock:
            return self._slots.turn.wait_for(lambda: self._slots.idle, seconds)

    def _is_settled(self, seconds: float) -> bool:
        return self._settler.drain(time.monotonic() + seconds)

    def _leave_behind(self, deadline: float) -> None:
        """Jobs that are to be run once do not go back once they run: their callers are told."""
        left = [(left_behind(context), context.job) for context in self._running.all]
        outcomes = [outcome for outcome, _ in left if outcome is not None]
        for outcome, job in left:
            if outcome is not None:
                log_lines.ended(outcome, job)
        for outcome in outcomes:
            self._settler.settle(outcome)
        if outcomes:
            self._settler.drain(deadline)

    def _work(self) -> None:
        try:
            self._handle()
        finally:
            try:
                asynchronous.close()
            finally:
                self._bench.sender.close()

    def _handle(self) -> None:
        while True:
            claim = self._claims.get()
            if claim is None:
                return
            try:
                outcome = None if claim.membership.fenced else execute(claim, self._bench)
                if outcome is not None:
                    self._settle(outcome)
            except BaseException:
                log.exception("a job could not be run, and goes back when the worker stops: %s", claim.token)
            finally:
                claim = outcome = None  # an idle thread keeps nothing of its last job
                self._freed()

    def _settle(self, outcome: Outcome) -> None:
        address = outcome.address
        if self._direct is not None and address is not None and address.kind == "direct":
            self._direct.wait_for_room(address, outcome.claim)
        self._settler.settle(outcome)

    def _bury(self, claim: Claim) -> None:
        self._settler.settle(unknown(claim, self._bench))

    def _freed(self) -> None:
        with self._slots.lock:
            if self._slots.room == 0:
                # Nobody parked while there was no room, so what was known of the levels is old.
                self._undry()
            self._slots.free += 1
            self._slots.alone = False
            self._slots.turn.notify_all()

    def _undry(self) -> None:
        for station in self._stations:
            station.dry = False

    def _fence(self, membership: Membership) -> None:
        membership.fenced = True
        self._running.interrupt(membership.process)
        for station in self._stations:
            if station.membership is membership:
                station.wake()

    def _ready(self) -> None:
        log_lines.say(logging.INFO, "tempest worker ready", queues=",".join(self._worker.queues), levels=",".join(self._worker.levels),
                      concurrency=self._worker.concurrency, actions=",".join(sorted(self._bench.handlers)))


def _direct_sender(worker: "Worker") -> Optional[DirectSender]:
    if worker.direct_answers is None:
        return None
    redis = read(worker.redis_url)
    return DirectSender(DirectRule(worker.direct_answers, None if redis.socket is not None else redis.port))
