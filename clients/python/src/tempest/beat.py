"""The small process beside a worker that beats for it, so that a handler which holds the GIL never looks dead.

The worker starts it and writes one line of JSON whenever a process P joins or leaves a queue; what comes back, line by
line, is {"fenced": [queue, P]}, {"trouble": text} and {"well": true}. It ends when its standard input does, which is
when the worker ends, however that comes about.
"""
from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from typing import Any, Dict, Tuple

from . import functions
from .backoff import Backoff
from .errors import RedisRefused, RedisUnavailable
from .link import Link

INTERVAL = 3.0


class Beat:
    """Beats for what `watched` names: (queue, P) → the monotonic time at which the next beat is due."""

    def __init__(self, url: str) -> None:
        self._link = Link(url)
        self._backoff = Backoff(0.1, 1.0)
        self._troubled = False
        self._parent = os.getppid()
        self.watched: Dict[Tuple[str, str], float] = {}

    def run(self) -> None:
        os.set_blocking(0, False)
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            while os.getppid() == self._parent:
                # A process that the worker forked may keep our input open: hence the look at the parent each second.
                wait = min([1.0] + [due - time.monotonic() for due in self.watched.values()])
                if selector.select(max(0.0, wait)):
                    chunk = os.read(0, 65536)
                    if not chunk:
                        return
                    *lines, pending = (pending + chunk).split(b"\n")
                    for line in lines:
                        self.follow(json.loads(line))
                self.beat()

    def follow(self, order: Dict[str, Any]) -> None:
        if "watch" in order:
            self.watched[(order["watch"][0], order["watch"][1])] = 0.0
        if "forget" in order:
            self.watched.pop((order["forget"][0], order["forget"][1]), None)

    def close(self) -> None:
        self._link.close()

    def beat(self) -> None:
        for (queue, process), due in list(self.watched.items()):
            now = time.monotonic()
            if due > now:
                continue
            try:
                functions.call(self._link, "beat", queue, process)
                self.watched[(queue, process)] = now + INTERVAL
                self._well()
            except RedisRefused as error:
                if error.word == "FENCED":
                    del self.watched[(queue, process)]
                    say({"fenced": [queue, process]})
                else:
                    self._trouble(error)
                    self.watched[(queue, process)] = now + INTERVAL
            except RedisUnavailable as error:
                self._trouble(error)
                again = now + self._backoff.next()
                self.watched = {watched: max(again, due) for watched, due in self.watched.items()}
                return

    def _trouble(self, error: Exception) -> None:
        if not self._troubled:
            self._troubled = True
            say({"trouble": str(error)})

    def _well(self) -> None:
        if self._troubled:
            self._troubled = False
            say({"well": True})
        self._backoff.reset()


def say(word: Dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(word) + "\n")
    sys.stdout.flush()


def main(url: str) -> None:
    """Beats until standard input ends. Signals to the group are the worker's business: it drains first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    beat = Beat(url)
    try:
        beat.run()
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        beat.close()
    # The interpreter would complain about a standard output that nobody reads when it flushes it at exit.
    os._exit(0)
