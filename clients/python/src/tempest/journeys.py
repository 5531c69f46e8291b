"""Takes a job's answer on along its route: pushes what follows, or gathers the answers of steps that ran in parallel.

settler.py calls this ahead of the settle; routes.py says what there is to do. All of it may be done twice, and does no harm then.
"""
from __future__ import annotations

import logging
from typing import Any, List

from . import functions
from .envelope import Answer, Job, encode_answer
from .errors import CodecError, RedisRefused
from .keys import level_key
from .link import Link
from .log_lines import ended, say
from .outcome import Failure, Outcome, answers_in
from .routes import BadRoute, Journey, Onward, answer_id


def go_on(link: Link, outcome: Outcome) -> None:
    """Does what the outcome's journey asks for, and leaves an outcome that is only to be settled, and perhaps answered elsewhere.

    Raises RedisUnavailable, and RedisRefused with OOM: to be called again. Any other refusal becomes the answer.
    """
    if outcome.journey is None:
        return
    try:
        if outcome.args is None:
            _fail(link, outcome)
        else:
            _succeed(link, outcome)
    except RedisRefused as error:
        if error.word == "OOM":
            raise
        _end(outcome, "bad_route", f"the route cannot go on: {error.word}", f"the route cannot go on: {error}")
    except BadRoute as error:
        _end(outcome, "bad_route", str(error), f"the route cannot go on: {error}")
    except CodecError as error:
        _end(outcome, "bad_answer", f"the answers of the steps in parallel cannot be written: {error}")
    outcome.journey = None


def _fail(link: Link, outcome: Outcome) -> None:
    """The first failure of several steps in parallel is answered; the others are not."""
    gather = outcome.journey.gather if outcome.journey else None
    if gather is None:
        return
    try:
        if functions.call(link, "gather", gather.queue, gather.id, gather.index, gather.count) == 0:
            outcome.address = None
    except RedisRefused as error:
        say(logging.ERROR, "steps in parallel are not told that one has failed", queue=outcome.claim.membership.queue,
            claim=outcome.claim.field, error=error)


def _succeed(link: Link, outcome: Outcome) -> None:
    journey, args = outcome.journey, outcome.args
    assert journey is not None and args is not None
    if outcome.onward is None:
        found = _gather(link, journey, args, outcome.result)
        if found is None:
            return
        journey, args = found
        if not journey.route:
            job = journey.job
            outcome.address = job.address
            if outcome.address is not None:
                outcome.answer = encode_answer(Answer(job.action, answer_id(job), args, {}, answers_in(job)))
            return
        outcome.onward = journey.onward(args)
    onward: List[Onward] = outcome.onward
    if len(onward) == 1 and onward[0].queue == outcome.claim.membership.queue:
        outcome.outcome, outcome.again = f"next {onward[0].level}", onward[0].payload
        return
    while onward:
        link.call("RPUSH", level_key(onward[0].queue, onward[0].level), onward[0].payload)
        del onward[0]  # should the next one fail, this one is not pushed again


def _gather(link: Link, journey: Journey, args: List[Any], result: bytes) -> Any:
    """Where the route goes on and with what args, if this was the last of the steps in parallel; else None."""
    while journey.gather is not None and not journey.route:
        gather = journey.gather
        found = functions.call(link, "gather", gather.queue, gather.id, gather.index, gather.count, result)
        if not found:
            return None
        journey, args = journey.gathered(found)
        result = journey.job.codec.encode(args)
    return journey, args


def _end(outcome: Outcome, code: str, message: str, text: str = "") -> None:
    """The route ends here, and its caller is told why; without one it is recorded. `text` is what the log says of it."""
    assert outcome.journey is not None
    job = outcome.journey.job
    _settle_as_failed(outcome, job, code, message)
    outcome.code, outcome.failure = code, Failure(text or message)
    ended(outcome, job)


def _settle_as_failed(outcome: Outcome, job: Job, code: str, message: str) -> None:
    address = job.address
    outcome.again = b""
    if address is None:
        outcome.outcome, outcome.address = f"dead {code} {message}"[:500], None
        return
    error = {"error": {"code": code, "message": message}}
    outcome.outcome, outcome.address = "failed", address
    outcome.answer = encode_answer(Answer(job.action, answer_id(job), [], error, answers_in(job)))
