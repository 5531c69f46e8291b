"""What follows a failure: another attempt, after a while, or the end. No I/O.

execution.py asks when a handler failed; the payload of the next attempt replaces the job in the settle that ends this one.
"""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Dict, Optional

from .bounds import ATTEMPTS, ATTEMPTS_MOST, MOMENTS, TIMEOUTS, delays, milliseconds, number
from .envelope import Job, encode_job, reread_job
from .errors import Retry, TempestError
from .handlers import Policy

ATTEMPTS_ALONE = 25
ERROR_MOST = 500


@dataclass(frozen=True)
class Plan:
    """What holds for one job: its meta before its handler's policy, before the defaults. Milliseconds.

    `is_set`: somebody has said how many attempts there are, the job or its handler.
    """

    attempt: int
    attempts: int
    first: int
    longest: int
    timeout: Optional[int]
    is_set: bool = True

    @classmethod
    def of(cls, job: Job, policy: Policy) -> "Plan":
        meta = job.meta
        if not meta and policy.timeout is None:
            # Most jobs: nothing is said of them, and nothing has to be looked up.
            first, longest = policy.delays
            return cls(1, policy.attempts or default_attempts(job), first, longest, None, policy.attempts is not None)
        attempts = number(meta, "attempts", ATTEMPTS) or policy.attempts
        first, longest = delays(meta) or policy.delays
        timeout = number(meta, "timeout", TIMEOUTS)
        if timeout is None:
            timeout = policy.longest_run
        return cls(attempt_of(job), attempts or default_attempts(job), first, longest, timeout, attempts is not None)

    def most(self, error: BaseException) -> int:
        """How many attempts there are after this error. Who asks for another gets 25 where nobody has said how many there are."""
        attempts = self.attempts if self.is_set or not isinstance(error, Retry) else ATTEMPTS_ALONE
        return min(attempts, ATTEMPTS_MOST)

    def delay(self) -> int:
        """Until the next attempt: doubled with each, and never in step with other jobs that failed at the same time."""
        whole = min(self.longest, self.first * 2 ** min(self.attempt - 1, 60))
        return int(whole * random.uniform(0.5, 1.0))

    def next_delay(self, job: Job, policy: Policy, error: BaseException, now: Optional[int]) -> Optional[int]:
        """Milliseconds until there is another attempt after this error, or None: this one was the last."""
        if self.attempt >= self.most(error) or not isinstance(error, policy.tries_again_on):
            return None
        asked = error.after if isinstance(error, Retry) else None
        delay = self.delay() if asked is None else milliseconds(asked)
        deadline = number(job.meta, "deadline", MOMENTS)
        if deadline is not None and now is not None and now + delay > deadline:
            return None  # the caller would be gone before it began: it learns of the failure now
        return delay


def attempt_of(job: Job) -> int:
    """Which attempt this is, from 1."""
    return number(job.meta, "attempt", ATTEMPTS) or 1


def default_attempts(job: Job) -> int:
    """How many there are where nobody says: a caller learns of the failure at once."""
    return ATTEMPTS_ALONE if job.respond_to is None else 1


def again(payload: bytes, attempt: int, error: str) -> Optional[bytes]:
    """The payload of the next attempt, in the codec of the job; None if it has no room for what went wrong.

    It is made from the bytes that were claimed: a handler may have changed the arguments it was given.
    """
    try:
        job = reread_job(payload)
        meta: Dict[str, Any] = {**job.meta, "attempt": attempt, "last_error": error[:ERROR_MOST]}
        return encode_job(Job(job.action, job.args, job.respond_to, job.job_id, meta, job.codec))
    except TempestError:
        return None


def is_late(job: Job, now: Optional[int]) -> bool:
    """Whether it is too late to begin the job, by Redis' clock."""
    times = [number(job.meta, name, MOMENTS) for name in ("expires_at", "deadline")]
    return now is not None and any(time is not None and time < now for time in times)


def caller_waits(job: Job, now: Optional[int]) -> bool:
    """Whether the deadline of the job's caller, if it has one, lies ahead."""
    deadline = number(job.meta, "deadline", MOMENTS)
    return deadline is None or now is None or now <= deadline
