"""Callers in three languages, each call with a number of its own: programs in Python and Ruby, and requests to a front, which is in Swift."""
from __future__ import annotations

import http.client
import os
import random
import subprocess
import threading
import time
from typing import Dict, List, Optional, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
RANGE = 10**9  # each kind of caller has so many numbers


class Callers:
    """`outcomes` after `finish`: number -> `answered`, `timeout`, or what the caller was told at once."""

    def __init__(self, url: str, queue: str, folder: str, front: Tuple[str, int], threads: int, timeout: float, mistake: str = "") -> None:
        self.outcomes: Dict[int, str] = {}
        self.problems: List[str] = []
        self._environment = {**os.environ, "REDIS_URL": url}
        self._front, self._timeout = front, timeout
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._last = 3 * RANGE
        self._records = [os.path.join(folder, f"calls-{language}") for language in ("python", "ruby")]
        common = ["--threads", str(threads), "--timeout", f"{timeout:g}"]
        commands = [[os.environ.get("PYTHON", "/usr/bin/python3"), os.path.join(HERE, "workers/call.py"), "--mistake", mistake],
                    [os.environ.get("RUBY", "ruby"), os.path.join(HERE, "workers/call.rb")]]
        self._programs = []
        for place, command in enumerate(commands):
            words = ["setpriv", "--pdeathsig", "KILL", *command, queue, "--record", self._records[place], "--first", str((place + 1) * RANGE), *common]
            with open(self._records[place] + ".log", "ab") as log:
                self._programs.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment))
        self._askers = [threading.Thread(target=self._ask, daemon=True) for _ in range(threads)]
        for asker in self._askers:
            asker.start()

    def answered(self) -> int:
        """How many were answered so far, in all languages."""
        count = sum(word == "answered" for word in list(self.outcomes.values()))
        for record in self._records:
            if os.path.exists(record):
                with open(record, "rb") as file:
                    count += file.read().count(b" answered\n")
        return count

    def finish(self) -> None:
        """No new calls; returns when the last one has ended."""
        self._over.set()
        end = time.monotonic() + self._timeout + 20.0
        for program in self._programs:
            program.terminate()
        for program in self._programs:
            try:
                code: Optional[int] = program.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                program.kill()
                code = None
            if code != 0:
                self.problems.append(f"{program.args[4]} " + ("does not end" if code is None else f"ended with {code}"))
        for asker in self._askers:
            asker.join(max(0.1, end - time.monotonic()))
            if asker.is_alive():
                self.problems.append("a request is not answered at all")
        for record in self._records:
            with open(record, encoding="utf-8") as file:
                for line in file:
                    number, word = line.rstrip("\n").split(" ", 1)
                    self.outcomes[int(number)] = word

    def stop(self) -> None:
        self._over.set()
        for program in self._programs:
            if program.poll() is None:
                program.kill()
                program.wait()

    def _ask(self) -> None:
        link: Optional[http.client.HTTPConnection] = None
        while not self._over.is_set():
            with self._lock:
                self._last += 1
                number = self._last
            try:
                if link is None:
                    link = http.client.HTTPConnection(*self._front, timeout=self._timeout + 10.0)
                link.request("GET", f"/json/echo?nap={random.uniform(0, 300):.1f}", headers={"x-id": str(number)})
                response = link.getresponse()
                response.read()
                if response.status == 200:
                    word = "answered" if response.headers["x-id"] == str(number) else f"foreign {response.headers['x-id']}"
                else:
                    word = "timeout" if response.status == 504 else str(response.status)
                    self._over.wait(0.02)
            except (OSError, http.client.HTTPException) as error:
                word, link = type(error).__name__, None
                self._over.wait(0.02)
            self.outcomes[number] = word
