"""What a scenario stands on: a private Redis, a journal, an inbox, producers and a crew; and where it writes its findings."""
from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from browsers import Browsers
from crew import Crew
from front_process import FrontProcess
from inbox import Inbox
from journal import Journal
from liar import Liar
from oracle import Tally, job_id, judge, remains
from producer import Producer
from proxy import Proxy
from redis_server import RedisServer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY = os.path.join(ROOT, "protocol", "tempest.lua")


class Missed(Exception):
    """What had to happen did not within its time."""


@dataclass
class Setting:
    """What the command line says."""

    seed: int
    tempest: str
    lease: float = 1.0
    faults: int = 0
    jobs: int = 0
    short: bool = False
    keep: bool = False
    mutant: Optional[str] = None
    liar: Optional[str] = None  # the mistake of a proxy between browsers and a front
    mistake: str = ""  # of a caller
    library: Optional[str] = None  # the source of the functions, if not protocol/tempest.lua as it is


@dataclass
class Result:
    """What one scenario found; becomes a line of the table."""

    name: str
    title: str
    seed: int
    faults: int = 0
    jobs: int = 0
    lost: int = 0
    duplicates: int = 0
    reruns: int = 0
    slots: int = 0  # busy slots per kill, where there are kills
    recovery: List[float] = field(default_factory=list)  # ms
    checks: List[Tuple[str, bool]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""
    traffic: Optional[Dict[str, Any]] = None  # of scenarios with a front: what became of the requests

    @property
    def passed(self) -> bool:
        return all(ok for _, ok in self.checks) and (bool(self.checks) or bool(self.skipped))

    def as_json(self) -> Dict[str, Any]:
        found = dict(self.__dict__)
        recovery = sorted(found.pop("recovery"))
        found["recovery"] = {name: round(percentile(recovery, share), 1) if recovery else None
                             for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
        found["recovery"]["count"] = len(recovery)
        found["passed"] = self.passed
        return found


def percentile(ordered: List[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Stage:
    """Made and closed by the frame; a scenario's `run` uses it from the main thread."""

    queue = "faults"

    def __init__(self, name: str, title: str, setting: Setting, redis: Optional[Dict[str, Any]] = None,
                 supervised: bool = True, proxied: bool = False, patience: float = 60.0) -> None:
        self.setting = setting
        self.rng = random.Random(f"{setting.seed}/{name}")
        self.result = Result(name, title, setting.seed)
        self.folder = tempfile.mkdtemp(prefix=f"tempest-faults-{name}-")
        self.patience = min(patience, 10.0) if setting.mutant else patience  # a mutant is not to be waited for
        self.standstill = 4.0 if setting.mutant else 15.0  # seconds without an answer after which nothing more is expected
        self.excused: Set[str] = set()
        self.doomed: Set[str] = set()  # jobs that are to end in the dead stream: nobody waits for their answers
        self.producers: List[Producer] = []
        self.tally: Optional[Tally] = None
        self.front: Optional[FrontProcess] = None
        self.browsers: Optional[Browsers] = None
        self.liar: Optional[Liar] = None
        self._began = time.monotonic()
        self._said = 0.0
        self.server = RedisServer(self.folder, **(redis or {}))
        self.proxy: Optional[Proxy] = None
        self.server.start()
        self.wire = self.server.steady_wire("harness")
        with open(LIBRARY, encoding="utf-8") as file:
            self.wire.call("FUNCTION", "LOAD", "REPLACE", setting.library or file.read())
        if proxied:
            self.proxy = Proxy(self.server.path, self.rng)
            self.proxy.start()
        self.journal = Journal(os.path.join(self.folder, "journal"))
        self.inbox = self.new_inbox()
        self.crew = Crew(self.server, self.queue, self.journal.path, self.folder, setting.tempest, setting.lease, supervised,
                         self.proxy.url if self.proxy else None)

    @property
    def lease(self) -> float:
        return self.setting.lease

    def new_inbox(self) -> Inbox:
        inbox = Inbox(self.server, self.queue, f"inbox{self.rng.getrandbits(64):016x}")
        inbox.start()
        return inbox

    def producer(self, total: Optional[int] = None, **options: Any) -> Producer:
        options.setdefault("prefix", f"p{len(self.producers)}j")
        producer = Producer(self.server, self.queue, self.inbox, self.rng_for(f"producer{len(self.producers)}"),
                            self.setting.jobs if total is None else total, **options)
        self.producers.append(producer)
        return producer

    def open_front(self, routes: List[Dict[str, Any]]) -> FrontProcess:
        """A front that listens, for these routes."""
        self.front = FrontProcess(self.folder, self.setting.tempest, self.server.url, routes)
        self.front.start()
        return self.front

    def rng_for(self, what: str) -> random.Random:
        """A stream of choices of its own for each thread, so that the seed decides all of them."""
        return random.Random(f"{self.setting.seed}/{self.result.name}/{what}")

    # What scenarios wait for

    def eventually(self, what: str, event: Callable[[], Any], seconds: float, pause: float = 0.005) -> Any:
        """What `event` returns once it is true; Missed after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            found = event()
            if found:
                return found
            if time.monotonic() > end:
                raise Missed(f"within {seconds:g} s: {what}")
            self.alert()
            time.sleep(pause)

    def alert(self) -> None:
        """Raises what went wrong in the harness's own threads."""
        for thread in [self.inbox, *self.producers, *([self.browsers] if self.browsers else [])]:
            if thread.trouble is not None:
                raise RuntimeError(f"the harness's {thread.name} failed: {thread.trouble!r}")

    def await_crew(self, seconds: float = 20.0) -> None:
        """Returns when all living members are registered."""
        def ready() -> bool:
            self.crew.note_ready()
            return all(member.ready is not None for member in self.crew.living())
        self.eventually("all workers are registered", ready, seconds)

    def answered(self) -> int:
        return self.inbox.total

    def hold_of(self, name: str) -> List[str]:
        """Ids of the jobs that the member `name` holds now."""
        return [job_id(data.encode()) for p in self.crew.registered().get(name, []) for data in self.crew.held_by(self.wire, p)]

    # The end

    def finish(self, leave: bool = True) -> Tally:
        """Waits until every acknowledged job is answered, or nothing is left that could be; then judges."""
        try:
            self.eventually("all jobs are pushed", lambda: not any(producer.is_alive() for producer in self.producers),
                            self.patience, 0.02)
        except Missed as missed:
            # What was pushed is judged all the same.
            self.check(str(missed), False)
            for producer in self.producers:
                producer.finish()
        end = time.monotonic() + self.patience
        quiet = None
        look = 0.0
        moved, moving = self.inbox.total, time.monotonic()
        while True:
            self.alert()
            now = time.monotonic()
            open_jobs = [job for producer in self.producers for job in list(producer.acknowledged)
                         if job not in self.inbox.answers and job not in self.excused and job not in self.doomed]
            if now >= look:
                # What is nowhere in Redis while nothing moves will not be answered any more.
                left = remains(self.wire, self.queue)
                if not open_jobs and not left:
                    break
                quiet = (quiet or now) if not left else None
                if quiet is not None and now - quiet > 2.0:
                    break
                if self.inbox.total != moved:
                    moved, moving = self.inbox.total, now
                elif now - moving > self.standstill:
                    end = now
                look = now + (0.02 if len(left.get("waiting", [])) < 50 else 0.3)
            if now > end:
                self.result.notes.append(f"not finished: {len(open_jobs)} jobs open, " + ", ".join(
                    f"{len(jobs)} {place}" for place, jobs in left.items()))
                break
            self.progress(f"waiting for the last {len(open_jobs)} answers")
            time.sleep(0.01)
        if leave:
            # A signal to a program that has not yet asked for it would end it without a word.
            self.await_crew()
            self.crew.dismiss()
        return self.judge()

    def judge(self) -> Tally:
        """What the oracle says of the present state."""
        # An answer that came twice is already on the list when the workers have ended.
        try:
            self.eventually("the inbox is read", lambda: not self._unread(), 10.0)
        except Missed as missed:
            self.check(str(missed), False)
        self.tally = judge(self.producers, self.inbox, self.journal, self.wire, self.queue, self.excused)
        result = self.result
        result.jobs, result.lost = self.tally.jobs, len(self.tally.lost)
        result.duplicates, result.reruns = len(self.tally.duplicates), self.tally.reruns
        return self.tally

    def _unread(self) -> bool:
        # The last answers stay on the list until a read confirms them: unread are those beyond what was counted.
        inbox = f"{{{self.queue}}}:in:{self.inbox.id}"
        seen = int(self.wire.call("HGET", f"{{{self.queue}}}:!inboxes", self.inbox.id + "#") or 0)
        return seen + self.wire.call("LLEN", inbox) > self.inbox.places

    def check(self, what: str, ok: bool, detail: str = "") -> bool:
        self.result.checks.append((what + (f" ({detail})" if detail else ""), bool(ok)))
        return bool(ok)

    def check_usual(self, reruns: Optional[int] = None, left: bool = True) -> None:
        """What holds in nearly every scenario; `reruns`: how many are allowed, None for any."""
        tally = self.tally
        assert tally is not None
        self.check("nothing lost", not tally.lost, sample(tally.lost))
        self.check("no duplicate answers", not tally.duplicates, sample(tally.duplicates))
        self.check("no answers to jobs that nobody pushed", not tally.strangers, sample(tally.strangers))
        self.check("no answers without a run", not tally.never_ran, sample(tally.never_ran))
        if left:
            self.check("nothing left in Redis", not tally.left, ", ".join(
                f"{len(jobs)} {place}: {sample(jobs)}" for place, jobs in tally.left.items()))
            self.check("nothing dead", not tally.dead or bool(self.doomed), ", ".join(f"{len(jobs)} {reason}" for reason, jobs in tally.dead.items()))
            self.check("no error answers", not tally.failed, json.dumps(tally.failed) if tally.failed else "")
        if reruns is not None:
            self.check(f"re-runs at most {reruns}", tally.reruns <= reruns, f"{tally.reruns}" if tally.reruns > reruns else "")
        self.check("the workers lived and left as they should", not self.crew.problems, "; ".join(self.crew.problems[:3]))

    def counts(self) -> Dict[str, int]:
        flat = self.wire.call("HGETALL", f"{{{self.queue}}}:!counts")
        return {name.decode(): int(number) for name, number in zip(flat[::2], flat[1::2])}

    def progress(self, text: str) -> None:
        if sys.stderr.isatty() and time.monotonic() - self._said > 0.2:
            self._said = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{self.result.name}: {text}")
            sys.stderr.flush()

    def close(self) -> None:
        self.result.seconds = round(time.monotonic() - self._began, 1)
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
        for producer in self.producers:
            if producer.is_alive():
                producer.finish()
        if self.browsers is not None and self.browsers.is_alive():
            self.browsers.finish(0.0)
        if self.liar is not None:
            self.liar.stop()
        if self.front is not None:
            self.front.close()
        self.crew.close()
        self.inbox.finish()
        self.wire.close()
        if self.proxy is not None:
            self.proxy.stop()
        self.server.stop()
        self.journal.close()
        if self.setting.keep or not self.result.passed:
            self.result.notes.append(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def sample(jobs: List[str], most: int = 3) -> str:
    if not jobs:
        return ""
    return f"{len(jobs)}: " + ", ".join(jobs[:most]) + (", …" if len(jobs) > most else "")
