"""Sends answers straight to the nodes that called, for a worker that may: few connections, none for long, and no node waits for another.

The settler hands over what a job came to before it settles the job; a handler what it sends before its last answer.
"""
from __future__ import annotations

import threading
import time
from collections import deque
from typing import Deque, Dict, List, Tuple

from .addresses import Address
from .direct_line import DirectAnswer, DirectLine, Place
from .direct_rule import DirectRule
from .membership import Claim
from .networks import Target

NODES_MOST = 64
WAITING_MOST = 1000  # for one node, before handlers that answer it wait
PATIENCE_SECONDS = 10.0
IDLE_SECONDS = 60.0
LOOK_SECONDS = 0.5
END_SECONDS = 2.0


class DirectSender:
    """Any thread may call. How long a node may be away before its answers are dropped is `patience`: one that was started anew has another
    port, so it does not come back."""

    def __init__(self, rule: DirectRule, patience: float = PATIENCE_SECONDS, idle: float = IDLE_SECONDS) -> None:
        self.rule = rule
        self._patience = patience
        self._idle = idle
        self._lock = threading.RLock()
        self._turn = threading.Condition(self._lock)
        self._lines: Dict[Place, DirectLine] = {}
        self._crowd: Deque[Tuple[Place, Target, DirectAnswer]] = deque()  # for nodes that there is no connection left for
        self._closed = False

    def send(self, address: Address, answer: DirectAnswer) -> None:
        """Returns at once; `answer.done` is called later, from another thread or this one."""
        place, target = Place(address.host.lower(), address.port), self.rule.allowed.target(address.host)
        if target is None:
            answer.done(True)  # the job was refused before
            return
        with self._lock:
            if not self._closed:
                self._admit(place, target, answer)
                return
        answer.done(False)

    def tell(self, address: Address, claim: Claim, data: bytes) -> bool:
        """Returns when the node has the answer, or nobody there wants it. False: the claim is gone, or the worker has ended."""
        over = threading.Event()
        ends: List[bool] = []

        def done(is_over: bool) -> None:
            ends.append(is_over)
            over.set()

        self.send(address, DirectAnswer(claim, data, done))
        over.wait()
        return ends[0]

    def wait_for_room(self, address: Address, claim: Claim) -> None:
        """Returns when not too much is on its way to the node: whoever makes answers faster than it takes them waits here."""
        place = Place(address.host.lower(), address.port)
        with self._lock:
            while not self._closed and not claim.membership.fenced:
                line = self._lines.get(place)
                if line is not None and line.count >= WAITING_MOST:
                    line.wait(LOOK_SECONDS)
                elif line is None and len(self._crowd) >= WAITING_MOST:
                    self._turn.wait(LOOK_SECONDS)
                else:
                    return

    def close(self) -> None:
        """Hangs up everywhere. What has not reached its node is not over."""
        with self._lock:
            self._closed = True
            lines, crowd = list(self._lines.values()), list(self._crowd)
            self._lines.clear()
            self._crowd.clear()
            for line in lines:
                line.end()
            self._turn.notify_all()
        for _, _, answer in crowd:
            answer.done(False)
        deadline = time.monotonic() + END_SECONDS
        for line in lines:
            line.join(max(0.0, deadline - time.monotonic()))

    @property
    def nodes(self) -> int:
        """To how many a connection is kept, or made."""
        with self._lock:
            return sum(not line.ended for line in self._lines.values())

    def _admit(self, place: Place, target: Target, answer: DirectAnswer) -> None:
        line = self._lines.get(place)
        if line is None or line.ended:
            self._lines.pop(place, None)
            if len(self._lines) >= NODES_MOST and not self._make_room():
                self._crowd.append((place, target, answer))
                return
            line = self._lines[place] = DirectLine(place, target, self._lock, self._rested, self._patience, self._idle)
            line.start()
        line.add(answer)

    def _make_room(self) -> bool:
        """Ends the line that was used last the longest ago, of those that have nothing to do."""
        idle = [line for line in self._lines.values() if line.count == 0 or line.ended]
        if not idle:
            return False
        oldest = min(idle, key=lambda line: line.used)
        oldest.end()
        del self._lines[oldest.place]
        return True

    def _rested(self, line: DirectLine) -> bool:
        """A line has nothing to do: it goes, if others wait for its place."""
        self._turn.notify_all()
        if not self._crowd or self._lines.get(line.place) is not line:
            return False
        line.end()
        del self._lines[line.place]
        waiting, self._crowd = self._crowd, deque()
        for place, target, answer in waiting:
            self._admit(place, target, answer)
        return True
