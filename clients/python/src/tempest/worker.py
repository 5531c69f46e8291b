"""A worker: the actions that a program answers, the queues it answers them for, and its life from start to stop.

Write `@worker.handler("action")` above functions and call `worker.run()`; shift.py is what runs then.
"""
from __future__ import annotations

import os
import re
import socket
from queue import SimpleQueue
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple, Type, TypeVar, Union

from .handlers import FIRST_SECONDS, LONGEST_SECONDS, Handler, Policy
from .keys import LEVELS, checked_action, checked_level, checked_queue
from .networks import AllowedNetworks
from .redis_url import environment, read
from .shift import Shift
from .signals import QUIET, STOP, Signals
from .weights import Shares

Function = TypeVar("Function", bound=Callable[..., Any])


class Worker:
    """Answers the jobs of one or more queues with the handlers registered on it.

    Handlers run in `concurrency` threads of this one process: raise it for handlers that wait (for files, networks,
    programs); for handlers that compute, start more processes, because threads of one Python share one GIL. The beat
    that keeps the claims alive comes from a small process of its own, so a handler may hold the GIL as long as it likes.

    - `queues`: a name or several; `levels`: in the order of their priority, strictly.
    - `weights`: instead of the strict order, how many jobs of each level are begun for how many of the others, such as
      `{"high": 6, "default": 3, "low": 1}`: 1 to 1000 for each of the levels, ValueError for anything else.
    - `redis_url`: redis://, rediss:// or unix://; by default that of the environment
      (REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL), else 127.0.0.1:6379. ValueError for one that is not valid.
    - `grace`: seconds that running handlers have after the first SIGTERM or SIGINT before their jobs go back.
    - `lease`: seconds (0.5 to 86,400) without a beat after which others take the jobs back.
    - `unknown_patience`: seconds (0 to 86,400) that a job whose action has no handler here waits for a worker that has one, such as
      in a deploy of one worker after another; a caller's at most half of the time that it still waits. As long as such a worker is
      there the job waits on. 0: it is dead at once.
    - `direct_answers`: where callers of node-tempest may be, which listen themselves and are answered directly (docs/original.md); without
      it their jobs are dead, bad_address. Arguments that are no array are then read as one argument.
    - `name`: what people call it, and the first part of the process's name in Redis; by default the host's name.
      TEMPEST_PROCESS of the environment, which a supervisor sets, goes before it.
    """

    def __init__(self, queues: Union[str, Sequence[str]] = "tempest", levels: Sequence[str] = LEVELS,
                 redis_url: Optional[str] = None, concurrency: int = 1, name: Optional[str] = None,
                 grace: float = 25.0, lease: float = 10.0, weights: Optional[Mapping[str, int]] = None,
                 unknown_patience: float = 60.0, direct_answers: Optional[AllowedNetworks] = None) -> None:
        names = [queues] if isinstance(queues, str) else list(queues)
        if not names or not levels or len(set(names)) != len(names) or len(set(levels)) != len(levels):
            raise ValueError("a worker has at least one queue and one level, each named once")
        if concurrency < 1:
            raise ValueError(f"concurrency is 1 or more, not {concurrency}")
        if not 0.5 <= lease <= 86400:
            raise ValueError(f"lease is 0.5 to 86400 seconds, not {lease}")
        if not 0 <= unknown_patience <= 86400:
            raise ValueError(f"unknown_patience is 0 to 86400 seconds, not {unknown_patience}")
        if direct_answers is not None and not isinstance(direct_answers, AllowedNetworks):
            raise ValueError(f"direct_answers is AllowedNetworks, not {direct_answers!r}")
        self.unknown_patience = unknown_patience
        self.direct_answers = direct_answers
        self.queues = [checked_queue(queue) for queue in names]
        self.levels = [checked_level(level) for level in levels]
        self.weights = None if weights is None else dict(weights)
        if self.weights is not None:
            Shares(self.levels, self.weights)  # says what is wrong with them
        self.redis_url = redis_url or environment(os.environ)
        read(self.redis_url)
        self.concurrency = concurrency
        self.grace = grace
        self.lease = lease
        called = os.environ.get("TEMPEST_PROCESS") or name or socket.gethostname() or "python"
        self.name = re.sub(r"[^A-Za-z0-9_.-]", "-", called)[:100]
        self._handlers: Dict[str, Handler] = {}
        self._orders: "SimpleQueue[Any]" = SimpleQueue()
        self._started = False

    def handler(self, action: str, *, context: bool = False, attempts: Optional[int] = None,
                backoff: Tuple[float, float] = (FIRST_SECONDS, LONGEST_SECONDS),
                retry_on: Union[Type[BaseException], Sequence[Type[BaseException]]] = (Exception,),
                timeout: Optional[float] = None) -> Callable[[Function], Function]:
        """Registers the decorated function for `action`, which is compared exactly.

        It is called with the job's arguments, after a Context if `context`; what it returns is the answer. A generator
        sends each value it yields as an answer of its own, and what it returns, unless None, as the last. A coroutine
        function runs in an event loop of its handler thread. HandlerError reaches the caller as it is; any other exception
        is logged, and the caller learns that the handler failed.

        A job that fails with one of `retry_on` is tried again, at most `attempts` times in all (by default 1 if somebody
        waits for its answer, else 25), after `backoff` = (first, longest) seconds, doubled each time; `raise Retry(after=…)`
        names the delay. `timeout` is how many seconds a run may take: an asynchronous handler is cancelled then, a generator
        between two answers, a plain function only where it asks its context; it fails with the code `timeout`. A job's own
        attempts, backoff and timeout go before these.
        """
        checked_action(action)
        errors = (retry_on,) if isinstance(retry_on, type) else tuple(retry_on)
        policy = Policy(attempts, (backoff[0], backoff[1]), errors, timeout)

        def register(function: Function) -> Function:
            if action in self._handlers:
                raise ValueError(f"the action {action!r} has a handler already")
            self._handlers[action] = Handler.of(function, context, policy)
            return function

        return register

    def stop(self) -> None:
        """Asks `run` to stop, from any thread: the first time it drains, the second time it gives back at once."""
        self._orders.put(STOP)

    def quiet(self) -> None:
        """Asks `run` to claim no more jobs, from any thread; what runs goes on. There is no way back but to stop."""
        self._orders.put(QUIET)

    def run(self) -> None:
        """Works until SIGTERM, SIGINT or `stop`, then finishes what runs and gives the rest back.

        Redis may be away at the start or later: the worker tries again until it is there. Raises RedisTooOld, and
        RedisRefused if Redis refuses the user or the rights at the start. In the main thread it handles the signals, and
        SIGTSTP, which makes it quiet: it claims no more, but lives until it is stopped; in another, call `stop` and `quiet`.
        A worker runs once.
        """
        if self._started:
            raise RuntimeError("a worker runs once; make another")
        self._started = True
        with Signals(self._orders):
            Shift(self, self._handlers, self._orders).work()
