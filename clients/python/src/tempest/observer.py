"""Whether other processes still beat, by the observer's own monotonic clock: no I/O, no wall clock.

The beat process feeds it what each tick says of the others; whom it names dead, undertaker.py reaps.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Tuple


@dataclass(frozen=True)
class _Sight:
    counter: int
    since: float


class Observer:
    """A process is dead when its counter stood still for its lease, in looks that lie at most a fifth of that lease apart."""

    def __init__(self) -> None:
        self._seen: Dict[str, _Sight] = {}
        self._last_sent = 0.0

    def restart(self) -> None:
        """Forgets all countdowns: a look failed or the connection is a new one, so nobody knows what was missed."""
        self._seen = {}

    def looked(self, sent: float, received: float, others: Iterable[Tuple[str, int, float]]) -> List[Tuple[str, int]]:
        """Takes in a look, (P, counter, lease in seconds) each; the dead as (P, counter).

        The counters were read somewhere between the monotonic times `sent` and `received`; each is taken so that a process
        stands still for less time rather than for more, and that a gap is longer rather than shorter.
        """
        seen: Dict[str, _Sight] = {}
        dead: List[Tuple[str, int]] = []
        for process, counter, lease in others:
            sight = self._seen.get(process)
            if sight is None or sight.counter != counter or received - self._last_sent > lease / 5:
                sight = _Sight(counter, received)
            elif sent - sight.since >= lease:
                dead.append((process, counter))
                sight = _Sight(counter, received)  # not named again with each look while it is being reaped
            seen[process] = sight
        self._seen = seen
        self._last_sent = sent
        return dead
