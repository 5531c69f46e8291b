"""A worker: the actions that a program answers, the queues it answers them for, and its life from start to stop.

Write `@worker.handler("action")` above functions and call `worker.run()`. Behind it a dispatcher claims jobs, threads run
the handlers, a settler answers, and a small process beats.
"""
from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
import time
from queue import SimpleQueue
from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar, Union

from .context import Sender
from .dispatcher import Dispatcher
from .execution import Handler, execute
from .heart import Heart
from .keys import LEVELS, checked_level, checked_queue
from .membership import Claim, Membership
from .settler import Settler
from .station import Slots, Station

log = logging.getLogger("tempest")

DEFAULT_URL = "redis://127.0.0.1:6379/0"
Function = TypeVar("Function", bound=Callable[..., Any])


class Worker:
    """Answers the jobs of one or more queues with the handlers registered on it.

    Handlers run in `concurrency` threads of this one process: raise it for handlers that wait (for files, networks,
    programs); for handlers that compute, start more processes, because threads of one Python share one GIL. The beat
    that keeps the claims alive comes from a small process of its own, so a handler may hold the GIL as long as it likes.

    - `queues`: a name or several; `levels`: in the order of their priority, strictly.
    - `redis_url`: redis://, rediss:// or unix://; by default REDIS_URL of the environment, else 127.0.0.1:6379.
    - `grace`: seconds that running handlers have after the first SIGTERM or SIGINT before their jobs go back.
    - `name`: the first part of the process's name in Redis; by default the host's name.
    """

    def __init__(self, queues: Union[str, Sequence[str]] = "tempest", levels: Sequence[str] = LEVELS,
                 redis_url: Optional[str] = None, concurrency: int = 1, name: Optional[str] = None,
                 grace: float = 25.0) -> None:
        names = [queues] if isinstance(queues, str) else list(queues)
        if not names or not levels or len(set(names)) != len(names) or len(set(levels)) != len(levels):
            raise ValueError("a worker has at least one queue and one level, each named once")
        if concurrency < 1:
            raise ValueError(f"concurrency is 1 or more, not {concurrency}")
        self.queues = [checked_queue(queue) for queue in names]
        self.levels = [checked_level(level) for level in levels]
        self.redis_url = redis_url or os.environ.get("REDIS_URL") or DEFAULT_URL
        self.concurrency = concurrency
        self.grace = grace
        self.name = re.sub(r"[^A-Za-z0-9_.-]", "-", name or socket.gethostname() or "python")[:100]
        self._handlers: Dict[str, Handler] = {}
        self._orders: "SimpleQueue[Any]" = SimpleQueue()
        self._started = False

    def handler(self, action: str, *, context: bool = False) -> Callable[[Function], Function]:
        """Registers the decorated function for `action`, which is compared exactly.

        It is called with the job's arguments, after a Context if `context`; what it returns is the answer. A generator
        sends each value it yields as an answer of its own, and what it returns, unless None, as the last. HandlerError
        reaches the caller as it is; any other exception is logged, and the caller learns that the handler failed.
        """
        size = len(action.encode("utf-8"))
        if not 1 <= size <= 255 or any(char < " " or char == "\x7f" for char in action):
            raise ValueError(f"an action is 1 to 255 bytes without control characters, not {action!r}")

        def register(function: Function) -> Function:
            if action in self._handlers:
                raise ValueError(f"the action {action!r} has a handler already")
            self._handlers[action] = Handler.of(function, context)
            return function

        return register

    def stop(self) -> None:
        """Asks `run` to stop, from any thread: the first time it drains, the second time it gives back at once."""
        self._orders.put(None)

    def run(self) -> None:
        """Works until SIGTERM, SIGINT or `stop`, then finishes what runs and gives the rest back.

        Redis may be away at the start or later: the worker tries again until it is there. Raises RedisTooOld, and
        RedisRefused if Redis refuses the user or the rights at the start. In the main thread it handles the two signals;
        in another, call `stop`. A worker runs once.
        """
        if self._started:
            raise RuntimeError("a worker runs once; make another")
        self._started = True
        with _Signals(self._orders):
            _Shift(self, self._handlers, self._orders).work()


class _Signals:
    """SIGTERM and SIGINT become orders to stop, while `run` is in the main thread."""

    def __init__(self, orders: "SimpleQueue[Any]") -> None:
        self._orders = orders
        self._before: Dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                # SimpleQueue.put is the one way to wake a thread that is safe inside a signal handler.
                self._before[number] = signal.signal(number, lambda *_: self._orders.put(None))

    def __exit__(self, *_: Any) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)


