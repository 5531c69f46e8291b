"""How long to wait before the next attempt to reach Redis: longer each time, and never in step with the others."""
from __future__ import annotations

import random


class Backoff:
    """Seconds from `first`, doubling up to `most`, each between half and the whole of that: soon after Redis is back, all are."""

    def __init__(self, first: float = 0.1, most: float = 1.0) -> None:
        self._first, self._most = first, most
        self._step = first

    def next(self) -> float:
        step = self._step
        self._step = min(self._most, step * 2)
        return step * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._step = self._first
