"""What the caller of a stream says to Redis: how many answers it has used, and that it wants no more of them.

flow.py is the other side, which waits for it in the worker.
"""
from __future__ import annotations

import logging
from typing import Optional

from . import functions
from .envelope import JobId
from .errors import RedisRefused
from .link import Link
from .log_lines import say

CREDITS = 1000  # answers that may wait at a caller
SAY_SECONDS = 5.0  # a slow caller says what it has used at least so often: after 30 s a worker gives it up
REMEMBERED_SECONDS = 300.0  # how long a cancellation outlives the time-out of the job that it is for
FOREVER_SECONDS = 86400.0


def credit(link: Link, queue: str, job_id: JobId, used: int) -> None:
    """So many answers of the job were used. RedisRefused is for `warn`, when no lock is held."""
    functions.call(link, "credit", queue, str(job_id), used)


def warn(queue: str, job_id: JobId, error: RedisRefused) -> None:
    """Redis does not take what a caller has used."""
    say(logging.WARNING, "Redis does not take how much of a stream was used: its worker will wait for it in vain", queue=queue,
        job_id=str(job_id), error=error)


def forget_credit(link: Link, queue: str, job_id: JobId) -> None:
    """The last answer was used."""
    try:
        functions.call(link, "credit", queue, str(job_id))
    except RedisRefused:
        pass  # it is forgotten after a day


def give_up(link: Link, queue: str, job_id: JobId, timeout: Optional[float] = None) -> None:
    """Nobody wants more answers: the job is cancelled, where it waits and where it runs."""
    keep = FOREVER_SECONDS if timeout is None else min(timeout + REMEMBERED_SECONDS, 30 * 86400.0)
    forget_credit(link, queue, job_id)
    try:
        functions.call(link, "cancel", queue, str(job_id), max(1, round(keep * 1000)))
    except RedisRefused:
        pass  # no right to: its worker gives it up after 30 seconds without a caller
