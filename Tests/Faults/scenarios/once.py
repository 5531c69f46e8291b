"""Browsers post while the workers that carry it out are killed: nothing is carried out twice, and each browser is told what is known,
also when the supervisor that takes back the jobs of the killed ends before it has told the browsers."""
from __future__ import annotations

import random
import time
from collections import Counter
from typing import Dict, List

from browsers import Browsers, Question
from crew import LANGUAGES, Member
from oracle import graves
from response import Response
from stage import Missed, Setting, Stage, percentile

NAME = "once"
TITLE = "POST once: kill -9"
ALONE = False
SIZES = {"full": (200, 10_000), "short": (9, 300)}  # kills; requests at least
WORKERS = 6
SLOTS = 4
LIFE = (0.3, 1.5)  # seconds from when it is ready
IN_FLIGHT = 48
DEADLINE = 15
NAP = 40.0  # ms at most between the first and the second line of a request
DOUBT = b"may have been carried out"


class Payers(Browsers):
    """Ask for what must not be done twice, by methods that may be repeated and by those that may not. `told`: id -> method, status."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.told: Dict[str, tuple] = {}
        self._methods: Dict[str, str] = {}

    def question(self, name: str, rng: random.Random) -> Question:
        method = rng.choice(("POST", "POST", "POST", "PATCH", "GET"))
        body = b"" if method == "GET" else b"amount=" + rng.randbytes(rng.choice((0, 20, 2000, 40_000)))
        self._methods[name] = method
        head = (f"{method} /append?nap={rng.uniform(0, NAP):.1f} HTTP/1.1\r\nhost: front\r\nx-id: {name}\r\n"
                + (f"content-length: {len(body)}\r\n\r\n" if body else "\r\n"))
        return Question(name, head.encode(), body, False)

    def _judge(self, question: Question, response: Response, seconds: float) -> bool:
        found, method = self.findings, self._methods[question.id]
        self.told[question.id] = (method, response.status)
        if response.status == 200 and bytes(response.body) == question.id.encode():
            found.whole += 1
            found.latencies.append(seconds * 1000)
        elif response.status == 502 and DOUBT in response.body and method != "GET":
            found.aborted += 1
        else:
            found.failed += 1
            found.note(f"status {response.status} to {method}", f"{question.id} after {seconds:.1f} s: {bytes(response.body[:80])!r}")
        return True


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


def run(stage: Stage) -> None:
    setting, supervisors = stage.setting, stage.rng_for("supervisors")
    stage.crew.dies_before_it_tells = lambda: supervisors.random() < 0.5
    front = stage.open_front([{"path": "/*", "queue": stage.queue, "deadline": DEADLINE}])
    payers = stage.browsers = Payers(front.address, stage.rng_for("browsers"), IN_FLIGHT, DEADLINE)
    ends: Dict[str, float] = {}
    killed: List[Member] = []

    def hire(language: str) -> Member:
        member = stage.crew.hire(language, SLOTS)
        ends[member.name] = stage.rng.uniform(*LIFE)
        return member

    places = [hire(LANGUAGES[place % 3]) for place in range(WORKERS)]
    # Somebody has to live long enough to see that a reaper has died, as in every fleet; these do not.
    stage.crew.hire(stage.rng.choice(LANGUAGES), SLOTS)
    stage.await_crew()
    payers.start()
    last = time.monotonic()
    try:
        while len(killed) < setting.faults:
            stage.alert()
            stage.crew.note_ready()
            now = time.monotonic_ns()
            for place, member in enumerate(places):
                if member.killed is not None:
                    places[place] = hire(member.language)
                elif member.ready is not None and now - member.ready > ends[member.name] * 1e9 and len(killed) < setting.faults \
                        and payers.findings.requests >= len(killed) * setting.jobs / setting.faults / 2:
                    stage.crew.kill(member, all_of_it=True)
                    killed.append(member)
                    last = time.monotonic()
            if time.monotonic() - last > 30.0:
                raise Missed(f"within 30 s: another kill ({len(killed)} so far, {payers.findings.requests} requests)")
            stage.progress(f"{len(killed)} kills, {payers.findings.requests} requests")
            time.sleep(0.005)
        stage.eventually(f"{setting.jobs} requests", lambda: payers.findings.requests >= setting.jobs, stage.patience + setting.jobs / 50)
    finally:
        stage.check("every request ends", payers.finish(2.5 * DEADLINE + 30.0), f"{payers.busy} are under way")
        conclude(stage, payers, killed)


def conclude(stage: Stage, payers: Payers, killed: List[Member]) -> None:
    """What each request did, by the workers' own record, and what its browser was told."""
    stage.journal.poll()
    runs, found, told = stage.journal.runs, payers.findings, payers.told
    unsafe = {name for name, (method, _) in told.items() if method != "GET"}
    twice = [name for name in unsafe if len(runs.get(name, [])) > 1]
    undone = [name for name, (_, status) in told.items() if status == 200 and not any(run.end for run in runs.get(name, []))]
    doubts = [name for name in unsafe if told[name][1] == 502]
    again = [name for name in told if name not in unsafe and len(runs.get(name, [])) > 1]
    stage.check("no POST or PATCH was carried out twice", not twice, f"{len(twice)}: {twice[:3]}" if twice else "")
    stage.check("all that was answered with 200 was carried out", not undone, f"{len(undone)}: {undone[:3]}" if undone else "")
    stage.check("each was told 200, or 502 that it may have been carried out; no GET failed", found.failed == 0 and found.late == 0,
                str(found.reasons))
    dead = Counter({reason: len(jobs) for reason, jobs in graves(stage.wire, stage.queue).items()})
    # One whose answer was on its way when its worker was killed has both: its browser took what came first.
    stage.check("whoever was told 502 is on record as interrupted, and nothing else is dead",
                set(dead) <= {"interrupted"} and dead["interrupted"] >= len(doubts), f"{len(doubts)} told, {dict(dead)}")
    stage.check("the dead were at it, and a GET was run again", stage.setting.short or (bool(doubts) and bool(again)),
                f"{len(doubts)} told 502, {len(again)} run again")
    if not stage.setting.mutant:
        stage.eventually("nobody is untold", lambda: not stage.wire.call("EXISTS", f"{{{stage.queue}}}:!untold"), DEADLINE)
    stage.check("no marks are left", not stage.wire.call("KEYS", f"{{{stage.queue}}}:!begun:*") or bool(stage.setting.mutant))
    ordered = sorted(found.latencies)
    stage.result.faults, stage.result.jobs = len(killed), found.requests
    stage.result.duplicates, stage.result.reruns = len(twice), len(again)
    stage.result.traffic = {**found.as_json(), **{name: round(percentile(ordered, share), 1) if ordered else None
                                                  for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}}
    stage.result.notes.append(f"{len(killed)} kills; {len(unsafe)} POST and PATCH: {len(doubts)} told that they may have been carried out, "
                              f"{len(twice)} carried out twice; {len(told) - len(unsafe)} GET: {len(again)} run again")
    stage.result.notes += found.examples[:8]
    stage.await_crew()
    stage.crew.dismiss()
    stage.check("the workers lived and left as they should", not stage.crew.problems, "; ".join(stage.crew.problems[:3]))
    problem = stage.front.stop() if stage.front else ""
    stage.check("the front leaves as it should", not problem, problem)
