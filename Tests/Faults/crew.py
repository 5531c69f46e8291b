"""Workers in three languages as processes, and a supervisor's duty towards them: whoever exits is buried at once.

A scenario hires and kills; the burial asks Redis what the dead one held, ends its connections, and calls `reap`.
"""
from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Dict, List, Optional

from redis_server import RedisServer
from wire import ErrorReply, Gone, Wire

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = ("swift", "python", "ruby")
LEVELS = ("high", "default", "low")


def name_of(p: str) -> str:
    """The TEMPEST_PROCESS that P begins with: `<language>-<number>`, then a dot or more of a name."""
    return "-".join(p.split(".", 1)[0].split("-")[:2])


def children(pid: int) -> List[int]:
    """All processes below `pid`."""
    found: List[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += [int(child), *children(int(child))]
    except OSError:
        pass  # it ended meanwhile
    return found


@dataclass
class Member:
    """One worker process. `name` is its TEMPEST_PROCESS, which no other ever had."""

    language: str
    name: str
    process: subprocess.Popen
    log: str
    hired: int
    killed: Optional[int] = None  # ns at which the harness killed it
    exited: Optional[int] = None
    buried: Optional[int] = None
    held: List[str] = field(default_factory=list)  # ids of the jobs that it held when it was buried
    ready: Optional[int] = None
    leaving: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def send_all(self, number: int) -> None:
        """To the worker and the processes that it has started, as when a whole host stands still or goes away."""
        for pid in [self.pid, *children(self.pid)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


class Crew:
    """Hire only from the main thread: a worker dies with the thread that started it, so that none outlives the harness."""

    def __init__(self, server: RedisServer, queue: str, journal: str, folder: str, tempest: str, lease: float,
                 supervised: bool = True, url: Optional[str] = None) -> None:
        self.members: List[Member] = []
        self.problems: List[str] = []
        self.supervised = supervised
        self.reaps = True
        self.dies_before_it_tells = lambda: False  # whether a supervisor ends between two of its calls
        self._server, self._queue, self._journal, self._folder = server, queue, journal, folder
        self._tempest, self._lease = tempest, lease
        self._url = url or server.url
        self._undertakers: List[threading.Thread] = []
        self._wire = server.steady_wire("harness-crew")

    def command(self, language: str, concurrency: int) -> List[str]:
        common = [self._queue, "--journal", self._journal, "--concurrency", str(concurrency), "--lease", f"{self._lease:g}"]
        if language == "swift":
            return [self._tempest, "demo-worker", *common, "--grace", "5"]
        if language == "python":
            return [os.environ.get("PYTHON", "/usr/bin/python3"), os.path.join(HERE, "workers/record.py"), *common]
        if language == "ruby":
            return [os.environ.get("RUBY", "ruby"), os.path.join(HERE, "workers/record.rb"), *common]
        raise ValueError(language)

    def hire(self, language: str, concurrency: int = 4, command: Optional[List[str]] = None, actions: str = "record") -> Member:
        """`actions`: those that the worker has handlers for, which all do the same."""
        name = f"{language}-{len(self.members) + 1}"
        log = os.path.join(self._folder, f"{name}.log")
        environment = {**os.environ, "REDIS_URL": self._url, "TEMPEST_PROCESS": name}
        words = ["setpriv", "--pdeathsig", "KILL", *(command or [*self.command(language, concurrency), "--actions", actions])]
        with open(log, "ab") as out:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        member = Member(language, name, process, log, time.monotonic_ns())
        self.members.append(member)
        undertaker = threading.Thread(target=self._attend, args=(member,), daemon=True)
        undertaker.start()
        self._undertakers.append(undertaker)
        return member

    def hire_mixed(self, count: int, concurrency: int = 4) -> List[Member]:
        return [self.hire(LANGUAGES[place % 3], concurrency) for place in range(count)]

    def living(self) -> List[Member]:
        return [member for member in self.members if member.alive]

    def registered(self) -> Dict[str, List[str]]:
        """name -> the processes P that Redis knows under it."""
        found: Dict[str, List[str]] = {}
        for p in self._wire.call("HKEYS", f"{{{self._queue}}}:!procs"):
            found.setdefault(name_of(p.decode()), []).append(p.decode())
        return found

    def note_ready(self) -> None:
        """Marks those that Redis knows by now."""
        known = self.registered()
        for member in self.members:
            if member.ready is None and member.name in known:
                member.ready = time.monotonic_ns()

    def kill(self, member: Member, all_of_it: bool = False) -> None:
        """SIGKILL to the process, or to all that it has started as well."""
        member.killed = time.monotonic_ns()
        if all_of_it:
            member.send_all(signal.SIGKILL)
        else:
            member.send(signal.SIGKILL)

    def dismiss(self, patience: float = 15.0) -> None:
        """SIGTERM to all; those that do not end in time, or not with status 0, are problems."""
        self._dismiss([member for member in self.living() if member.killed is None], patience)
        for undertaker in self._undertakers:
            undertaker.join(10.0)
            if undertaker.is_alive():
                self.problems.append("a burial did not end within 10 s")

    def dismiss_one(self, member: Member) -> None:
        self._dismiss([member], 15.0)

    def _dismiss(self, leaving: List[Member], patience: float) -> None:
        for member in leaving:
            member.leaving = True
            member.send(signal.SIGCONT)
            member.send(signal.SIGTERM)
        end = time.monotonic() + patience
        for member in leaving:
            try:
                code = member.process.wait(max(0.1, end - time.monotonic()))
                if code != 0:
                    self.problems.append(f"{member.name} ended with {code} on SIGTERM ({member.log})")
            except subprocess.TimeoutExpired:
                self.problems.append(f"{member.name} did not end within {patience:g} s of SIGTERM ({member.log})")
                member.process.kill()

    def close(self) -> None:
        for member in self.members:
            member.leaving = True
            if member.alive:
                member.process.kill()
                member.process.wait()
        self._wire.close()

    def _attend(self, member: Member) -> None:
        code = member.process.wait()
        member.exited = time.monotonic_ns()
        if member.killed is None and not member.leaving:
            member.killed = time.monotonic_ns()
            if code != -signal.SIGKILL:
                self.problems.append(f"{member.name} ended by itself with {code} ({member.log})")
        if self.supervised and not (member.leaving and code == 0):
            wire = self._server.wire(10.0, "harness-undertaker")
            try:
                self.bury(wire, member)
            except (Gone, ErrorReply) as error:
                self.problems.append(f"{member.name} could not be buried: {error}")
            finally:
                wire.close()

    def bury(self, wire: Wire, member: Member) -> None:
        """What a supervisor does when a child has exited: ends its connections, and gives its jobs back."""
        for p in wire.call("HKEYS", f"{{{self._queue}}}:!procs"):
            p = p.decode()
            if name_of(p) != member.name:
                continue
            member.held += [data for data in self.held_by(wire, p)]
            if not self.reaps:
                continue
            self._cut(wire, p)
            left, told = 1, []
            while left > 0:
                moved, left, poisoned, interrupted = wire.call("FCALL", "tempest1_reap", 1, self._queue, p, "*", "told", *told)
                if moved < 0 or self.dies_before_it_tells():
                    break
                for payload in interrupted[1::2]:
                    self._tell(wire, payload)
                told = poisoned[::2] + interrupted[::2]
        member.buried = time.monotonic_ns()

    def _tell(self, wire: Wire, payload: bytes) -> None:
        """Whoever reaps tells the callers of jobs that were to be run once. Jobs of the harness are JSON."""
        action, _, respond_to, job = json.loads(payload)[:4]
        if respond_to is not None:
            error = {"code": "interrupted", "message": "its worker was killed"}
            wire.call("RPUSH", f"{{{self._queue}}}:in:{respond_to}", json.dumps([action, job, [], {"error": error}]))

    def held_by(self, wire: Wire, p: str) -> List[str]:
        """The payloads of the jobs in P's run hash and on its land lists, as text."""
        run = wire.call("HGETALL", f"{{{self._queue}}}:!run:{p}")
        held = [run[place + 1] for place in range(0, len(run), 2) if b"." in run[place]]
        for level in LEVELS:
            held += wire.call("LRANGE", f"{{{self._queue}}}:!land:{p}:{level}", 0, -1)
        return [data.decode("utf-8", "replace") for data in held]

    def _cut(self, wire: Wire, p: str) -> None:
        connections = wire.call("SMEMBERS", f"{{{self._queue}}}:!cid:{p}")
        if not connections:
            return
        info = wire.call("INFO", "server").decode()
        run_id = next(line[7:] for line in info.splitlines() if line.startswith("run_id:"))
        for connection in connections:
            run, _, number = connection.decode().partition("/")
            if run != run_id or not number.isdigit():
                continue
            listed = wire.call("CLIENT", "LIST", "ID", number).decode()
            if f" name=tempest:{p} " in listed:
                try:
                    wire.call("CLIENT", "KILL", "ID", number)
                except ErrorReply:
                    pass  # it ended by itself meanwhile
