"""The connection of a client, which its threads use one at a time, and the words about its streams that wait for one of them.

client.py asks for it, and does not know the lock: who holds that may wait for Redis, and others wait for it no longer than they have time.
"""
from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Deque, List, Sequence, Tuple, TypeVar

from .backoff import Backoff
from .credits import give_up, warn
from .errors import ClientClosed, RedisRefused, RedisUnavailable
from .inbox import Inbox
from .link import Link
from .outage import Outage

GREET_SECONDS = 2.0  # that a new connection may take to answer
TURN_SECONDS = 2.0  # who has less time than that waits so long for other threads all the same
PARTING_SECONDS = 10.0  # that threads may take to end whose commands were ended

Found = TypeVar("Found")
# Something to be said of a stream: by which function, to which queue's inbox, of which job, and what else it takes.
_Word = Tuple[Callable[..., None], Inbox, str, Tuple[Any, ...]]
_Refused = Tuple[str, str, RedisRefused]


class SharedLink:
    """`use` waits for Redis, `say` for nobody. Nothing is logged where the lock is held: a handler of the log may use the client, too."""

    def __init__(self, url: str) -> None:
        self.outage = Outage()
        self._link = Link(url, idle=0.0, at_once=True)
        self._lock = threading.Lock()
        self._unsaid: Deque[_Word] = deque()
        self._closed = False

    def begin_anew(self) -> None:
        """In a child of os.fork: a thread of the parent may have held a lock, and what Redis is to the parent the parent says."""
        self._lock = threading.Lock()
        self._unsaid.clear()
        self.outage = Outage()

    def check_open(self) -> None:
        if self._closed:
            raise ClientClosed("the client is closed")

    def use(self, action: Callable[[Link], Found], until: float) -> Found:
        """What `action` returns, which is called once, with a connection that answers. Waits for that until the monotonic time; one attempt
        is made in any case."""
        backoff = Backoff(0.05, 1.0)
        while True:
            served: List[bool] = []
            try:
                return self._once(action, until, served)
            except RedisUnavailable as error:
                if served:
                    raise
                self.outage.lost("client", error)
                left = until - time.monotonic()
                if left <= 0:
                    self.outage.rest("client")
                    raise
            finally:
                if True in served:
                    self.outage.back("client")
                self._say_on()
            time.sleep(min(left, backoff.next()))

    def say(self, action: Callable[..., None], inbox: Inbox, job_id: str, *arguments: Any) -> None:
        """Says something of a stream. Where another thread uses the connection that one says it, when it has done. A client that is closed
        says nothing more."""
        if not self._closed:
            self._unsaid.append((action, inbox, job_id, arguments))
            self._say_on()

    def close(self) -> None:
        """From now on there is ClientClosed for all who come."""
        self._closed = True

    def part(self, inboxes: Sequence[Inbox]) -> None:
        """The last words, after `close`. A thread that uses the connection has a moment to end."""
        held: List[bool] = []
        try:
            self._lay_hold(held, TURN_SECONDS)
            over = time.monotonic() + PARTING_SECONDS
            while True not in held and time.monotonic() < over:
                self._link.abort()
                self._lay_hold(held, 0.05)
            if True in held:
                self._say_last(inboxes)
        finally:
            if True in held:
                self._lock.release()

    def _once(self, action: Callable[[Link], Found], until: float, served: List[bool]) -> Found:
        """One attempt, when it is this thread's turn. `served` says how far it came: empty, there was no connection that answers."""
        held: List[bool] = []
        try:
            self._lay_hold(held, max(TURN_SECONDS, until - time.monotonic()))
            self.check_open()
            if True not in held:
                served.append(False)
                raise RedisUnavailable(f"nothing was sent: other threads of this program wait for Redis at {self._link.place} by the same client")
            self._link.greet(GREET_SECONDS)
            served.append(True)
            return action(self._link)
        finally:
            if True in held:
                self._lock.release()

    def _lay_hold(self, held: List[bool], seconds: float) -> None:
        """Appends whether the lock was taken within the seconds. Who calls it releases the lock, also when a signal's handler raises
        meanwhile: between taking it and appending there is no Python code."""
        held.extend(map(self._lock.acquire, (True,), (min(max(0.0, seconds), threading.TIMEOUT_MAX),)))

    def _say_on(self) -> None:
        """Says what waits to be said, unless another thread uses the connection: that one looks here afterwards."""
        while self._unsaid:
            held: List[bool] = []
            refused: List[_Refused] = []
            try:
                self._lay_hold(held, 0.0)
                if True not in held:
                    return
                if self._closed:
                    self._unsaid.clear()
                self._say_unsaid(refused)
            finally:
                if True in held:
                    self._lock.release()
                for each in refused:
                    warn(*each)

    def _say_unsaid(self, refused: List[_Refused]) -> None:
        """Where the lock is held. Without Redis the next connection of the inbox says it: what was used, and whose job is to be cancelled."""
        is_away = False
        while self._unsaid:
            action, inbox, job_id, arguments = self._unsaid[0]
            try:
                if not is_away:
                    self._link.greet(GREET_SECONDS)
                    action(self._link, inbox.queue, job_id, *arguments)
            except RedisRefused as error:
                refused.append((inbox.queue, job_id, error))
            except RedisUnavailable:
                is_away = True
            if is_away and action is give_up:
                inbox.leave(job_id)
            self._unsaid.popleft()

    def _say_last(self, inboxes: Sequence[Inbox]) -> None:
        try:
            self._say_unsaid([])
            for inbox in inboxes:
                inbox.part(self._link)
        except (RedisUnavailable, RedisRefused):
            pass  # the inboxes are swept when others see that they stand still
        finally:
            self._link.close()
