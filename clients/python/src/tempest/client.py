"""The caller's side: puts jobs on queues, and waits for their answers if it wants any.

What is pushed here is claimed by a worker in any language; what that worker answers comes back through inbox.py.
"""
from __future__ import annotations

import os
import threading
import time
import weakref
from datetime import datetime
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union

from . import bounds, forks, functions, json_codec
from .addresses import parse_address
from .clock import RedisClock
from .codecs import Codec, named
from .credits import CREDITS, SAY_SECONDS, credit, forget_credit, give_up
from .envelope import Answer, Job, JobId, encode_answer, encode_job
from .errors import NameRefused, RedisRefused
from .inbox import Inbox
from .keys import checked_action, checked_channel, checked_level, checked_queue, history_key, level_key, new_id
from .link import Link
from .options import When, checked_patience, checked_timeout, due_in, job_meta, milliseconds
from .redis_url import environment
from .reply import Reply
from .routes import Route, route_meta
from .shared_link import SharedLink
from .sockets import checked_frames


class _Default(float):
    """A timeout that nobody gave: the client's own is taken."""


Found = TypeVar("Found")

DEFAULT = _Default()
PATIENCE = 5.0
REGISTER_SECONDS = 5.0
PUSH_MOST = 1000
PUSH_BYTES = 1024 * 1024
CLOCK_SECONDS = 1.0  # then Redis is asked again: its clock may be set, and another Redis may take its place
CANCEL_SECONDS = 86400.0


