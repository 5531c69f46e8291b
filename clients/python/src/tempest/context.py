"""What a handler may know of its job and do besides returning: the first argument of a handler with `context=True`.

Made by execution.py for each claim; answers sent here come before the last one, which is the handler's return value.
"""
from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Optional

from . import functions
from .addresses import Address
from .backoff import Backoff
from .codecs import Codec
from .envelope import Answer, Job, JobId, encode_answer
from .errors import ClaimLost, CodecError, RedisRefused, RedisUnavailable
from .link import Link
from .membership import Claim
from .settler import push_elsewhere


class Context:
    """The job in hand: `action`, `job_id`, `meta`, `queue`, `level`, `codec` (its name), and `send`."""

    def __init__(self, job: Job, claim: Claim, answers_in: Codec, sender: "Sender") -> None:
        self.action: str = job.action
        self.job_id: JobId = job.job_id
        self.meta: Dict[str, Any] = job.meta
        self.queue: str = claim.membership.queue
        self.level: str = claim.level
        self.codec: str = job.codec.name
        self.sent = 0
        self.refused: Optional[CodecError] = None
        self._address = job.address
        self._claim = claim
        self._answers_in = answers_in
        self._sender = sender

    def send(self, value: Any) -> None:
        """Sends one more answer, before the last. Returns once Redis has it; does nothing if nobody waits.

        Raises CodecError if the value has no form in the codec of the answers, and ClaimLost if the job was given to
        another process meanwhile: let that one pass, it ends the handler without an answer.
        """
        if self._claim.membership.fenced:
            raise ClaimLost(f"{self._claim.token} is no longer ours")
        if self._address is None:
            return
        meta = {"more": True, "seq": self.sent, "token": self._claim.token}
        try:
            answer = encode_answer(Answer(self.action, self.job_id, [value], meta, self._answers_in))
        except CodecError as error:
            self.refused = error  # tells this error from one that the handler met in bytes of its own
            raise
        self._sender.send(self._claim, self._address, answer)
        self.sent += 1


class Sender:
    """Sends answers that are not the last, over a connection of its thread's own."""

    def __init__(self, url: str, stopped: Callable[[], bool], wait: Callable[[float], Optional[bool]]) -> None:
        self._url = url
        self._stopped = stopped
        self._wait = wait
        self._local = threading.local()

    def send(self, claim: Claim, address: Address, answer: bytes) -> None:
        link = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = Link(self._url)
        backoff = Backoff()
        while True:
            try:
                return self._once(link, claim, address, answer)
            except RedisUnavailable:
                # The same answer twice is no harm: its seq tells the caller.
                if self._stopped():
                    raise ClaimLost(f"{claim.token}: the worker has stopped") from None
            except RedisRefused as error:
                if error.word == "FENCED":
                    claim.membership.fenced = True
                    raise ClaimLost(f"{claim.token} is no longer ours") from None
                if error.word != "OOM" or self._stopped():
                    raise
            self._wait(backoff.next())

    def close(self) -> None:
        """Closes the connection of the calling thread, which is about to end."""
        link = getattr(self._local, "link", None)
        if link is not None:
            link.close()

    def _once(self, link: Link, claim: Claim, address: Address, answer: bytes) -> None:
        if address.kind == "elsewhere":
            push_elsewhere(link, address, answer)
            return
        membership = claim.membership
        word = functions.call(link, "chunk", membership.queue, membership.process, claim.field, address.inbox, answer)
        if word == 0:
            raise ClaimLost(f"{claim.token} is no longer ours")
