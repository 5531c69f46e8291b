"""How many handler threads are free, and whether they may be filled: the one lock that a worker's threads share.

The dispatcher fills slots, handler threads free them, parkers wait for them.
"""
from __future__ import annotations

import threading


class Slots:
    """All is read and changed under `lock`; `turn` wakes the dispatcher.

    `stopping`: the worker ends. `quiet`: it claims no more, for good. `draining`: it lets what runs end, to run one job alone.
    `alone`: that job has the process for itself. `troubled`: the dispatcher is to see whether its own connection still leads to the
    same Redis.
    """

    def __init__(self, count: int) -> None:
        self.lock = threading.RLock()
        self.turn = threading.Condition(self.lock)
        self.count = count
        self.free = count
        self.stopping = False
        self.quiet = False
        self.draining = False
        self.alone = False
        self.troubled = False

    def trouble(self) -> None:
        """Another connection of the worker broke, or has taken the place of one that did."""
        with self.lock:
            self.troubled = True
            self.turn.notify_all()

    @property
    def room(self) -> int:
        """How many jobs may be begun now."""
        return 0 if self.stopping or self.quiet or self.draining or self.alone else self.free

    @property
    def idle(self) -> bool:
        """Whether no handler runs."""
        return self.free == self.count
