"""Runs one claimed job: bytes in, Outcome out, whatever the bytes are and whatever the handler does.

The handler threads of the worker call `execute`; the settler applies what it returns. Nothing here talks to Redis but
a handler that sends several answers.
"""
from __future__ import annotations

import inspect
import os
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Dict, Generator, List, Mapping, Optional, Set, Tuple

from . import asynchronous, log_lines
from .bounds import MOMENTS, number
from .clock import RedisClock
from .context import Context, Sender
from .elements import args_of
from .envelope import Answer, DirectRule, Job, encode_answer, parse_job
from .errors import ClaimLost, CodecError, EnvelopeError, HandlerError, JobCancelled, JobTimedOut, Retry
from .forks import end_child
from .handlers import Handler
from .membership import Claim
from .outcome import Failure, Outcome, answers_in
from .retries import Plan, again, caller_waits, is_late
from .routes import BadRoute, Journey, answer_id, journey_of
from .running import Running

DETAIL_MOST = 500
MESSAGE_MOST = 10_000
INTERRUPTED = "the worker ended while it ran; it may have been carried out"


@dataclass(frozen=True)
class Bench:
    """What all runs of a worker share."""

    handlers: Mapping[str, Handler]
    sender: Sender
    running: Running
    clock: RedisClock
    patience: int  # milliseconds that a job whose action is unknown waits for another worker
    direct: Optional[DirectRule] = None  # which nodes are answered directly; None: none
    strangers: Set[str] = field(default_factory=set)  # actions that were named in the log as unknown


def execute(claim: Claim, bench: Bench) -> Optional[Outcome]:
    """The outcome of the claim, or None if it was lost while it ran and there is nothing left to settle."""
    outcome, job = _outcome(claim, bench)
    if outcome is not None:
        log_lines.ended(outcome, job)
        outcome.failure = None  # its traceback would keep all that the handler had, while the outcome waits for Redis
    return outcome


def _outcome(claim: Claim, bench: Bench) -> Tuple[Optional[Outcome], Optional[Job]]:
    try:
        job = parse_job(claim.payload, direct=bench.direct)
    except EnvelopeError as error:
        return _dead(claim, error.reason, error.message), None
    try:
        journey = journey_of(job, claim.membership.queue)
    except BadRoute as error:
        return _dead(claim, "bad_route", str(error), job), job
    outcome = _execute(claim, job, journey, bench)
    if outcome is not None and journey is not None and not outcome.goes_back:
        outcome.journey = journey
    return outcome, job


def _execute(claim: Claim, job: Job, journey: Optional[Journey], bench: Bench) -> Optional[Outcome]:
    if claim.cancelled:
        return _cancelled(claim, job)
    now = bench.clock.now
    if job.meta and is_late(job, now):
        return _expired(claim, job, now)
    handler = bench.handlers.get(job.action)
    if handler is None:
        return _unknown(claim, job, bench)
    mismatch = handler.mismatch(job.args)
    if mismatch is not None:
        # The same arguments will not fit the next time either.
        return _bad_args(claim, job, mismatch)
    plan = Plan.of(job, handler.policy)
    timeout = None if plan.timeout is None else plan.timeout / 1000
    context = Context(job, claim, answers_in(job), bench.sender, plan.attempt, plan.attempts, timeout, now)
    if journey is not None:
        context.journey = journey
        context.address = None  # what is sent before the last answer is for callers, and this answer goes on
    bench.running.enter(context)
    try:
        return _done(claim, job, journey, copy_context().run(_call, handler, job, context), context)
    except ClaimLost:
        log_lines.lost(claim, job)
        return None
    except BaseException as error:
        return _ended(claim, job, handler, plan, context, error, bench)
    finally:
        bench.running.leave(context)
        context.refused = None  # its traceback leads back to the context


def unknown(claim: Claim, bench: Bench) -> Outcome:
    """The end of a job that has waited in vain for a worker that knows its action."""
    try:
        job = parse_job(claim.payload, direct=bench.direct)
        journey = journey_of(job, claim.membership.queue)
    except (EnvelopeError, BadRoute):
        return execute(claim, bench) or Outcome(claim, "done")
    outcome = _cancelled(claim, job) if claim.cancelled else _no_handler(claim, job)
    outcome.journey = journey
    log_lines.ended(outcome, job)
    return outcome


