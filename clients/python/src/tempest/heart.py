"""The worker's side of the beat: starts the process of beat.py, tells it for whom to beat, hears what it reports.

`watch` follows a Membership's join, `forget` its end; what the process hears of Redis goes to a Listener.
"""
from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from .backoff import Backoff
from .errors import RedisUnavailable
from .log_lines import say
from .membership import Membership
from .outage import Outage

UP_SECONDS = 10.0
# So often in turn a beat process may end before one has ever run: then the next will not run either.
VAIN_STARTS = 5
# Set for a beat process: whoever finds it, and is about to start a worker, was started in place of one.
_MARK = "TEMPEST_BEAT_OF"

# The URL may hold a password and the path is long: both come over standard input, where no list of processes shows them.
_PROGRAM = (
    "import json, sys; given = json.loads(sys.stdin.buffer.raw.readline()); sys.path[:] = given['path']; "
    "from tempest.beat import main; main(given)"
)


@dataclass(frozen=True)
class Tick:
    """What a tick said: Redis' clock at the monotonic time `at`, what landed, waits and is to be run alone, whether P
    keeps the clock of the queue, and whether jobs of unknown actions have waited long enough."""

    queue: str
    process: str
    now: int
    at: float
    landed: int
    waiting: int
    suspects: int
    keeper: bool
    unknown: bool


class Listener:
    """Who hears what the beat process says; each is called from the heart's thread and returns soon."""

    def ticked(self, tick: Tick) -> str:
        """Returns what P says of itself from now on, "" if that did not change."""
        raise NotImplementedError

    def fenced(self, queue: str, process: str) -> None:
        raise NotImplementedError

    def cancel(self, queue: str, job_id: str) -> None:
        raise NotImplementedError

    def control(self, order: str) -> None:
        raise NotImplementedError

    def sweep(self) -> None:
        """A connection is a new one, or news were missed."""
        raise NotImplementedError

    def trouble(self) -> None:
        """The beat's connection broke, or Redis does not answer on it."""
        raise NotImplementedError

    def hopeless(self, error: Exception) -> None:
        """No beat process can be started."""
        raise NotImplementedError


class Heart(threading.Thread):
    """Keeps one beat process alive; one that died is replaced and told everything again. `given` goes to it first."""

    def __init__(self, given: Dict[str, Any], listener: Listener, outage: Outage) -> None:
        super().__init__(name="tempest-heart", daemon=True)
        self._outage = outage
        self._given = given
        self._listener = listener
        self._lock = threading.Lock()
        self._watched: Dict[Tuple[str, str], List[Any]] = {}
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._stopped = threading.Event()
        self._up = threading.Event()
        self._vain = 0  # starts, as long as none has succeeded
        self._python = _interpreter()

    @property
    def pid(self) -> Optional[int]:
        """The beat process's id, while there is one."""
        process = self._process
        return process.pid if process is not None else None

    def await_up(self) -> None:
        """Returns once the process runs: a P that joined before might lose its lease while Python starts."""
        if not self._up.wait(UP_SECONDS) or self._vain >= VAIN_STARTS:
            raise RedisUnavailable("the beat process is not ready yet, so no queue can be joined")

    def watch(self, membership: Membership) -> None:
        about = [membership.queue, membership.process, list(membership.levels), membership.lease]
        with self._lock:
            self._watched[(membership.queue, membership.process)] = about
            self._order({"watch": about})

    def forget(self, queue: str, process: str) -> None:
        with self._lock:
            self._watched.pop((queue, process), None)
            self._order({"forget": [queue, process]})

    def start_beating(self) -> None:
        """Starts the process, and the thread that hears it."""
        self._spawn()
        self.start()

    def stop(self, seconds: float) -> None:
        """Ends the process by closing its input, and kills it after the seconds."""
        self._stopped.set()
        self._up.set()
        process = self._process
        if process is not None:
            with self._lock:
                _close(process.stdin)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.is_alive():
            self.join(2.0)

    def run(self) -> None:
        backoff = Backoff(0.1, 1.0)
        while not self._stopped.is_set():
            process = self._process
            assert process is not None and process.stdout is not None
            with io.BufferedReader(process.stdout) as lines:  # type: ignore[type-var]
                for line in lines:
                    backoff.reset()
                    self._hear(line)
            self._up.clear()
            self._outage.forget("beat")
            _close(process.stdin)
            status = process.wait()
            if self._stopped.is_set():
                return
            self._vain += self._vain >= 0
            if self._vain >= VAIN_STARTS:
                self._up.set()
                return self._listener.hopeless(RuntimeError(
                    f"the beat process cannot run: `{self._python} -I -c …` ended {VAIN_STARTS} times, at last with status {status}; "
                    "what it printed says why. If this is no Python, name one in TEMPEST_PYTHON"))
            say(logging.ERROR, "the beat process ended; starting another", status=status)
            while not self._stopped.wait(backoff.next()):
                try:
                    self._spawn()
                    break
                except OSError as error:
                    say(logging.ERROR, "the beat process cannot be started", error=error)

    def _spawn(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._process = subprocess.Popen([self._python, "-I", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             bufsize=0, env={**os.environ, _MARK: str(os.getpid())})
            self._order({"path": sys.path, **self._given})
            for about in self._watched.values():
                self._order({"watch": about})

    def _order(self, order: Dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(json.dumps(order).encode("ascii") + b"\n")
            except (OSError, ValueError):
                pass  # it has ended: its successor is told all of it

    def _hear(self, line: bytes) -> None:
        try:
            word = json.loads(line)
        except ValueError:
            return
        if "up" in word:
            self._vain = -1
            self._up.set()
        elif "tick" in word:
            tick = Tick(word["tick"][0], word["tick"][1], *word["tick"][2:])
            note = self._listener.ticked(tick)
            if note:
                with self._lock:
                    self._order({"note": [tick.queue, tick.process, note]})
        elif "fenced" in word:
            self._listener.fenced(*word["fenced"])
        elif "cancel" in word:
            self._listener.cancel(*word["cancel"])
        elif "control" in word:
            self._listener.control(word["control"])
        elif "sweep" in word:
            self._listener.sweep()
        elif "trouble" in word:
            self._outage.lost("beat", word["trouble"])
            self._listener.trouble()
        elif "well" in word:
            self._outage.back("beat")
        elif "log" in word:
            level, message, fields = word["log"]
            say(logging.ERROR if level == "error" else logging.WARNING, message, **fields)


def _interpreter() -> str:
    """The Python that runs beat processes. RuntimeError where there is none, or where this program would start itself."""
    if os.environ.get(_MARK) == str(os.getppid()):
        raise RuntimeError("this program was started in place of a worker's beat process, because it is what sys.executable names: "
                           "name a Python in TEMPEST_PYTHON")
    python = os.environ.get("TEMPEST_PYTHON")
    if python:
        return python
    if not sys.executable or getattr(sys, "frozen", False):
        raise RuntimeError("a worker beats from a process of its own, and this program is not run by a Python that could be started: "
                           "name one in TEMPEST_PYTHON, with the packages redis and msgpack")
    return sys.executable


def _close(file: Any) -> None:
    try:
        file.close()
    except OSError:
        pass
