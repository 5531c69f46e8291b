"""Shares of levels by weight: how many jobs of the next claim each level may give (protocol/queues.md, "Weights"). No I/O.

The dispatcher asks before each claim; what a level has too few of, Redis fills from the others.
"""
from __future__ import annotations

import math
from functools import reduce
from typing import List, Mapping, Optional, Sequence


class Shares:
    """Smooth weighted round robin: of weights 6, 3, 1 each ten jobs are six, three and one, well mixed."""

    def __init__(self, levels: Sequence[str], weights: Mapping[str, int]) -> None:
        if set(weights) != set(levels):
            raise ValueError(f"weights name each level of the worker once: {', '.join(levels)}")
        for level, weight in weights.items():
            if type(weight) is not int or not 1 <= weight <= 1000:
                raise ValueError(f"the weight of {level} is an integer from 1 to 1000, not {weight!r}")
        divisor = reduce(math.gcd, weights.values())
        self._levels = list(levels)
        self._weights = [weights[level] // divisor for level in levels]
        self._round = sum(self._weights)  # after so many jobs the credits are what they were
        self._credits = [0] * len(self._weights)
        self._quotas = list(self._credits)
        self._most: Optional[int] = None  # how many jobs the last claim brought, when it was cut short

    def next(self, want: int) -> List[str]:
        """The levels as claim takes them, `level=quota` each, for a claim of so many jobs."""
        whole, rest = divmod(want if self._most is None else min(want, self._most), self._round)
        self._most = None
        self._quotas = [whole * weight for weight in self._weights]
        for _ in range(rest):
            self._credits = [credit + weight for credit, weight in zip(self._credits, self._weights)]
            chosen = self._credits.index(max(self._credits))
            self._credits[chosen] -= self._round
            self._quotas[chosen] += 1
        return [f"{level}={quota}" for level, quota in zip(self._levels, self._quotas)]

    def cut_short(self, came: Mapping[str, int]) -> None:
        """The claim of the last `next` was full of bytes before it was full of jobs: how many came of each level."""
        for index, level in enumerate(self._levels):
            missing = self._quotas[index] - came.get(level, 0)
            if missing > 0:
                credit = self._credits[index]
                self._credits[index] = max(credit, min(self._round, credit + missing * self._round))
        self._most = max(1, sum(came.values()))
