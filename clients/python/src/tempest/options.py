"""What a caller may say of a single job: when it is due, until when it makes sense, how often and how long it is tried.

The client puts it into the job's meta, where retries.py of a worker reads it. Times there are milliseconds by Redis' clock.
"""
from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Optional, Tuple, Union

from . import bounds

When = Union[float, datetime]

# As seconds, a time between 2001 and the year 5138; as milliseconds, one between 1970 and 1973, which nobody means.
_SECONDS = range(10**9, 10**11)


def due_in(after: Optional[float], at: Union[datetime, int, None]) -> Optional[str]:
    """What `delay` takes as due, or None: at once. A datetime without a zone is in local time."""
    if after is not None and at is not None:
        raise ValueError("a job is due either after some seconds or at a time, not both")
    if after is not None:
        return f"+{milliseconds(after, 'after', 0)}"
    if isinstance(at, datetime):
        return str(_since_1970(at))
    if at is not None:
        if type(at) is not int or not 0 <= at < 2**52:
            raise ValueError(f"at is a datetime or milliseconds since 1970, not {at!r}")
        if at in _SECONDS:
            raise ValueError(f"at is a datetime or milliseconds since 1970, and {at} of them end before 1974: are these seconds?")
        return str(at)
    return None


def job_meta(given: Dict[str, Any], attempts: Optional[int], backoff: Optional[Tuple[float, float]], timeout: Optional[float],
             expires: Optional[When], now: Optional[int], once: bool = False) -> Dict[str, Any]:
    """The meta with the options in it; `now`, Redis' clock, is needed where `expires` is in seconds."""
    meta = dict(given)
    if attempts is not None:
        if type(attempts) is not int or attempts < 1:
            raise ValueError(f"attempts is an integer from 1, not {attempts!r}")
        meta["attempts"] = min(attempts, bounds.ATTEMPTS_MOST)
    if backoff is not None:
        first, longest = (span(seconds, "backoff", 0) for seconds in backoff)
        if longest < first:
            raise ValueError(f"backoff is the first and the longest delay in seconds, not {backoff!r}")
        meta["backoff"] = [first, longest]
    if timeout is not None:
        meta["timeout"] = span(timeout, "timeout", 1)
    if isinstance(expires, datetime):
        meta["expires_at"] = min(_since_1970(expires), bounds.MOMENTS[-1])
    elif expires is not None:
        after = span(expires, "expires", 0)
        if now is None:
            raise ValueError("expires in seconds needs Redis' clock, which this user may not ask for; give a datetime")
        meta["expires_at"] = now + after
    if once:
        meta["once"] = True
    return meta


def _since_1970(time: datetime) -> int:
    milliseconds = round(time.timestamp() * 1000)
    if milliseconds < 0:
        raise ValueError(f"{time} lies before 1970")
    return milliseconds


def checked_timeout(seconds: Optional[float]) -> Optional[float]:
    """None waits for ever, and so do infinity and what is longer than 1e10; ValueError for what is neither that nor a number of
    seconds from 0 on.
    """
    if seconds is None:
        return None
    span(seconds, "timeout", 0)
    return None if seconds > 1e10 else seconds


def span(seconds: float, what: str, least: int) -> int:
    """Milliseconds, from `least` to 365 days: more seconds than that, also infinitely many, count as these. ValueError for what is no
    number of seconds from 0 on.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise ValueError(f"{what} is a number of seconds from 0, not {seconds!r}")
    return bounds.milliseconds(seconds, least)


def checked_patience(seconds: float) -> float:
    """ValueError for what is not a number of seconds from 0 on."""
    return milliseconds(seconds, "patience", 0) / 1000


def milliseconds(seconds: float, what: str, least: int) -> int:
    """Of the seconds, and no fewer than `least`; ValueError, which says `what` it is, for no number from 0 to 1e10."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 1e10:
        raise ValueError(f"{what} is a number of seconds, not {seconds!r}")
    return max(least, round(seconds * 1000))
