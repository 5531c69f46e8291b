"""Runs one claimed job: bytes in, Outcome out, whatever the bytes are and whatever the handler does.

The handler threads of the worker call `execute`; the settler applies what it returns. Nothing here talks to Redis but
a handler that sends several answers.
"""
from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from typing import Any, Callable, Dict, Generator, List, Mapping, Optional

from .codecs import CODECS, Codec
from .context import Context, Sender
from .envelope import Answer, Job, encode_answer, parse_job
from .errors import ClaimLost, CodecError, EnvelopeError, HandlerError
from .membership import Claim
from .settler import Outcome

log = logging.getLogger("tempest")

DETAIL_MOST = 500
MESSAGE_MOST = 10_000


@dataclass(frozen=True)
class Handler:
    """A handler of an action: the function, its signature, and whether it takes a Context first."""

    function: Callable[..., Any]
    signature: Optional[inspect.Signature]
    takes_context: bool

    @classmethod
    def of(cls, function: Callable[..., Any], takes_context: bool) -> "Handler":
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function!r} is asynchronous; handlers are plain functions or generators, run in threads")
        try:
            signature: Optional[inspect.Signature] = inspect.signature(function)
        except (TypeError, ValueError):
            signature = None  # some functions written in C have none
        return cls(function, signature, takes_context)

    def mismatch(self, args: List[Any]) -> Optional[str]:
        """Why the arguments are not what the function takes, or None."""
        if self.signature is None:
            return None
        try:
            self.signature.bind(*([None] if self.takes_context else []), *args)
        except TypeError as error:
            return f"args: {error}; {len(args)} found"
        return None


def execute(claim: Claim, handlers: Mapping[str, Handler], sender: Sender) -> Optional[Outcome]:
    """The outcome of the claim, or None if it was lost while it ran and there is nothing left to settle."""
    try:
        job = parse_job(claim.payload)
    except EnvelopeError as error:
        return _dead(claim, error.reason, error.message)
    handler = handlers.get(job.action)
    if handler is None:
        return _dead(claim, "unknown_action", f"there is no handler for {job.action!r}", job)
    mismatch = handler.mismatch(job.args)
    if mismatch is not None:
        return _failed(claim, job, "bad_args", mismatch)
    context = Context(job, claim, _answers_in(job), sender)
    try:
        args = _run(handler, job, context)
    except ClaimLost:
        log.warning("tempest: %s was given to another process while it ran", claim.token)
        return None
    except HandlerError as error:
        return _failed(claim, job, error.code, error.message, error.details, context)
    except CodecError as error:
        if context.refused is error:
            return _failed(claim, job, "bad_answer", _sentence(error), None, context)
        return _unexpected(claim, job, context)
    except BaseException:
        return _unexpected(claim, job, context)
    return _done(claim, job, args, context)


def _unexpected(claim: Claim, job: Job, context: Context) -> Outcome:
    # What the exception says is for the log; a caller must not learn of paths, secrets or code.
    log.exception("tempest: the handler of %r failed (job %s, %s)", job.action, job.job_id, claim.token)
    return _failed(claim, job, "handler", "the handler failed", None, context)


def _run(handler: Handler, job: Job, context: Context) -> List[Any]:
    """The args of the last answer. A generator's values are sent as they come; its return value, if any, is the last."""
    result = handler.function(context, *job.args) if handler.takes_context else handler.function(*job.args)
    if not inspect.isgenerator(result):
        return [result]
    last = _stream(result, context)
    return [] if last is None else [last]


def _stream(generator: Generator[Any, Any, Any], context: Context) -> Any:
    try:
        while True:
            context.send(next(generator))
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


def _answers_in(job: Job) -> Codec:
    """The codec that the caller reads answers in: the first of `accept` that there is, else the job's."""
    accept = job.meta.get("accept")
    if isinstance(accept, list) and all(isinstance(name, str) for name in accept):
        return next((CODECS[name] for name in accept if name in CODECS), job.codec)
    return job.codec


def _last(job: Job, args: List[Any], meta: Dict[str, Any], claim: Claim, context: Optional[Context]) -> bytes:
    if context is not None and context.sent:
        meta = {"seq": context.sent, "token": claim.token, **meta}
    return encode_answer(Answer(job.action, job.job_id, args, meta, _answers_in(job)))


def _done(claim: Claim, job: Job, args: List[Any], context: Context) -> Outcome:
    if job.address is None:
        return Outcome(claim, "done")
    try:
        return Outcome(claim, "done", job.address, _last(job, args, {}, claim, context))
    except CodecError as error:
        return _failed(claim, job, "bad_answer", _sentence(error), None, context)


def _failed(claim: Claim, job: Job, code: str, message: str, details: Any = None,
            context: Optional[Context] = None, outcome: str = "failed") -> Outcome:
    if job.address is None:
        return Outcome(claim, outcome)
    error: Dict[str, Any] = {"code": code, "message": message[:MESSAGE_MOST].encode("utf-8", "replace").decode("utf-8")}
    if details is not None:
        try:
            return Outcome(claim, outcome, job.address, _last(job, [], {"error": {**error, "details": details}}, claim, context))
        except CodecError as refused:
            log.error("tempest: the details of the error %s of %r are left out: %s", code, job.action, refused)
    return Outcome(claim, outcome, job.address, _last(job, [], {"error": error}, claim, context))


def _dead(claim: Claim, reason: str, detail: str, job: Optional[Job] = None) -> Outcome:
    detail = "".join(char if char.isprintable() else " " for char in detail)[:DETAIL_MOST]
    log.warning("tempest: %s is dead: %s: %s", claim.token, reason, detail)
    outcome = f"dead {reason} {detail}"
    return Outcome(claim, outcome) if job is None else _failed(claim, job, reason, detail, outcome=outcome)


def _sentence(error: CodecError) -> str:
    return f"the answer cannot be written: {error}"[:DETAIL_MOST]
