"""The small process beside a worker that beats for it, so that a handler which holds the GIL never looks dead.

The worker writes it lines of JSON: whom to beat for, until when, and what to say of itself. It ticks, observes the other
processes and reaps the dead, listens for news, and writes lines back: {"up": true}, {"tick": …}, {"fenced": …},
{"cancel": …}, {"control": …}, {"sweep": true}, {"trouble": …}, {"well": true}, {"log": …}. It ends when its standard input
does, which is when the worker ends, however that comes about.
"""
from __future__ import annotations

import json
import os
import select
import signal
import time
from typing import Any, Dict, List, Tuple

from . import functions
from .backoff import Backoff
from .errors import RedisRefused, RedisUnavailable, TempestError
from .keys import control_channel, is_process, news_channel
from .link import Link
from .news import News, order_in
from .observer import Observer
from .undertaker import Undertaker
from .voice import Voice

INTERVAL = 1.0
INTERVAL_LEAST = 0.05
LEASE = 10.0
REFUSED_SECONDS = 30.0


class Watched:
    """One P on one queue that this process beats for. Times are monotonic seconds."""

    def __init__(self, queue: str, process: str, levels: List[str], lease: float) -> None:
        self.queue, self.process, self.levels, self.lease = queue, process, levels, lease
        self.note = ""
        self.due = 0.0
        self.interval = min(INTERVAL, max(INTERVAL_LEAST, lease / 10))
        self.observer = Observer()


