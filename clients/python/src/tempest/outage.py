"""What the log says of a Redis that is away: a line when it is lost, one when it is back, reminders in between; never one a try.

Told by whoever tries: the dispatcher, the settler and the beat of a worker; the connection and the inboxes of a client.
"""
from __future__ import annotations

import logging
import threading
import time
from typing import Set

from .link import NotLetIn
from .log_lines import say

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
LATE_SECONDS = 10.0  # after it is back an idle connection may notice that Redis was away


class Outage:
    """One outage of one Redis, as all see it who share this object. Threads may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost: Set[str] = set()
        self._resting: Set[str] = set()  # those of them who do not try again by themselves
        self._since = self._remind_at = 0.0
        self._is_refusal = False
        self._late_until = 0.0
        self._late: Set[str] = set()
        self._pause = FIRST_PAUSE

    def lost(self, who: str, error: object) -> None:
        """`who` has tried in vain. Called for each try: it is the first, or the first after a while, that is logged; and the first whose
        password is refused, for somebody has to see to that."""
        now = time.monotonic()
        with self._lock:
            is_first = not self._lost
            if is_first and now < self._late_until and who not in self._late:
                # Once may be the old outage, seen late; twice is another.
                self._late.add(who)
                return
            self._lost.add(who)
            self._resting.discard(who)
            if is_first:
                self._since, self._pause = now, FIRST_PAUSE
                self._remind_at = now + self._pause
                self._is_refusal = isinstance(error, NotLetIn)
            elif isinstance(error, NotLetIn) and not self._is_refusal:
                self._is_refusal = True
            elif now < self._remind_at:
                return
            else:
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                self._remind_at = now + self._pause
            away = now - self._since
        if is_first:
            say(logging.WARNING, "cannot use Redis; trying again", error=error)
        else:
            say(logging.WARNING, "still cannot use Redis; trying again", error=error, away_s=f"{away:.1f}")

    def back(self, who: str) -> None:
        """`who` has a connection that answers. Redis is back when all have one who try."""
        if not self._lost and not self._late:
            return
        with self._lock:
            self._late.discard(who)
            if not self._lost:
                return
            self._lost.discard(who)
            if self._lost - self._resting:
                return
            self._lost.clear()
            self._resting.clear()
            self._late_until, self._late = time.monotonic() + LATE_SECONDS, set()
            away = time.monotonic() - self._since
        say(logging.INFO, "Redis is back", away_s=f"{away:.1f}")

    def rest(self, who: str) -> None:
        """`who` has given up, and tries again when somebody wants something of it. Until then Redis is back when it is for the others."""
        with self._lock:
            if who in self._lost:
                self._resting.add(who)

    def forget(self, who: str) -> None:
        """`who` ends, and says nothing more of Redis."""
        with self._lock:
            self._lost.discard(who)
            self._resting.discard(who)
            self._late.discard(who)
