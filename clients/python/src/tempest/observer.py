"""Whether other processes still beat, by the observer's own monotonic clock: no I/O, no wall clock.

The beat process feeds it what each tick says of the others; whom it names dead, undertaker.py reaps.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

STEPS = 5


@dataclass(frozen=True)
class _Sight:
    counter: int
    lease: int  # microseconds
    stood: int  # microseconds for which it has certainly stood still


class Observer:
    """A process is dead when its counter stood still for its lease, in looks that lie at most a fifth of that lease apart.

    Only the time from the reply of one look to the question of the next counts. Another lease is a sign of life, as another counter is.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets all countdowns: a look failed or the connection is a new one, so nobody knows what was missed."""
        self._seen: Dict[str, _Sight] = {}
        self._last: Optional[Tuple[int, int]] = None  # in microseconds, when the last look was sent, and received

    def looked(self, sent: float, received: float, others: Iterable[Tuple[str, int, float]]) -> List[Tuple[str, int]]:
        """Takes in a look, (P, counter, lease in seconds) each; the dead as (P, counter), with each look until they are gone or move.

        The counters were read somewhere between the monotonic times `sent` and `received`; each is taken so that a process
        stands still for less time rather than for more, and that a gap is longer rather than shorter.
        """
        asked, heard = _micros(sent), _micros(received)  # integers: fractions of a second do not add up
        seen: Dict[str, _Sight] = {}
        dead: List[Tuple[str, int]] = []
        for process, counter, seconds in others:
            lease, stood = _micros(seconds), 0
            before = self._seen.get(process)
            if self._last and before and (before.counter, before.lease) == (counter, lease) \
                    and (heard - self._last[0]) * STEPS <= lease:
                stood = before.stood + max(0, asked - self._last[1])
            if stood >= lease:
                dead.append((process, counter))
            seen[process] = _Sight(counter, lease, stood)
        self._seen, self._last = seen, (asked, heard)
        return dead


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)
