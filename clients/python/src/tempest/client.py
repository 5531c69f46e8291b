"""The caller's side: puts jobs on queues, and waits for their answers if it wants any.

What is pushed here is claimed by a worker in any language; what that worker answers comes back through inbox.py.
"""
from __future__ import annotations

import os
import threading
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from .codecs import Codec, named
from .envelope import Answer, Job, encode_job
from .errors import ClientClosed, RedisRefused, RedisUnavailable
from .inbox import Inbox
from .keys import checked_level, checked_queue, level_key, new_id
from .link import Link
from .reply import Reply

DEFAULT = -1.0  # a timeout that nobody means: the client's own is taken
PUSH_MOST = 1000
PUSH_BYTES = 1024 * 1024


class Client:
    """Pushes jobs and calls actions. Threads may share one; close it, or use it in a `with` statement.

    `redis_url` is redis://, rediss:// or unix://, by default REDIS_URL of the environment, else 127.0.0.1:6379. `queue`,
    `codec` (json, msgpack or tnetstring) and `timeout` (seconds; None waits for ever) are what calls use that name none.

    Nothing is connected before the first push, and no inbox registered before the first call. RedisUnavailable from a
    push means that the job may or may not be on its queue.
    """

    def __init__(self, redis_url: Optional[str] = None, queue: str = "tempest", codec: str = "json",
                 timeout: Optional[float] = 30.0) -> None:
        self._url = redis_url or os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
        self._queue = checked_queue(queue)
        self._codec = named(codec)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._link = Link(self._url, idle=0.0)
        self._inboxes: Dict[str, Inbox] = {}
        self._closed = False

    def push(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
             codec: Optional[str] = None, meta: Optional[Dict[str, Any]] = None) -> str:
        """Puts a job on the queue for which nobody waits; its id. CodecError if an argument has no form in the codec."""
        job_id = new_id()
        self._send(queue, level, [encode_job(Job(action, list(args), None, job_id, meta or {}, self._named(codec)))])
        return job_id

    def push_many(self, jobs: Iterable[Tuple[str, Sequence[Any]]], queue: Optional[str] = None, level: str = "default",
                  codec: Optional[str] = None) -> List[str]:
        """Pushes (action, args) in their order, many a command; their ids. All are encoded before the first is pushed."""
        chosen = self._named(codec)
        ids, payloads = [], []
        for action, args in jobs:
            ids.append(new_id())
            payloads.append(encode_job(Job(action, list(args), None, ids[-1], {}, chosen)))
        batch: List[bytes] = []
        size = 0
        for payload in payloads:
            if batch and (len(batch) == PUSH_MOST or size + len(payload) > PUSH_BYTES):
                self._send(queue, level, batch)
                batch, size = [], 0
            batch.append(payload)
            size += len(payload)
        if batch:
            self._send(queue, level, batch)
        return ids

    def call(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
             codec: Optional[str] = None, timeout: Optional[float] = DEFAULT,
             meta: Optional[Dict[str, Any]] = None) -> Any:
        """What the action's handler returns, or None if it returned nothing; of several answers, the last.

        Raises RemoteError if the job failed, CallTimeout if no answer came in `timeout` seconds (the job may still run),
        RedisUnavailable or RedisRefused if it could not be pushed.
        """
        seconds = self._timeout if timeout == DEFAULT else timeout
        deadline = None if seconds is None else time.monotonic() + seconds
        inbox, job_id, reply = self._begin(action, args, queue, level, codec, meta, deadline, whole=True)
        try:
            return _value(reply.take(deadline))
        finally:
            inbox.forget(job_id)

    def stream(self, action: str, *args: Any, queue: Optional[str] = None, level: str = "default",
               codec: Optional[str] = None, timeout: Optional[float] = DEFAULT,
               meta: Optional[Dict[str, Any]] = None) -> "Stream":
        """The answers of the action, one by one as they come; the job is pushed at once.

        `timeout` is for each answer. Iterating raises as `call` does, and RemoteError `interrupted` if the job was run
        again after answers of its first attempt had been used.
        """
        seconds = self._timeout if timeout == DEFAULT else timeout
        deadline = None if seconds is None else time.monotonic() + seconds
        inbox, job_id, reply = self._begin(action, args, queue, level, codec, meta, deadline, whole=False)
        return Stream(inbox, job_id, reply, seconds)

    @property
    def late(self) -> int:
        """How many answers came for calls that had ended, or came twice."""
        return sum(inbox.late for inbox in list(self._inboxes.values()))

    def close(self) -> None:
        """Fails the calls that still wait with ClientClosed, and deletes the inboxes."""
        with self._lock:
            self._closed = True
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.close()
        with self._lock:
            try:
                for inbox in inboxes:
                    inbox.unlisten(self._link)
            except (RedisUnavailable, RedisRefused):
                pass  # the inboxes are swept when others see that they stand still
            finally:
                self._link.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _named(self, codec: Optional[str]) -> Codec:
        return self._codec if codec is None else named(codec)

    def _send(self, queue: Optional[str], level: str, payloads: Sequence[bytes]) -> None:
        key = level_key(checked_queue(queue or self._queue), checked_level(level))
        with self._lock:
            if self._closed:
                raise ClientClosed("the client is closed")
            self._link.call("RPUSH", key, *payloads)

    def _begin(self, action: str, args: Sequence[Any], queue: Optional[str], level: str, codec: Optional[str],
               meta: Optional[Dict[str, Any]], deadline: Optional[float], whole: bool) -> Tuple[Inbox, str, Reply]:
        inbox = self._inbox(checked_queue(queue or self._queue))
        job_id = new_id()
        payload = encode_job(Job(action, list(args), inbox.id, job_id, meta or {}, self._named(codec)))
        inbox.await_listening(deadline)
        reply = inbox.expect(job_id, whole)
        try:
            self._send(queue, level, [payload])
        except BaseException:
            inbox.forget(job_id)
            raise
        return inbox, job_id, reply

    def _inbox(self, queue: str) -> Inbox:
        with self._lock:
            if self._closed:
                raise ClientClosed("the client is closed")
            inbox = self._inboxes.get(queue)
            if inbox is None or not inbox.is_alive():
                inbox = self._inboxes[queue] = Inbox(self._url, queue)
                inbox.start()
            return inbox


class Stream(Iterator[Any]):
    """The answers of one job; ends after the last. `close` stops waiting; what still comes is counted as late."""

    def __init__(self, inbox: Inbox, job_id: str, reply: Reply, timeout: Optional[float]) -> None:
        self._inbox = inbox
        self.job_id = job_id
        self._reply = reply
        self._timeout = timeout
        self._over = False

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Any:
        if self._over:
            raise StopIteration
        try:
            answer = self._reply.take(None if self._timeout is None else time.monotonic() + self._timeout)
        except BaseException:
            self.close()
            raise
        if not answer.more:
            self.close()
            if not answer.args:
                raise StopIteration
        return _value(answer)

    def close(self) -> None:
        self._over = True
        self._inbox.forget(self.job_id)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _value(answer: Answer) -> Any:
    return answer.args[0] if answer.args else None
