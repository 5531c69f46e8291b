"""Takes back what dead processes held: kills their connections, reaps until nothing is left, tells the callers of what is dead now.

A caller is on record as untold until the next call of reap names its job, so should this process die, another one tells it. The call
says also when none could be told: else it would look as if their jobs had crashed this process.

The beat process calls `work` between its ticks; what to bury comes from its observers.
"""
from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import functions
from .addresses import Address
from .connections import cut
from .envelope import Answer, Job, encode_answer, reread_job
from .errors import RedisRefused, RedisUnavailable, TempestError
from .keys import NODES, connections_key
from .link import Link
from .outcome import answers_in, push_elsewhere
from .routes import answer_id

REASONS = {
    "poison": "each process that ran the job crashed; it was given up",
    "interrupted": "the process that ran the job ended; it may have been carried out",
}


@dataclass
class _Dead:
    """A process that is being reaped, and how far that is: jobs moved (None: not called yet), callers told; who is being told, and why
    somebody could not be."""

    counter: int
    moved: Optional[int] = None
    told: int = 0
    telling: Optional[_Telling] = None
    refusal: str = ""

    @property
    def is_telling(self) -> bool:
        return self.telling is not None and self.telling.is_alive()

    def wait(self, seconds: float) -> None:
        if self.telling is not None:
            self.telling.join(seconds)


class _Telling(threading.Thread):
    """Tells callers, in a thread: decoding what others wrote may take a while, and must not delay a beat.

    `told`, when it has ended, are the ids of the dead records of those who were told, or whom nobody can tell; `refusal` says why
    another was not.
    """

    def __init__(self, url: str, queue: str, untold: List[Tuple[str, bytes, bytes]]) -> None:
        super().__init__(daemon=True)
        self._url, self._queue, self._untold = url, queue, untold
        self.told: List[bytes] = []
        self.lines: List[Dict[str, Any]] = []  # of each who was told: what the log says
        self.refusal = ""
        self.start()

    def run(self) -> None:
        link = Link(self._url)
        try:
            for code, record, payload in self._untold:
                job = _job(payload)
                if self._tell(link, code, job):
                    self.told.append(record)
                    named = {} if job is None else {"action": job.action, "job_id": str(job.job_id)}
                    self.lines.append({"queue": self._queue, **named, "reason": code, "error": REASONS[code]})
        except RedisUnavailable as error:
            self.refusal = str(error)  # the rest stay untold
        finally:
            link.close()

    def _tell(self, link: Link, code: str, job: Optional[Job]) -> bool:
        if job is None:
            return True
        try:
            address = job.address
            if address is None or address.kind == "direct":
                return True  # nodes are answered by workers that may, and by nobody else
            error = {"code": code, "message": REASONS[code]}
            answer = encode_answer(Answer(job.action, answer_id(job), [], {"error": error}, answers_in(job)))
        except TempestError:
            return True  # nobody could read it
        try:
            push_elsewhere(link, Address("elsewhere", address.inbox, address.queue or self._queue), answer)
        except RedisRefused as error:
            self.refusal = str(error)  # Redis is full, for instance: another tries it later
            return False
        return True


def _job(payload: bytes) -> Optional[Job]:
    try:
        return reread_job(payload)
    except TempestError:
        return None


def _pairs(flat: List[bytes]) -> List[Tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2]))


class Undertaker:
    """`say` hears what was done, as {"log": [level, message, fields]}."""

    def __init__(self, url: str, say: Callable[[Dict[str, Any]], None]) -> None:
        self._url = url
        self._say = say
        self._dead: Dict[Tuple[str, str], _Dead] = {}

    @property
    def busy(self) -> bool:
        return bool(self._dead)

    def bury(self, queue: str, process: str, counter: int) -> None:
        """Puts a process on the list whose beat counter stood still at `counter`."""
        self._dead.setdefault((queue, process), _Dead(counter))

    def work(self, link: Link) -> None:
        """One call for one of the dead, so that the ticks between two calls are not late. RedisUnavailable: call again."""
        key = next((key for key, dead in self._dead.items() if not dead.is_telling), None)
        if key is None:
            for dead in [*self._dead.values()][:1]:
                dead.wait(0.01)
            return
        (queue, process), dead = key, self._dead[key]
        told = dead.telling.told if dead.telling else []
        said = told or ([b"~"] if dead.telling else [])
        try:
            if dead.moved is None:
                found = link.call("SMEMBERS", connections_key(queue, process))
                cut(link, process, [bytes(identity).decode("utf-8", "replace") for identity in found])
            moved, left, poisoned, interrupted = functions.call(link, "reap", queue, process, dead.counter, "told", *said)
        except RedisRefused as error:
            del self._dead[key]
            return self._say({"log": ["error", "a dead process cannot be reaped",
                                      {"queue": queue, "process": process, "error": str(error)}]})
        if dead.telling:
            dead.told, dead.refusal = dead.told + len(told), dead.telling.refusal or dead.refusal
            for fields in dead.telling.lines:
                self._say({"log": ["error", "a job is dead", fields]})
        if moved < 0:
            if dead.moved is None:  # it beats, or another was quicker
                del self._dead[key]
                return
            return self._over(link, key, 0)
        dead.moved = (dead.moved or 0) + moved
        untold = [*(("poison", *each) for each in _pairs(poisoned)), *(("interrupted", *each) for each in _pairs(interrupted))]
        dead.telling = _Telling(self._url, queue, untold) if untold else None
        if not untold and (moved == 0 or left == 0):
            self._over(link, key, left)

    def end(self, seconds: float) -> None:
        """Gives answers under way a moment."""
        for dead in self._dead.values():
            dead.wait(seconds)

    def _forget_node(self, link: Link, queue: str, process: str) -> None:
        """Removes the record of the node that P was part of. If it lives, it joins as another P and says so anew."""
        try:
            found = link.call("HGETALL", NODES)
            for node, text in zip(found[::2], found[1::2]):
                if _process_of(text, queue) == process:
                    link.call("HDEL", NODES, node)
        except RedisRefused:
            pass  # no right to: the record says of a P that there is not

    def _over(self, link: Link, key: Tuple[str, str], untold: int) -> None:
        """`untold` callers are left to whoever observes."""
        (queue, process), dead = key, self._dead.pop(key)
        self._forget_node(link, queue, process)
        if dead.moved or not (dead.told or untold):
            self._warn("a process is dead: its jobs are back in the queue", queue=queue, process=process, jobs=dead.moved or 0)
        if dead.told:
            self._warn("told callers of jobs that died with a process", queue=queue, process=process, callers=dead.told)
        if untold:
            self._warn("callers of jobs that died with a process could not be told; another worker tries again", queue=queue,
                       process=process, callers=untold, error=dead.refusal or None)

    def _warn(self, message: str, **fields: Any) -> None:
        self._say({"log": ["warning", message, fields]})


def _process_of(record: bytes, queue: str) -> Any:
    """Which P a node's record names for the queue; None for what is no record."""
    try:
        return json.loads(record)["queues"][queue]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
