"""Shares of levels by weight: how many jobs of the next claim each level may give. No I/O.

The dispatcher asks before each claim; what a level has too few of, Redis fills from the others.
"""
from __future__ import annotations

from typing import List, Mapping, Sequence


class Shares:
    """Smooth weighted round robin: of weights 6, 3, 1 each ten jobs are six, three and one, well mixed."""

    def __init__(self, levels: Sequence[str], weights: Mapping[str, int]) -> None:
        if set(weights) != set(levels):
            raise ValueError(f"weights name each level once: {', '.join(levels)}")
        for level, weight in weights.items():
            if type(weight) is not int or not 1 <= weight <= 1000:
                raise ValueError(f"the weight of {level} is an integer from 1 to 1000, not {weight!r}")
        self._weights = {level: weights[level] for level in levels}
        self._credit = {level: 0 for level in levels}

    def next(self, want: int) -> List[str]:
        """The levels as claim takes them, `level=quota` each, for a claim of so many jobs."""
        quotas = {level: 0 for level in self._weights}
        total = sum(self._weights.values())
        for _ in range(want):
            for level, weight in self._weights.items():
                self._credit[level] += weight
            chosen = max(self._credit, key=lambda level: self._credit[level])
            self._credit[chosen] -= total
            quotas[chosen] += 1
        return [f"{level}={quota}" for level, quota in quotas.items()]
