"""Takes back what dead processes held: kills their connections, reaps until nothing is left, answers the callers of what is dead now.

The beat process calls `work` between its ticks; what to bury comes from its observers.
"""
from __future__ import annotations

import json
import threading
from typing import Any, Callable, Dict, List, Tuple

from . import functions
from .addresses import Address
from .connections import cut
from .envelope import Answer, encode_answer, parse_job
from .errors import RedisRefused, TempestError
from .keys import NODES, connections_key
from .link import Link
from .outcome import push_elsewhere
from .routes import answer_id

REASONS = {
    "poison": "each process that ran the job crashed; it was given up",
    "interrupted": "the process that ran the job ended; it may have been carried out",
}


class Undertaker:
    """`say` hears what was done, as {"log": [level, text]}."""

    def __init__(self, url: str, say: Callable[[Dict[str, Any]], None]) -> None:
        self._url = url
        self._say = say
        self._dead: Dict[Tuple[str, str], int] = {}
        self._moved: Dict[Tuple[str, str], int] = {}
        self._answering: List[threading.Thread] = []

    @property
    def busy(self) -> bool:
        return bool(self._dead)

    def bury(self, queue: str, process: str, counter: int) -> None:
        """Puts a process on the list whose beat counter stood still at `counter`."""
        self._dead.setdefault((queue, process), counter)

    def work(self, link: Link) -> None:
        """One call for one of the dead, so that the ticks between two calls are not late. RedisUnavailable: call again."""
        if not self._dead:
            return
        (queue, process), counter = next(iter(self._dead.items()))
        key = (queue, process)
        try:
            if key not in self._moved:
                found = link.call("SMEMBERS", connections_key(queue, process))
                cut(link, process, [bytes(identity).decode("utf-8", "replace") for identity in found])
            moved, left, poisoned, interrupted = functions.call(link, "reap", queue, process, counter)
        except RedisRefused as error:
            self._over(key)
            return self._say({"log": ["error", f"queue {queue}: {process} stands still and cannot be reaped: {error}"]})
        dead = [*(("poison", payload) for payload in poisoned), *(("interrupted", payload) for payload in interrupted)]
        if dead:
            # Decoding what others wrote may take a while, and must not delay a beat.
            thread = threading.Thread(target=_answer, args=(self._url, queue, dead), daemon=True)
            thread.start()
            self._answering = [each for each in self._answering if each.is_alive()] + [thread]
        if moved < 0:
            return self._over(key)
        self._moved[key] = self._moved.get(key, 0) + moved
        if left <= 0:
            self._forget_node(link, queue, process)
            text = f"queue {queue}: {process} did not beat for its lease; {self._moved[key]} jobs taken back"
            self._over(key)
            self._say({"log": ["warning", text]})

    def end(self, seconds: float) -> None:
        """Gives answers under way a moment."""
        for thread in self._answering:
            thread.join(seconds)

    def _forget_node(self, link: Link, queue: str, process: str) -> None:
        """Removes the record of the node that P was part of. If it lives, it joins as another P and says so anew."""
        try:
            found = link.call("HGETALL", NODES)
            for node, text in zip(found[::2], found[1::2]):
                if _process_of(text, queue) == process:
                    link.call("HDEL", NODES, node)
        except RedisRefused:
            pass  # no right to: the record says of a P that there is not

    def _over(self, key: Tuple[str, str]) -> None:
        self._dead.pop(key, None)
        self._moved.pop(key, None)


def _process_of(record: bytes, queue: str) -> Any:
    """Which P a node's record names for the queue; None for what is no record."""
    try:
        return json.loads(record)["queues"][queue]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _answer(url: str, queue: str, dead: List[Tuple[str, bytes]]) -> None:
    """Tells the callers of jobs that died of poison, or were interrupted. Best effort: the dead records say it in any case."""
    link = Link(url)
    try:
        for code, payload in dead:
            try:
                job = parse_job(payload)
                address = job.address
                if address is not None:
                    error = {"code": code, "message": REASONS[code]}
                    answer = encode_answer(Answer(job.action, answer_id(job), [], {"error": error}, job.codec))
                    push_elsewhere(link, Address("elsewhere", address.inbox, address.queue or queue), answer)
            except TempestError:
                pass  # no job at all, or nobody to tell
    finally:
        link.close()