class Client:
    """Pushes jobs and calls actions. Threads may share one; close it, or use it in a `with` statement.

    `redis_url` is redis://, rediss:// or unix:// (docs/redis-url.md; ValueError for another one), by default that of the environment
    (REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL), else 127.0.0.1:6379. `queue`,
    `codec` (json, msgpack or tnetstring) and `timeout` (seconds; None waits for ever) are what calls use that name none.
    `four_elements`: jobs carry no meta of the client's own, for workers that know no fifth element; then a call writes no
    deadline, and the options that would need one are refused.

    Jobs may say how they are to be tried, before what their handler says: `attempts`, at most so many; `backoff`, (first,
    longest) seconds between them; `timeout` (`run_timeout` in a call), seconds a run may take; `expires`, when it is too
    late to begin it: seconds from now, or a datetime. `route`: what is done with the answer, step by step: each is an action, or
    a dict of `action`, `queue` (else that of the job before it), `level` and a `route` of its own; a list of such runs in parallel,
    and the step after it gets all their answers. The last answer is what a caller gets. BadRoute for what is none. `once`: when a
    worker ends while it runs the job, the job is not run again; it is dead, as `interrupted`, and its caller gets that RemoteError.

    While Redis is away, or still loads, each method waits up to `patience` seconds for it (a call or a stream at most as long as its
    `timeout`; 0: one attempt), and then raises RedisUnavailable. A user or password that Redis refuses is RedisRefused at once. What
    was sent is never sent again: if the connection breaks before the reply, RedisUnavailable says that the job may or may not be on its
    queue (docs/redis-away.md).

    Nothing is connected before the first push, and no inbox registered before the first call. A child of os.fork may go on with a client of its parent: it gets
    a connection and inboxes of its own. A client that is closed by nobody is closed when nothing refers to it.
    """

    def __init__(self, redis_url: Optional[str] = None, queue: str = "tempest", codec: str = "json",
                 timeout: Optional[float] = 30.0, four_elements: bool = False, patience: float = PATIENCE) -> None:
        self._url = redis_url or environment(os.environ)
        self._queue = checked_queue(queue)
        self._codec = named(codec)
        self._timeout = checked_timeout(timeout)
        self._four_elements = four_elements
        self._patience = checked_patience(patience)
        self._clock = RedisClock()
        self._clock_of = 0  # the connection of the link that it was asked for by
        self._lock = threading.Lock()  # of the inboxes, held for moments
        self._shared = SharedLink(self._url)
        self._inboxes: Dict[str, Inbox] = {}
        self._knows_library = False  # whether Redis has one that is not earlier than ours, as far as publishing needs it
        # Their threads know the inboxes alone, so that they do not keep the client.
        weakref.finalize(self, _abandon, self._inboxes).atexit = False
        forks.remember(self)

    def begin_anew(self) -> None:
        """In a child of os.fork: a thread of the parent may have held the lock, and the inboxes have no threads here."""
        self._lock = threading.Lock()
        self._shared.begin_anew()
        self._inboxes.clear()

    def push(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
             codec: Optional[str] = None, meta: Optional[Dict[str, Any]] = None, after: Optional[float] = None,
             at: Union[datetime, int, None] = None, attempts: Optional[int] = None,
             backoff: Optional[Tuple[float, float]] = None, timeout: Optional[float] = None,
             expires: Optional[When] = None, route: Route = (), once: bool = False) -> str:
        """Puts a job on the queue for which nobody waits; its id. CodecError if an argument has no form in the codec.

        It is not run before `after` seconds have passed, or before `at`: a datetime, or milliseconds since 1970.
        """
        due = due_in(after, at)
        meta = self._meta(meta, attempts, backoff, timeout, expires, route=route, once=once)
        job_id = new_id()
        self._send(queue, level, [encode_job(Job(checked_action(action), list(args), None, job_id, meta, self._named(codec)))], due)
        return job_id

    def push_many(self, jobs: Iterable[Tuple[str, Sequence[Any]]], queue: Optional[str] = None, level: str = "default",
                  codec: Optional[str] = None, after: Optional[float] = None, at: Union[datetime, int, None] = None,
                  attempts: Optional[int] = None, backoff: Optional[Tuple[float, float]] = None,
                  timeout: Optional[float] = None, expires: Optional[When] = None, route: Route = (),
                  once: bool = False) -> List[str]:
        """Pushes (action, args) in their order, many a command; their ids. All are encoded before the first is pushed."""
        due = due_in(after, at)
        chosen = self._named(codec)
        meta = self._meta(None, attempts, backoff, timeout, expires, route=route, once=once)
        ids, payloads = [], []
        for action, args in jobs:
            ids.append(new_id())
            payloads.append(encode_job(Job(checked_action(action), list(args), None, ids[-1], meta, chosen)))
        batch: List[bytes] = []
        size = 0
        for payload in payloads:
            if batch and (len(batch) == PUSH_MOST or size + len(payload) > PUSH_BYTES):
                self._send(queue, level, batch, due)
                batch, size = [], 0
            batch.append(payload)
            size += len(payload)
        if batch:
            self._send(queue, level, batch, due)
        return ids

    def call(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
             codec: Optional[str] = None, timeout: Optional[float] = DEFAULT, meta: Optional[Dict[str, Any]] = None,
             attempts: Optional[int] = None, backoff: Optional[Tuple[float, float]] = None,
             run_timeout: Optional[float] = None, expires: Optional[When] = None, route: Route = (), once: bool = False) -> Any:
        """What the action's handler returns, or None if it returned nothing; of several answers, the last.

        Raises RemoteError if the job failed, CallTimeout if no answer came in `timeout` seconds (the job may still run,
        but is not begun any more), RedisUnavailable or RedisRefused if it could not be pushed.
        """
        seconds = self._timeout if isinstance(timeout, _Default) else checked_timeout(timeout)
        deadline = None if seconds is None else time.monotonic() + seconds
        until = self._until(deadline)
        meta = self._meta(meta, attempts, backoff, run_timeout, expires, deadline, route, once, until)
        inbox, job_id, reply = self._begin(action, args, queue, level, codec, meta, deadline, until, whole=True)
        try:
            return _value(reply.take(deadline))
        finally:
            inbox.forget(job_id)

    def stream(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
               codec: Optional[str] = None, timeout: Optional[float] = DEFAULT, meta: Optional[Dict[str, Any]] = None,
               attempts: Optional[int] = None, backoff: Optional[Tuple[float, float]] = None,
               run_timeout: Optional[float] = None, expires: Optional[When] = None, route: Route = (),
               once: bool = False, credits: Optional[int] = CREDITS) -> "Stream":
        """The answers of the action, one by one as they come; the job is pushed at once.

        `timeout` is for each answer. Iterating raises as `call` does, and RemoteError `interrupted` if the job was run
        again after answers of its first attempt had been used. Whoever stops before the end closes the stream, or drops it: its job is
        cancelled then.

        `credits` is how many answers may wait here: the worker pauses when there are so many, and fails with RemoteError `stalled`
        when none is taken for 30 seconds; more than 1,000,000 count as these. None: it never pauses, and all wait here.
        """
        if credits is not None and (type(credits) is not int or credits < 1):
            raise ValueError(f"credits is an integer from 1, or None, not {credits!r}")
        seconds = self._timeout if isinstance(timeout, _Default) else checked_timeout(timeout)
        deadline = None if seconds is None else time.monotonic() + seconds
        until = self._until(deadline)
        meta = self._meta(meta, attempts, backoff, run_timeout, expires, deadline, route, once, until)
        if credits is not None and not self._four_elements:
            meta.setdefault("credits", min(credits, bounds.CREDITS_MOST))
        inbox, job_id, reply = self._begin(action, args, queue, level, codec, meta, deadline, until, whole=False)
        return Stream(self, inbox, job_id, reply, seconds)

    def cancel(self, job_id: Union[str, int], queue: Optional[str] = None, keep: float = CANCEL_SECONDS) -> int:
        """Cancels a job: one that waits is skipped when its turn comes, within `keep` seconds (at most 30 days); the handler
        of one that runs is told, and ends early if it listens. How many processes of the queue heard of it."""
        queue = checked_queue(self._queue if queue is None else queue)
        kept = max(1, min(2_592_000_000, milliseconds(keep, "keep", 0)))
        return self._with_redis(lambda link: int(functions.call(link, "cancel", queue, str(job_id), kept)))

    def tell(self, queue: str, respond_to: str, job_id: JobId, frames: Sequence[Any], action: str = "websocket",
             codec: Optional[str] = None) -> bool:
        """Sends frames to a connection whose jobs came by that queue with that respond_to and job_id: text, bytes, or what
        `sockets.close` returns. Whether its front is still there; one that is drops what comes for a connection that has ended.

        ValueError for a respond_to that is none, TypeError for what is no frame; RedisUnavailable means that they may or may not
        have been sent.
        """
        address = parse_address(respond_to)
        if address is None or address.kind not in ("inbox", "elsewhere"):
            raise ValueError(f"respond_to is an inbox, or an inbox @ queue, not {respond_to!r}")
        place = address.queue if address.kind == "elsewhere" else checked_queue(queue)
        answer = encode_answer(Answer(action, job_id, checked_frames(frames), {}, self._named(codec)))
        return self._with_redis(lambda link: int(functions.call(link, "tell", place, address.inbox, answer))) == 1

    def publish(self, channel: str, data: Any, event: str = "", keep: int = 100) -> int:
        """Publishes an event to the browsers that follow the channel at a front of this database; how many fronts heard it at once.

        `data`: text is sent as it is, anything else as JSON. `event`: what browsers know it by; without it, `message`.
        `keep`: how many of the channel's events are kept, for browsers that come back: 0 to 100000.
        """
        if not isinstance(event, str) or any(mark in event for mark in "\r\n\0"):
            raise NameRefused(f"an event is text without CR, LF and NUL, not {event!r}")
        return self._publish(channel, json_codec.encode([event, data]), keep)

    def end_streams(self, channel: str) -> int:
        """Ends the streams of all browsers that follow the channel now; how many fronts heard it."""
        return self._publish(channel, b'["$unsubscribe"]', 0)

    def _publish(self, channel: str, message: bytes, keep: int) -> int:
        key = history_key(checked_channel(channel))
        def send(link: Link) -> int:
            if link.database and not self._knows_library:
                # An earlier library would publish where the fronts of database 0 listen, and those of this one do not.
                functions.ensure(link)
                self._knows_library = True
            return int(functions.call(link, "publish", key, channel, keep, message, link.database)[1])

        return self._with_redis(send)

    @property
    def late(self) -> int:
        """How many answers came for calls that had ended, or came twice."""
        return sum(inbox.late for inbox in list(self._inboxes.values()))

    def close(self) -> None:
        """Fails the calls and streams that still wait with ClientClosed, cancels the jobs of streams that were not read to the end, and
        deletes the inboxes. Another thread's push has a moment to end."""
        self._shared.close()
        with self._lock:
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.close()
        self._shared.part(inboxes)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _named(self, codec: Optional[str]) -> Codec:
        return self._codec if codec is None else named(codec)

    def _meta(self, given: Optional[Dict[str, Any]], attempts: Optional[int], backoff: Optional[Tuple[float, float]],
              timeout: Optional[float], expires: Optional[When], deadline: Optional[float] = None,
              route: Route = (), once: bool = False, until: Optional[float] = None) -> Dict[str, Any]:
        """The meta of a job: what its caller gives, and the options. `deadline` is a monotonic time."""
        steps = route_meta(route)
        if self._four_elements:
            if given or steps or once or any(option is not None for option in (attempts, backoff, timeout, expires)):
                raise ValueError("this client was made with four_elements: its jobs cannot carry a meta")
            return {}
        relative = deadline is not None or (expires is not None and not isinstance(expires, datetime))
        now = self._now(until) if relative else None
        meta = job_meta(given or {}, attempts, backoff, timeout, expires, now, once)
        if deadline is not None and now is not None:
            meta.setdefault("deadline", now + round(min(max(0.0, deadline - time.monotonic()), 1e9) * 1000))
        return {**meta, "route": steps} if steps else meta

    def _now(self, until: Optional[float]) -> Optional[int]:
        """Redis' clock, asked for now and then; None if Redis' rights do not allow to."""
        return self._with_redis(self._read_clock, until)

    def _read_clock(self, link: Link) -> Optional[int]:
        known = self._clock.now is not None and self._clock_of == link.connects
        if not known or time.monotonic() - self._clock.set_at > CLOCK_SECONDS:
            try:
                self._clock.ask(link)
            except RedisRefused:
                return None
            self._clock_of = link.connects
        return self._clock.now

    def _until(self, deadline: Optional[float] = None) -> float:
        """How long Redis is waited for: a monotonic time."""
        patient = time.monotonic() + self._patience
        return patient if deadline is None else min(patient, deadline)

    def _with_redis(self, use: Callable[[Link], Found], until: Optional[float] = None) -> Found:
        """What `use` returns, with a connection that answers: it is waited for until that time, or for as long as the patience lasts."""
        return self._shared.use(use, self._until() if until is None else until)

    def _send(self, queue: Optional[str], level: str, payloads: Sequence[bytes], due: Optional[str] = None,
              until: Optional[float] = None) -> None:
        queue = checked_queue(self._queue if queue is None else queue)
        key = level_key(queue, checked_level(level))
        if due is None:
            self._with_redis(lambda link: link.call("RPUSH", key, *payloads), until)
        else:
            self._with_redis(lambda link: functions.call(link, "delay", queue, due, level, *payloads), until)

    def _begin(self, action: str, args: Sequence[Any], queue: Optional[str], level: str, codec: Optional[str],
               meta: Dict[str, Any], deadline: Optional[float], until: float, whole: bool) -> Tuple[Inbox, str, Reply]:
        inbox = self._inbox(checked_queue(self._queue if queue is None else queue))
        job_id = new_id()
        payload = encode_job(Job(checked_action(action), list(args), inbox.id, job_id, meta, self._named(codec)))
        # Redis is there: to register takes a moment, also where nothing else is waited for.
        self._with_redis(lambda _: None, until)
        registered = max(until, time.monotonic() + REGISTER_SECONDS)
        inbox.await_listening(registered if deadline is None else min(registered, deadline))
        # What is out of bounds says nothing to the worker either.
        window = 0 if whole else bounds.number(meta, "credits", bounds.CREDITS) or 0
        reply = inbox.expect(job_id, whole, window)
        try:
            self._send(queue, level, [payload], until=until)
        except BaseException:
            inbox.forget(job_id)
            raise
        return inbox, job_id, reply

    def _inbox(self, queue: str) -> Inbox:
        with self._lock:
            self._shared.check_open()
            inbox = self._inboxes.get(queue)
            if inbox is None or inbox.has_ended or not inbox.is_alive():
                inbox = self._inboxes[queue] = Inbox(self._url, queue, self._shared.outage)
                inbox.start()
            return inbox

    def _say(self, action: Callable[..., None], inbox: Inbox, job_id: str, *arguments: Any) -> None:
        self._shared.say(action, inbox, job_id, *arguments)