class Beat:
    """`given` is the first line that the worker writes: url, node (its id) and name."""

    def __init__(self, given: Dict[str, Any]) -> None:
        self._node, self._name = str(given["node"]), str(given["name"])
        self._url = str(given["url"])
        # A reply that takes a third of the lease is given up, so that a broken connection costs no lease.
        self._patience = max(0.5, min(10.0, float(given["lease"]) / 3))
        self._link = Link(self._url, patience=self._patience)
        self._connects = 0
        self._backoff = Backoff(0.1, 1.0)
        self._news = News(self._url, self._patience)
        self._control = control_channel(self._news.database)
        self._news_backoff = Backoff(0.1, 1.0)
        self._news_due = 0.0
        self._is_deaf = False
        self._troubled = False
        self._complain_at = 0.0  # when a right that is missing may be told again
        self._parent = os.getppid()
        self._voice = Voice(1)
        self._bury_due = 0.0
        self._undertaker = Undertaker(self._url, self._voice.say)
        self._watched: Dict[Tuple[str, str], Watched] = {}

    def run(self) -> None:
        os.set_blocking(0, False)
        self._voice.say({"up": True})
        self._voice.flush()
        pending = b""
        # A process that the worker forked may keep our input open: hence the look at the parent each second.
        while os.getppid() == self._parent:
            if self._wait():
                chunk = os.read(0, 65536)
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._follow(json.loads(line))
            self._listen()
            if _is_stopped(self._parent):
                self._hold()
            else:
                self._tick()
                self._bury()
            self._voice.flush()

    def close(self) -> None:
        self._undertaker.end(1.0)
        self._link.close()
        self._news.close()

    def _wait(self) -> bool:
        """Until something is to be done; whether the worker has written something."""
        now = time.monotonic()
        due = [watched.due - now for watched in self._watched.values()]
        if self._undertaker.busy:
            due.append(self._bury_due - now)
        wait = max(0.0, min([1.0, *due]))
        news = self._news.fileno()
        written = [1] if self._voice.pending else []
        return 0 in select.select([0] if news is None else [0, news], written, [], max(wait, 0.001))[0]

    def _follow(self, order: Dict[str, Any]) -> None:
        if "watch" in order:
            queue, process, levels, lease = order["watch"]
            self._watched[(queue, process)] = Watched(queue, process, levels, lease)
            self._news_due = 0.0
        elif "forget" in order:
            self._watched.pop((order["forget"][0], order["forget"][1]), None)
        elif "note" in order:
            queue, process, note = order["note"]
            if (queue, process) in self._watched:
                self._watched[(queue, process)].note = note

    def _hold(self) -> None:
        """Lets the beats pass that are due: the worker is stopped."""
        now = time.monotonic()
        self._bury_due = now + INTERVAL
        for watched in self._watched.values():
            watched.due = max(watched.due, now + watched.interval)

    def _tick(self) -> None:
        for watched in list(self._watched.values()):
            now = time.monotonic()
            if watched.due > now:
                continue
            try:
                self._look(watched)
                self._well()
            except RedisUnavailable as error:
                self._trouble(error)
                again = now + self._backoff.next()
                for each in self._watched.values():
                    each.due = max(again, each.due)
                return
            except TempestError as error:
                if isinstance(error, RedisRefused) and error.word == "FENCED":
                    del self._watched[(watched.queue, watched.process)]
                    self._voice.say({"fenced": [watched.queue, watched.process]})
                else:
                    self._trouble(error)
                    watched.due = now + watched.interval

    def _look(self, watched: Watched) -> None:
        sent = time.monotonic()
        note = watched.note
        reply = functions.call(self._link, "tick", watched.queue, watched.process, note, *watched.levels)
        received = time.monotonic()
        if watched.note == note:
            watched.note = ""  # it is there; "" leaves it as it is
        if self._link.connects != self._connects:
            # What happened before this connection is not known: countdowns begin anew, the worker looks for what it lost.
            self._connects = self._link.connects
            for each in self._watched.values():
                each.observer.restart()
            self._voice.say({"sweep": True})
        # Later revisions of the functions may say more.
        if len(reply) < 9:
            # Somebody has flushed the functions, and a worker of an earlier version was the first to load its own.
            functions.ensure(self._link)
        _, now, due, landed, waiting, suspects, others, keeper, unknown = [*reply, 0][:9]
        self._voice.say({"tick": [watched.queue, watched.process, int(now), (sent + received) / 2, int(landed), int(waiting),
                                  int(suspects), int(keeper) == 1, int(unknown) == 1]}, instead_of=watched.queue)
        seen = [(bytes(others[i]).decode("ascii", "replace"), int(others[i + 1]), int(others[i + 2]) / 1000)
                for i in range(0, len(others), 3)]
        seen = [other for other in seen if is_process(other[0])]
        for process, counter in watched.observer.looked(sent, received, seen):
            self._undertaker.bury(watched.queue, process, counter)
        shortest = min([watched.lease, *(lease for _, _, lease in seen)])
        watched.interval = min(INTERVAL, max(INTERVAL_LEAST, shortest / 10))
        watched.due = sent + (min(watched.interval, due / 1000) if due >= 0 else watched.interval)

    def _bury(self) -> None:
        if time.monotonic() < self._bury_due:
            return
        try:
            self._undertaker.work(self._link)
        except RedisUnavailable as error:
            self._trouble(error)
            self._bury_due = time.monotonic() + self._backoff.next()
        except TempestError as error:
            self._voice.say({"log": ["error", "a dead process cannot be reaped; trying again", {"error": str(error)}]})

    def _listen(self) -> None:
        now = time.monotonic()
        if now < self._news_due or not self._watched:
            return
        try:
            self._news.follow([self._control, *sorted({self._channel(queue) for queue, _ in self._watched})])
            messages = self._news.heard()
            if self._news.listens_anew():
                self._is_deaf = False
                self._news_backoff.reset()
                self._voice.say({"sweep": True})  # cancellations may have been said while nobody listened
            for channel, data in messages:
                self._hear(channel, data)
        except RedisUnavailable:
            self._news_due = now + self._news_backoff.next()
        except RedisRefused as error:
            self._news_due = now + REFUSED_SECONDS
            if not self._is_deaf:
                self._voice.say({"log": ["warning", "no news from Redis: running jobs cannot be cancelled, and operators are not heard",
                                         {"error": str(error)}]})
            self._is_deaf = True

    def _channel(self, queue: str) -> str:
        return news_channel(queue, self._news.database)

    def _hear(self, channel: str, data: bytes) -> None:
        if channel == self._control:
            order = order_in(data, self._node, self._name)
            if order is not None:
                self._voice.say({"control": order})
            return
        word, _, rest = data.decode("utf-8", "replace").partition(" ")
        for watched in self._watched.values():
            if self._channel(watched.queue) == channel:
                if word == "suspect" or (word == "tick" and rest in ("*", watched.process)):
                    watched.due = 0.0
                elif word == "cancel" and 0 < len(rest) <= 128:
                    self._voice.say({"cancel": [watched.queue, rest]})

    def _trouble(self, error: Exception) -> None:
        for each in self._watched.values():
            each.observer.restart()
        if isinstance(error, RedisRefused) and error.word == "NOPERM" and time.monotonic() >= self._complain_at:
            # Nobody keeps this queue in order while it lasts, and it does not pass by itself.
            self._complain_at = time.monotonic() + REFUSED_SECONDS
            self._voice.say({"log": ["error", "the beat cannot do its work", {"error": str(error)}]})
        if not self._troubled:
            self._troubled = True
            self._voice.say({"trouble": str(error)})

    def _well(self) -> None:
        if self._troubled:
            self._troubled = False
            self._voice.say({"well": True})
        self._backoff.reset()


def _is_stopped(process: int) -> bool:
    """Whether SIGSTOP holds the worker: it does nothing, so nobody must believe that it does. Known on Linux alone."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def main(given: Dict[str, Any]) -> None:
    """Beats until standard input ends. Signals to the group are the worker's business: it drains first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    beat = Beat(given)
    try:
        beat.run()
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        beat.close()
    # The interpreter would complain about a standard output that nobody reads when it flushes it at exit.
    os._exit(0)
