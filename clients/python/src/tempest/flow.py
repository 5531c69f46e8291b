"""Credits: a caller that names a number in its job's meta holds at most so many answers which it has not used yet.

context.py asks here before it sends an answer that is not the last; what the caller has used it says to Redis.
"""
from __future__ import annotations

import time
from typing import Any, Callable, Optional

from .backoff import Backoff
from .bounds import CREDITS
from .errors import CallerStalled, RedisUnavailable

STALLED_SECONDS = 30.0
FIRST_SECONDS = 0.005
LONGEST_SECONDS = 0.05
AWAY_SECONDS = 0.5


class Flow:
    """The answers of one job. `credits` is what meta says of them: an integer from 1 to 1,000,000; anything else means that nobody counts.

    `used` asks Redis how many the caller has used; `check` raises when the job is to end; `pause` sleeps.
    """

    def __init__(self, credits: Any, used: Callable[[], int], check: Callable[[], None], pause: Callable[[float], Any],
                 patience: float = STALLED_SECONDS) -> None:
        self._most: Optional[int] = credits if type(credits) is int and credits in CREDITS else None
        self._ask, self._check, self._pause, self._patience = used, check, pause, patience
        self._used = 0

    def wait(self, seq: int) -> None:
        """Returns once answer number `seq` may be sent. CallerStalled if the caller uses nothing for 30 seconds."""
        if self._most is None or seq - self._used < self._most:
            return
        backoff = Backoff(FIRST_SECONDS, LONGEST_SECONDS)
        given_up = time.monotonic() + self._patience
        while True:
            self._check()
            pause = backoff.next()
            try:
                used = self._ask()
                if used > self._used:
                    self._used = used
                    given_up = time.monotonic() + self._patience
                    backoff.reset()
            except RedisUnavailable:
                # The caller cannot say anything either: its time begins when Redis is back.
                given_up = time.monotonic() + self._patience
                pause = AWAY_SECONDS
            if seq - self._used < self._most:
                return
            if time.monotonic() >= given_up:
                raise CallerStalled(seq - self._used, self._patience)
            self._pause(pause)
