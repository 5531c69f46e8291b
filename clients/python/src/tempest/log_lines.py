"""The lines that a worker and a client write to the log `tempest`: words that are the same in all languages, then fields (docs/logs.md).

One event is one line. Whoever pushes jobs chooses much of what stands in them, so each field is cut and has no control characters.
"""
from __future__ import annotations

import logging
import re
from typing import Any, Dict, Optional, Set

from .envelope import Job
from .membership import Claim
from .outcome import Outcome

log = logging.getLogger("tempest")

NAME_MOST = 100
TEXT_MOST = 500
STRANGERS_MOST = 1000  # whoever may push can make up names

_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@+-]+")


def say(severity: int, message: str, fault: Optional[BaseException] = None, /, **fields: Any) -> None:
    """`fault` is an exception whose traceback follows. Fields that are None are left out."""
    if log.isEnabledFor(severity):
        log.log(severity, "%s", " ".join([message, *(f"{name}={_written(value)}" for name, value in fields.items() if value is not None)]),
                exc_info=fault)


def ended(outcome: Outcome, job: Optional[Job]) -> None:
    """The line of a job's end, or of another attempt; none for what went well. `job` is None for bytes that are no job."""
    word, _, rest = outcome.outcome.partition(" ")
    if word in ("done", "next", "unknown"):
        return
    fields, failure = _of(outcome.claim, job), outcome.failure
    if failure is not None:
        fields.update(attempt=failure.attempt, attempts=failure.attempts, error=failure.text)
    fault = failure.error if failure is not None else None
    if word == "retry":
        say(logging.WARNING, "a job failed and is tried again", delay_ms=rest, **fields)
    elif word == "failed":
        level = logging.INFO if failure is None or not failure.is_fault else logging.ERROR
        say(level, "a job failed and its caller is told", fault, code=outcome.code, **fields)
    elif word == "dead":
        reason, _, detail = rest.partition(" ")
        fields.setdefault("error", detail)
        say(logging.ERROR, "a job is dead", fault, reason=reason, **fields)
    elif word == "expired":
        say(logging.INFO, "a job came too late and is not run", **fields)
    elif word == "cancelled":
        say(logging.INFO, "a job was cancelled", **fields)


def lost(claim: Claim, job: Job) -> None:
    """Its handler was told that the job is not this worker's any more."""
    say(logging.WARNING, "a job was given to another process while it ran: what it came to is dropped", **_of(claim, job), claim=claim.field)


def renamed(claim: Claim, job: Job, code: object) -> None:
    """A handler's error has a code that it may not choose."""
    say(logging.WARNING, "a handler's error has a code that is kept for the protocol, or is not a word such as not_found: its caller is told handler",
        code=str(code)[:NAME_MOST], **_of(claim, job))


def put_aside(claim: Claim, job: Job, patience: int, strangers: Set[str]) -> None:
    """Two programs may share the queue: then it is so all the time, and an action is named once."""
    is_new = job.action not in strangers and len(strangers) < STRANGERS_MOST
    if is_new:
        strangers.add(job.action)
    say(logging.WARNING if is_new else logging.DEBUG, "no handler here for a job's action: it waits for a worker that has one",
        **_of(claim, job), patience_ms=patience)


def _of(claim: Claim, job: Optional[Job]) -> Dict[str, Any]:
    fields: Dict[str, Any] = {"queue": claim.membership.queue, "level": claim.level}
    if job is not None:
        fields.update(action=job.action[:NAME_MOST], job_id=str(job.job_id)[:NAME_MOST])
    return fields


def _written(value: Any) -> str:
    text = str(value)[:TEXT_MOST]
    if _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(char if char.isprintable() and char not in '"\\' else char.encode("unicode_escape").decode() if char not in '"\\'
                         else "\\" + char for char in text) + '"'