def _no_handler(claim: Claim, job: Job) -> Outcome:
    return _dead(claim, "unknown_action", f"no worker has a handler for {job.action[:DETAIL_MOST]!r}", job)


def _unknown(claim: Claim, job: Job, bench: Bench) -> Outcome:
    """It waits for another worker; a caller's no longer than half of the time it has left, so that it still learns what was wrong."""
    patience, now, deadline = bench.patience, bench.clock.now, number(job.meta, "deadline", MOMENTS)
    if now is not None and deadline is not None:
        patience = min(patience, (deadline - now) // 2)
    if patience < 1:
        return _no_handler(claim, job)
    log_lines.put_aside(claim, job, patience, bench.strangers)
    return Outcome(claim, f"unknown {patience} {job.action}")


def _ended(claim: Claim, job: Job, handler: Handler, plan: Plan, context: Context, error: BaseException,
           bench: Bench) -> Optional[Outcome]:
    """What becomes of a job whose handler raised an error."""
    if isinstance(error, JobCancelled) and context.lost:
        return None  # its job goes, or went, back to its level
    if context.asked_to_end or (isinstance(error, JobCancelled) and not context.timed_out):
        return _cancelled(claim, job, context)
    if isinstance(error, CodecError) and context.refused is error:
        return _unwritable(claim, job, error, context)
    code, message, details = "handler", "the handler failed", None
    if isinstance(error, JobCancelled):
        code, message = "timeout", f"the job took longer than {context.timeout:g} s"
        error = JobTimedOut(message)
    elif isinstance(error, HandlerError):
        code, message, details = error.answered_code, error.message, error.details
        if code != error.code:
            log_lines.renamed(claim, job, error.code)
    elif isinstance(error, Retry):
        message = str(error)
    if code == "bad_args":
        return _bad_args(claim, job, message, details, context)
    meant = code != "handler" or isinstance(error, (HandlerError, Retry))
    delay = plan.next_delay(job, handler.policy, error, bench.clock.now)
    said = _printable(f"{code}: {message}" if meant else f"{type(error).__name__}: {_text(error)}")
    next_payload = None if delay is None else again(claim.payload, plan.attempt + 1, said)
    is_fault = not isinstance(error, (HandlerError, Retry))
    # What the exception says is for the log; a caller must not learn of paths, secrets or code.
    failure = Failure(said, plan.attempt, plan.most(error), is_fault, None if meant else error)
    if next_payload is not None:
        return Outcome(claim, f"retry {delay}", again=next_payload, failure=failure)
    if job.address is None:
        outcome = _dead(claim, "exhausted", said)
    else:
        outcome = _failed(claim, job, code, message, details, context)
    outcome.failure = failure
    return outcome


def _bad_args(claim: Claim, job: Job, message: str, details: Any = None, context: Optional[Context] = None) -> Outcome:
    """The end of a job whose arguments are not what the handler takes. They will not be the next time either."""
    if job.address is None:
        return _dead(claim, "bad_args", message)
    return _failed(claim, job, "bad_args", message, details, context)


def _cancelled(claim: Claim, job: Job, context: Optional[Context] = None) -> Outcome:
    return _failed(claim, job, "cancelled", "the job was cancelled", None, context, f"cancelled {job.job_id}")


def interrupted(context: Context) -> Outcome:
    """The end of a job that is to be run once, and whose handler the worker leaves behind: nobody knows what it has done."""
    outcome = _failed(context.claim, context.job, "interrupted", INTERRUPTED, None, context, f"dead interrupted {INTERRUPTED}")
    outcome.journey = context.journey
    return outcome


def _expired(claim: Claim, job: Job, now: Optional[int]) -> Outcome:
    if not caller_waits(job, now):
        return Outcome(claim, "expired")
    return _failed(claim, job, "expired", "the job was not begun before it expired", outcome="expired")


def _call(handler: Handler, job: Job, context: Context) -> List[Any]:
    worker = os.getpid()
    try:
        args = _run(handler, job, context)
    except BaseException as error:
        if os.getpid() != worker:
            end_child(error)
        raise
    if os.getpid() != worker:
        end_child(None)
    return args


def _run(handler: Handler, job: Job, context: Context) -> List[Any]:
    """The args of the last answer. A generator's values are sent as they come; its return value, if any, is the last.

    Elements, returned or yielded, are the args themselves.
    """
    result = handler.function(context, *job.args) if handler.takes_context else handler.function(*job.args)
    # By what came, as decorators hide what a function is.
    if inspect.isawaitable(result):
        return args_of(asynchronous.run(result, context))
    if inspect.isasyncgen(result):
        raise TypeError("the handler is an asynchronous generator; send several answers by context.send, or from a generator")
    if not inspect.isgenerator(result):
        return args_of(result)
    last = _stream(result, context)
    return [] if last is None else args_of(last)


def _stream(generator: Generator[Any, Any, Any], context: Context) -> Any:
    try:
        while True:
            context.send(*args_of(next(generator)))
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


def _last(job: Job, args: List[Any], meta: Dict[str, Any], claim: Claim, context: Optional[Context]) -> bytes:
    if context is not None and context.sent:
        meta = {"seq": context.sent, "token": claim.token, **meta}
    return encode_answer(Answer(job.action, answer_id(job), args, meta, answers_in(job)))


def _done(claim: Claim, job: Job, journey: Optional[Journey], args: List[Any], context: Context) -> Outcome:
    if journey is not None:
        return _on(claim, job, journey, args)
    if context.address is None:
        return Outcome(claim, "done")
    try:
        return Outcome(claim, "done", context.address, _last(job, args, {}, claim, context))
    except CodecError as error:
        return _unwritable(claim, job, error, context)


def _unwritable(claim: Claim, job: Job, error: CodecError, context: Optional[Context] = None) -> Outcome:
    """The end of a job whose handler returned what has no form in the codec. The same would be returned the next time."""
    sentence = f"the answer cannot be written: {error}"[:DETAIL_MOST]
    return _dead(claim, "bad_answer", sentence) if job.address is None else _failed(claim, job, "bad_answer", sentence, None, context)


def _on(claim: Claim, job: Job, journey: Journey, args: List[Any]) -> Outcome:
    """The answer goes on along the route; it is written here, where the handler's failure can still be told."""
    try:
        if journey.route:
            return Outcome(claim, "done", args=args, onward=journey.onward(args))
        return Outcome(claim, "done", args=args, result=job.codec.encode(args))
    except CodecError as error:
        return _unwritable(claim, job, error)


def _failed(claim: Claim, job: Job, code: str, message: str, details: Any = None,
            context: Optional[Context] = None, outcome: str = "failed") -> Outcome:
    if job.address is None:
        # What nobody is told is kept.
        return _dead(claim, code, message) if outcome == "failed" else Outcome(claim, outcome)
    made = _answered(claim, job, code, message, details, context, outcome)
    made.code = code
    if outcome == "failed":
        made.failure = Failure(_printable(f"{code}: {message}"), is_fault=code == "bad_answer")
    return made


def _answered(claim: Claim, job: Job, code: str, message: str, details: Any, context: Optional[Context], outcome: str) -> Outcome:
    error: Dict[str, Any] = {"code": code, "message": message[:MESSAGE_MOST].encode("utf-8", "replace").decode("utf-8")}
    if details is not None:
        try:
            return Outcome(claim, outcome, job.address, _last(job, [], {"error": {**error, "details": details}}, claim, context))
        except CodecError:
            pass  # without them
    return Outcome(claim, outcome, job.address, _last(job, [], {"error": error}, claim, context))


def _dead(claim: Claim, reason: str, detail: str, job: Optional[Job] = None) -> Outcome:
    detail = _printable(detail)
    outcome = f"dead {reason} {detail}"
    return Outcome(claim, outcome) if job is None else _failed(claim, job, reason, detail, outcome=outcome)


def _printable(text: str) -> str:
    """One line, without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text[:DETAIL_MOST])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "an error that has no text"
