"""A lock, and waiting for what changes under it, which an exception out of a signal handler cannot leave locked.

The conditions of `threading` are Python code: an alarm or Ctrl-C between their lines leaves the lock taken, and whoever comes next
waits for ever. Callers wait in the main thread, where signals are handled; hence this, of parts that are not Python code.
"""
from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import Callable, Optional, Set, TypeVar

Found = TypeVar("Found")


class Turn:
    """`with turn.lock:` guards the state; whoever changed it calls `changed` there."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._bells: "Set[SimpleQueue[None]]" = set()

    def changed(self) -> None:
        """All who wait look again. Under the lock."""
        for bell in self._bells:
            bell.put(None)

    def wait_for(self, look: Callable[[], Found], seconds: Optional[float]) -> Found:
        """What `look` found, as soon as that is true, or at the end of the seconds. It looks under the lock, which the thread must not hold."""
        with self.lock:
            found = look()
            if found or seconds == 0:
                return found
            bell: "SimpleQueue[None]" = SimpleQueue()
            self._bells.add(bell)
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while not found and (deadline is None or time.monotonic() < deadline):
                try:
                    bell.get(timeout=None if deadline is None else min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX))
                except Empty:
                    pass
                with self.lock:
                    found = look()
            return found
        finally:
            with self.lock:
                self._bells.discard(bell)
