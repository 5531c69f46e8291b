"""How a claim ends: what execution.py makes of a job, and settler.py applies to Redis."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional

from .addresses import Address
from .codecs import CODECS, Codec
from .envelope import Job
from .errors import RedisRefused
from .keys import inbox_key, inboxes_key
from .link import Link
from .membership import Claim
from .routes import Journey, Onward

ORPHAN_SECONDS = 300


@dataclass(frozen=True)
class Failure:
    """A failed run in the words of the log. `is_fault`: nobody meant it for a caller. `error`: whose traceback is of use."""

    text: str
    attempt: Optional[int] = None
    attempts: Optional[int] = None
    is_fault: bool = True
    error: Optional[BaseException] = None


@dataclass
class Outcome:
    """`outcome` is a word that settle takes: done, failed, expired, `cancelled <job id>`, `dead <reason> <detail>`, `retry <ms>`,
    `next <level>` or `unknown <ms> <action>`.

    Without `address` there is no answer. `again` is the payload that a retry, or the next step of a route, puts in the place of the
    job. With a `journey` the job's route goes on before it is settled: with `args`, those of its answer (None: it failed); `onward`
    are the jobs that follow, `result` what is gathered, as far as they are known.
    """

    claim: Claim
    outcome: str
    address: Optional[Address] = None
    answer: bytes = b""
    again: bytes = b""
    not_before: float = 0.0
    give_up: float = 0.0
    is_over: bool = False  # Redis has settled it
    journey: Optional[Journey] = None
    args: Optional[List[Any]] = None
    onward: Optional[List[Onward]] = None
    result: bytes = b""
    failure: Optional[Failure] = None
    code: Optional[str] = None  # of the error that is answered
    was_sent: bool = False  # by a call whose reply was lost: what the next one says of the claim may be due to that

    @property
    def goes_back(self) -> bool:
        """Whether the job is to be run again, or elsewhere: it is not over."""
        return bool(self.again) or self.outcome.startswith("unknown ")

    @property
    def inbox(self) -> str:
        return self.address.inbox if self.address is not None and self.address.kind == "inbox" else ""

    @property
    def body(self) -> bytes:
        """What settle gets as the fourth of the job's arguments."""
        return self.again or (self.answer if self.inbox else b"")

    @property
    def size(self) -> int:
        onward = sum(len(job.payload) for job in self.onward or ())
        return len(self.answer) + len(self.again) + len(self.outcome) + len(self.result) + onward + 100


def answers_in(job: Job) -> Codec:
    """The codec that the caller reads answers in: the first of `accept` that there is, else the job's."""
    accept = job.meta.get("accept")
    if isinstance(accept, list) and all(isinstance(name, str) for name in accept):
        return next((CODECS[name] for name in accept if name in CODECS), job.codec)
    return job.codec


def push_elsewhere(link: Link, address: Address, *answers: bytes) -> None:
    """Pushes answers into an inbox of the queue that the address names; those that nobody is registered to read expire.

    RedisRefused: they are not there.
    """
    key = inbox_key(address.queue, address.inbox)
    link.call("RPUSH", key, *answers)
    try:
        if link.call("HEXISTS", inboxes_key(address.queue), address.inbox) == 0:
            link.call("EXPIRE", key, ORPHAN_SECONDS)
    except RedisRefused:
        pass  # no right to: the answers have arrived, and must not be pushed again
