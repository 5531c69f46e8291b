"""Jobs that are to be run once: which they are, and what becomes of one whose handler is left behind. No I/O.

The dispatcher asks before it starts jobs, and marks those in Redis; the shift asks at the end of the grace time.
"""
from __future__ import annotations

from typing import Optional

from .context import Context
from .envelope import Job, reread_job
from .errors import EnvelopeError
from .execution import interrupted
from .membership import Claim
from .outcome import Outcome


def is_once(claim: Claim) -> bool:
    """Whether the claim's job says that it must not be run again after an interruption."""
    payload = claim.payload
    # Most jobs say nothing of the kind, and are not read twice. JSON may write a letter of the key as \\u….
    if b"once" not in payload and b"\\u" not in payload:
        return False
    try:
        return says_once(reread_job(payload))
    except EnvelopeError:
        return False


def says_once(job: Job) -> bool:
    return job.meta.get("once") is True


def left_behind(context: Context) -> Optional[Outcome]:
    """The end of a job whose handler still runs although the worker leaves; None: it goes back, like most."""
    return interrupted(context) if says_once(context.job) else None
