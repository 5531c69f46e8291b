"""The worker's side of the beat: starts the process of beat.py, tells it for whom to beat, hears what it reports.

`watch` follows a Membership's join, `forget` its end; FENCED that the beat met goes to `on_fenced`.
"""
from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from typing import Any, Callable, Dict, Optional, Set, Tuple

from .backoff import Backoff

log = logging.getLogger("tempest")

# The URL may hold a password and the path is long: both come over standard input, where no list of processes shows them.
_PROGRAM = (
    "import json, sys; given = json.loads(sys.stdin.buffer.raw.readline()); sys.path[:] = given['path']; "
    "from tempest.beat import main; main(given['url'])"
)


class Heart(threading.Thread):
    """Keeps one beat process alive; a beat process that died is replaced and told everything again."""

    def __init__(self, url: str, on_fenced: Callable[[str, str], None]) -> None:
        super().__init__(name="tempest-heart", daemon=True)
        self._url = url
        self._on_fenced = on_fenced
        self._lock = threading.Lock()
        self._watched: Set[Tuple[str, str]] = set()
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._stopped = threading.Event()

    @property
    def pid(self) -> Optional[int]:
        """The beat process's id, while there is one."""
        process = self._process
        return process.pid if process is not None else None

    def watch(self, queue: str, process: str) -> None:
        with self._lock:
            self._watched.add((queue, process))
            self._order({"watch": [queue, process]})

    def forget(self, queue: str, process: str) -> None:
        with self._lock:
            self._watched.discard((queue, process))
            self._order({"forget": [queue, process]})

    def start_beating(self) -> None:
        """Starts the process, and the thread that hears it."""
        self._spawn()
        self.start()

    def stop(self) -> None:
        """Ends the process by closing its input, and waits for it."""
        self._stopped.set()
        process = self._process
        if process is not None:
            with self._lock:
                _close(process.stdin)
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.is_alive():
            self.join(2.0)

    def run(self) -> None:
        backoff = Backoff(0.1, 5.0)
        while not self._stopped.is_set():
            process = self._process
            assert process is not None and process.stdout is not None
            for line in process.stdout:
                backoff.reset()
                self._hear(line)
            _close(process.stdout)
            _close(process.stdin)
            status = process.wait()
            if self._stopped.is_set():
                return
            log.error("tempest: the beat process ended with status %s; starting another", status)
            self._stopped.wait(backoff.next())
            try:
                self._spawn()
            except OSError as error:
                log.error("tempest: the beat process cannot be started: %s", error)

    def _spawn(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            if not sys.executable:
                raise RuntimeError("the worker beats from a process of its own, and this Python does not know its program")
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            self._order({"path": sys.path, "url": self._url})
            for queue, name in self._watched:
                self._order({"watch": [queue, name]})

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
        if "fenced" in word:
            self._on_fenced(*word["fenced"])
        elif "trouble" in word:
            log.warning("tempest: the beat has trouble: %s", word["trouble"])
        elif "well" in word:
            log.info("tempest: the beat is well again")


def _close(file: Any) -> None:
    try:
        file.close()
    except OSError:
        pass