class Stream(Iterator[Any]):
    """The answers of one job; ends after the last. `close` stops waiting, and cancels a job that has not been answered to the end; what
    still comes is counted as late. Whoever drops a stream before its end closes it, some seconds later."""

    def __init__(self, client: Client, inbox: Inbox, job_id: str, reply: Reply, timeout: Optional[float]) -> None:
        self._client = client  # lives as long as its stream
        self._inbox = inbox
        self.job_id = job_id
        self._reply = reply
        self._timeout = timeout
        self._over = False
        self._said, self._said_at = 0, time.monotonic()  # how many used answers the worker knows of

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Any:
        while not self._over:
            try:
                answer = self._reply.take(None if self._timeout is None else time.monotonic() + self._timeout)
            except BaseException:
                self.close()
                raise
            if answer.more:
                self._credit()
            else:
                self.close()
            if answer.args:
                return _value(answer)
        raise StopIteration

    def close(self) -> None:
        if self._over:
            return
        self._over = True
        self._inbox.forget(self.job_id)
        if not self._reply.is_answered:
            self._client._say(give_up, self._inbox, self.job_id, self._timeout)
        elif self._said:
            self._client._say(forget_credit, self._inbox, self.job_id)

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self._over = True
            self._inbox.leave(self.job_id)

    def _credit(self) -> None:
        """Says how many were used: seldom, because a worker that has half a window left need not hear of each."""
        window, used = self._reply.window, self._reply.used
        if window and (used - self._said >= max(1, window // 2) or time.monotonic() - self._said_at >= SAY_SECONDS):
            self._said, self._said_at = used, time.monotonic()
            self._client._say(credit, self._inbox, self.job_id, used)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _abandon(inboxes: Dict[str, Inbox]) -> None:
    for inbox in list(inboxes.values()):
        inbox.abandon()


def _value(answer: Answer) -> Any:
    """The one element of an answer, None if it has none; of several, all."""
    return answer.args if len(answer.args) > 1 else answer.args[0] if answer.args else None