class _Shift:
    """One run of a worker: its threads, from the first claim to goodbye."""

    def __init__(self, worker: Worker, handlers: Dict[str, Handler], orders: "SimpleQueue[Any]") -> None:
        self._worker = worker
        self._handlers = handlers
        self._orders = orders
        self._over = threading.Event()
        self._claims: "SimpleQueue[Optional[Claim]]" = SimpleQueue()
        self._slots = Slots(worker.concurrency)
        self._stations = [Station(queue, worker.levels, self._slots) for queue in worker.queues]
        url = worker.redis_url
        self._sender = Sender(url, self._over.is_set, self._over.wait)
        self._settler = Settler(url, self._fenced)
        self._heart = Heart(url, self._fenced_by_name)
        self._dispatcher = Dispatcher(url, worker.name, self._stations, self._slots, self._heart,
                                      self._claims.put, self._ready, self._orders.put)
        self._hands = [threading.Thread(target=self._work, name=f"tempest-handler-{n}", daemon=True)
                       for n in range(worker.concurrency)]

    def work(self) -> None:
        self._heart.start_beating()
        for thread in [self._settler, self._dispatcher, *self._hands]:
            thread.start()
        try:
            order = self._orders.get()
        finally:
            self._stop()
        if isinstance(order, Exception):
            raise order

    def _stop(self) -> None:
        deadline = time.monotonic() + self._worker.grace
        with self._slots.lock:
            self._slots.stopping = True
            self._slots.turn.notify_all()
            for station in self._stations:
                station.park_turn.notify_all()
        log.info("tempest: stopping; what runs has %.0f s, a second signal gives it back at once", self._worker.grace)
        self._dispatcher.join(15.0)
        if self._drained(deadline):
            self._settler.drain(deadline)
        else:
            log.warning("tempest: %d handlers still run; their jobs go back", self._slots.count - self._slots.free)
        self._over.set()
        self._settler.stop()
        # Even without grace left, goodbye has a moment: it is what spares the others a wait.
        self._dispatcher.leave(max(deadline, time.monotonic() + 2.0))
        self._heart.stop()
        for _ in self._hands:
            self._claims.put(None)
        self._settler.end(1.0)
        if self._slots.free == self._slots.count:
            # They end at once and close their connections; one that still runs a handler does when that returns.
            for hand in self._hands:
                hand.join(1.0)
        log.info("tempest worker stopped")

    def _drained(self, deadline: float) -> bool:
        """Waits until no handler runs; False at the deadline, or when a second order to stop comes."""
        while True:
            with self._slots.lock:
                if self._slots.free == self._slots.count:
                    return True
                # Signals wake the main thread only between two waits, so none is long.
                self._slots.turn.wait(min(0.1, max(0.0, deadline - time.monotonic())))
            if time.monotonic() >= deadline or not self._orders.empty():
                return False

    def _work(self) -> None:
        try:
            self._handle()
        finally:
            self._sender.close()

    def _handle(self) -> None:
        while True:
            claim = self._claims.get()
            if claim is None:
                return
            try:
                if not claim.membership.fenced:
                    outcome = execute(claim, self._handlers, self._sender)
                    if outcome is not None:
                        self._settler.settle(outcome)
            except BaseException:
                log.exception("tempest: %s could not be run; its job goes back when the worker stops", claim.token)
            finally:
                self._freed()

    def _freed(self) -> None:
        with self._slots.lock:
            if self._slots.free == 0:
                # Nobody parked while all slots were taken, so what was known of the levels is old.
                for station in self._stations:
                    station.dry = False
            self._slots.free += 1
            self._slots.turn.notify_all()

    def _fenced(self, membership: Membership) -> None:
        for station in self._stations:
            if station.membership is membership:
                station.wake()

    def _fenced_by_name(self, queue: str, process: str) -> None:
        for station in self._stations:
            membership: Optional[Membership] = station.membership
            if membership is not None and (station.queue, membership.process) == (queue, process):
                membership.fenced = True
                station.wake()

    def _ready(self) -> None:
        pairs: List[str] = [f"{station.queue} as {station.membership.process}" for station in self._stations
                            if station.membership is not None]
        log.info("tempest worker ready on %s; levels %s, concurrency %d, actions %s", ", ".join(pairs),
                 ",".join(self._worker.levels), self._worker.concurrency, ", ".join(sorted(self._handlers)) or "none")
