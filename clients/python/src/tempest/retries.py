"""What follows a failure: another attempt, after a while, or the end. No I/O.

execution.py asks when a handler failed; the payload of the next attempt replaces the job in the settle that ends this one.
"""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Dict, Optional

from .envelope import Job, encode_job, parse_job
from .errors import Retry, TempestError
from .handlers import Policy

ATTEMPTS_ALONE = 25
ERROR_MOST = 500
DELAY_MOST = 10 * 365 * 86_400_000


@dataclass(frozen=True)
class Plan:
    """What holds for one job: its meta before its handler's policy, before the defaults. Milliseconds."""

    attempt: int
    attempts: int
    first: int
    longest: int
    timeout: Optional[int]

    @classmethod
    def of(cls, job: Job, policy: Policy) -> "Plan":
        meta = job.meta
        if not meta and policy.timeout is None:
            # Most jobs: nothing is said of them, and nothing has to be looked up.
            most = policy.attempts or (ATTEMPTS_ALONE if job.respond_to is None else 1)
            return cls(1, most, round(policy.backoff[0] * 1000), round(policy.backoff[1] * 1000), None)
        attempts = _whole(meta.get("attempts"), 1) or policy.attempts or (ATTEMPTS_ALONE if job.respond_to is None else 1)
        first, longest = round(policy.backoff[0] * 1000), round(policy.backoff[1] * 1000)
        backoff = meta.get("backoff")
        if isinstance(backoff, list) and len(backoff) == 2 and all(_whole(each, 0) is not None for each in backoff):
            first, longest = backoff[0], max(backoff)
        timeout = _whole(meta.get("timeout"), 1)
        if timeout is None and policy.timeout is not None:
            timeout = max(1, round(policy.timeout * 1000))
        return cls(attempt_of(job), attempts, first, longest, timeout)

    def delay(self) -> int:
        """Until the next attempt: doubled with each, and never in step with other jobs that failed at the same time."""
        whole = min(self.longest, DELAY_MOST, self.first * 2 ** min(self.attempt - 1, 60))
        return int(whole * random.uniform(0.5, 1.0))

    def next_delay(self, job: Job, policy: Policy, error: BaseException, now: Optional[int]) -> Optional[int]:
        """Milliseconds until there is another attempt after this error, or None: this one was the last."""
        if self.attempt >= self.attempts or not isinstance(error, (Retry, *policy.retry_on)):
            return None
        asked = error.after if isinstance(error, Retry) else None
        delay = self.delay() if asked is None else min(DELAY_MOST, round(asked * 1000))
        deadline = _whole(job.meta.get("deadline"), 0)
        if deadline is not None and now is not None and now + delay > deadline:
            return None  # the caller would be gone before it began: it learns of the failure now
        return delay


def attempt_of(job: Job) -> int:
    """Which attempt this is, from 1."""
    return _whole(job.meta.get("attempt"), 1) or 1


def again(payload: bytes, attempt: int, error: str) -> Optional[bytes]:
    """The payload of the next attempt, in the codec of the job; None if it has no room for what went wrong.

    It is made from the bytes that were claimed: a handler may have changed the arguments it was given.
    """
    try:
        job = parse_job(payload)
        meta: Dict[str, Any] = {**job.meta, "attempt": attempt, "last_error": error[:ERROR_MOST]}
        return encode_job(Job(job.action, job.args, job.respond_to, job.job_id, meta, job.codec))
    except TempestError:
        return None


def is_late(job: Job, now: Optional[int]) -> bool:
    """Whether it is too late to begin the job, by Redis' clock."""
    times = [_whole(job.meta.get(name), 0) for name in ("expires_at", "deadline")]
    return now is not None and any(time is not None and time < now for time in times)


def caller_waits(job: Job, now: Optional[int]) -> bool:
    """Whether the deadline of the job's caller, if it has one, lies ahead."""
    deadline = _whole(job.meta.get("deadline"), 0)
    return deadline is None or now is None or now <= deadline


def _whole(value: Any, least: int) -> Optional[int]:
    """The integer, if it is one that means something here; what is of another type is ignored, as the protocol says."""
    return value if type(value) is int and least <= value < 2**53 else None
