"""What a handler may know of its job and do besides returning: the first argument of a handler with `context=True`.

Made by execution.py for each claim; answers sent here come before the last one, which is the handler's return value.
"""
from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence

from . import functions
from .addresses import Address
from .backoff import Backoff
from .codecs import Codec
from .direct_sender import DirectSender
from .elements import args_of
from .envelope import Answer, Job, JobId, encode_answer
from .errors import ClaimLost, CodecError, JobCancelled, RedisRefused, RedisUnavailable
from .flow import Flow
from .link import Argument, Link
from .membership import Claim
from .outcome import push_elsewhere
from .routes import Journey
from .session import Session, is_session


class Context:
    """The job in hand: `action`, `job_id`, `meta`, `queue`, `level`, `codec` (its name), `attempt` (from 1) and `attempts`
    (the most there may be); `send`; `session`, that of the browser for which a front asks, or None; `respond_to`, which
    `Client.tell` takes; and whether to go on: `cancelled`, `remaining`, `check`.

    Python cannot end a thread. A handler that may run for long asks `cancelled` or calls `check` now and then; `send` and each
    `yield` of a generator check by themselves, and the task of an asynchronous handler is cancelled.
    """

    def __init__(self, job: Job, claim: Claim, answers_in: Codec, sender: "Sender", attempt: int = 1, attempts: int = 1,
                 timeout: Optional[float] = None, started: Optional[int] = None) -> None:
        self.action: str = job.action
        self.job_id: JobId = job.job_id
        self.meta: Dict[str, Any] = job.meta
        self.queue: str = claim.membership.queue
        self.process: str = claim.membership.process
        self.token: str = claim.token
        self.level: str = claim.level
        self.codec: str = job.codec.name
        self.attempt = attempt
        self.attempts = attempts
        self.started = started
        self.timeout = timeout
        self.sent = 0
        self.refused: Optional[CodecError] = None
        self.asked_to_end = False
        self._ends = None if timeout is None else time.monotonic() + timeout
        self._interrupted = False
        self._wake: Optional[Callable[[], None]] = None
        self.respond_to: Optional[str] = job.respond_to
        self.answer_codec: str = answers_in.name
        self.address: Optional[Address] = job.address
        self.session: Optional[Session] = None
        if is_session(job.meta.get("session")):
            self.session = Session(job.meta["session"], sender.pipeline)
        # Its caller counts on the queue where it listens.
        counted_on = self.address.queue if self.address is not None and self.address.kind == "elsewhere" else self.queue
        self._flow = Flow(job.meta.get("credits"), partial(sender.used, claim, counted_on, str(job.job_id)), self.check,
                          sender.pause)
        self.job = job
        self.claim = claim
        self.journey: Optional[Journey] = None
        self._claim = claim
        self._answers_in = answers_in
        self._sender = sender

    @property
    def cancelled(self) -> bool:
        """Whether the handler had better end: the job was cancelled, its time is over, or it is no longer this worker's."""
        return self.asked_to_end or self.lost or self.timed_out

    @property
    def remaining(self) -> Optional[float]:
        """Seconds until the job's time is over, 0 afterwards; None if it has no time-out."""
        return None if self._ends is None else max(0.0, self._ends - time.monotonic())

    @property
    def timed_out(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    @property
    def lost(self) -> bool:
        """Whether what this run says does not count any more: the process was fenced, or the worker's time is over."""
        return self._interrupted or self._claim.membership.fenced

    def check(self) -> None:
        """Raises JobCancelled if `cancelled`. Let it pass: the worker knows why, and what to say of the job."""
        if self.cancelled:
            raise JobCancelled(f"the job {self.job_id} is to end")

    def send(self, *values: Any) -> None:
        """Sends one more answer, before the last. Returns once Redis has it; does nothing if nobody waits.

        Several values are the elements of one answer, as Elements are. Where the caller counts what it holds (`credits` in
        meta) this waits until it has room for one more, and raises CallerStalled if it uses nothing for 30 seconds.
        Raises CodecError if the value has no form in the codec of the answers, ClaimLost if the job was given to another
        process meanwhile, JobCancelled as `check` does: let those two pass, they end the handler.
        """
        if self._claim.membership.fenced:
            raise ClaimLost(f"{self._claim.token} is no longer ours")
        self.check()
        if self.address is None:
            return
        self._flow.wait(self.sent)
        meta = {"more": True, "seq": self.sent, "token": self._claim.token}
        args = args_of(values[0]) if len(values) == 1 else list(values)
        try:
            answer = encode_answer(Answer(self.action, self.job_id, args, meta, self._answers_in))
        except CodecError as error:
            self.refused = error  # tells this error from one that the handler met in bytes of its own
            raise
        self._sender.send(self._claim, self.address, answer)
        self.sent += 1

    def cancel(self) -> None:
        """The job was cancelled; called by the worker."""
        self.asked_to_end = True
        self._notify()

    def interrupt(self) -> None:
        """The worker's time is over, or P was fenced; called by the worker."""
        self._interrupted = True
        self._notify()

    def on_end(self, wake: Optional[Callable[[], None]]) -> None:
        """What is called, from any thread, when the job is to end; at once if it already is."""
        self._wake = wake
        if self.asked_to_end or self.lost:
            self._notify()

    def _notify(self) -> None:
        wake = self._wake
        if wake is not None:
            wake()


class Sender:
    """Sends answers that are not the last, and what else a handler has to say to Redis, over a connection of its thread's own."""

    def __init__(self, url: str, stopped: Callable[[], bool], wait: Callable[[float], Optional[bool]],
                 direct: Optional[DirectSender] = None) -> None:
        self._direct = direct
        self._url = url
        self._stopped = stopped
        self._wait = wait
        self._local = threading.local()

    def send(self, claim: Claim, address: Address, answer: bytes) -> None:
        if address.kind == "direct":
            return self._send_directly(claim, address, answer)
        link = self._link()
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

    def _send_directly(self, claim: Claim, address: Address, answer: bytes) -> None:
        if self._direct is not None and not self._direct.tell(address, claim, answer):
            raise ClaimLost(f"{claim.token} is no longer ours, or the worker has stopped")

    def used(self, claim: Claim, queue: str, job_id: str) -> int:
        """How many answers of the job its caller says to have used. ClaimLost once the worker has stopped."""
        if self._stopped():
            raise ClaimLost(f"{claim.token}: the worker has stopped")
        return int(functions.call(self._link(), "credits", queue, job_id))

    def pause(self, seconds: float) -> None:
        """Sleeps; not on after the worker has stopped."""
        self._wait(seconds)

    def pipeline(self, commands: Sequence[Sequence[Argument]]) -> List[Any]:
        """The replies to commands that may go out twice; the first error that Redis says is raised."""
        try:
            replies = self._link().pipeline(commands)
        except RedisUnavailable:
            replies = self._link().pipeline(commands)
        for reply in replies:
            if isinstance(reply, RedisRefused):
                raise reply
        return replies

    def _link(self) -> Link:
        link: Optional[Link] = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = Link(self._url)
        return link

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
