"""The bounds of the numbers in a job's meta (protocol/envelope.md). What lies outside, or is of another type, counts as absent.

retries.py and flow.py of a worker read meta through this; options.py of a client and handlers.py keep what they write within it.
"""
from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

ATTEMPTS_MOST = 1_000_000
# 365 days: no delay and no time-out is longer.
LONGEST = 365 * 86_400_000

ATTEMPTS = range(1, ATTEMPTS_MOST + 1)
DELAYS = range(0, LONGEST + 1)
TIMEOUTS = range(1, LONGEST + 1)
MOMENTS = range(0, 2**52 + 1)
CREDITS_MOST = 1_000_000
CREDITS = range(1, CREDITS_MOST + 1)


def number(meta: Mapping[str, Any], key: str, bounds: range) -> Optional[int]:
    """The integer under the key, if there is one within the bounds."""
    value = meta.get(key)
    return value if type(value) is int and value in bounds else None


def delays(meta: Mapping[str, Any]) -> Optional[Tuple[int, int]]:
    """The first and the longest delay of `backoff`: milliseconds; None if they are not there, or the first is longer than the longest."""
    value = meta.get("backoff")
    if not isinstance(value, list) or len(value) != 2 or not all(type(each) is int and each in DELAYS for each in value):
        return None
    return (value[0], value[1]) if value[0] <= value[1] else None


def milliseconds(seconds: float, least: int = 0) -> int:
    """Of seconds from 0 on, also of infinitely many: from `least` to 365 days."""
    return max(least, round(min(seconds, LONGEST / 1000) * 1000))
