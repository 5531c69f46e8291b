"""Pairs of jobs with equal bytes, down to their ids: both run, whatever happens to either."""
from __future__ import annotations

import json
import signal
from typing import Callable, Dict

from crew import Member
from stage import Setting, Stage

NAME = "twins"
TITLE = "two jobs with equal bytes, delayed and crashed"
ALONE = False
SIZES = {"full": (0, 0), "short": (0, 0)}
LONG = 400.0  # ms that a twin naps where it is to be caught in the act


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


class Pairs:
    """What each combination is made of. `first` takes the jobs that are to be interrupted; the rest of the crew comes after that."""

    def __init__(self, stage: Stage, language: str) -> None:
        self.stage, self.language, self.number = stage, language, 0

    def payload(self, what: str, nap: float) -> bytes:
        self.number += 1
        self.id = f"twin-{self.language}-{what}".replace(" ", "-")
        return json.dumps(["record", [self.number, nap], self.stage.inbox.id, self.id]).encode()

    def push(self, payload: bytes, count: int = 1) -> None:
        for _ in range(count):
            self.stage.wire.call("RPUSH", self.stage.queue, payload)

    def delay(self, payload: bytes, milliseconds: int, count: int = 1) -> None:
        self.stage.wire.call("FCALL", "tempest1_delay", 1, self.stage.queue, f"+{milliseconds}", "default", *[payload] * count)

    def hire(self, slots: int) -> Member:
        member = self.stage.crew.hire(self.language, slots)
        self.stage.await_crew()
        return member

    def running(self, member: Member, count: int) -> None:
        """Waits until `count` runs of the present twins have begun in `member`."""
        def begun() -> bool:
            self.stage.journal.poll()
            return sum(1 for run in self.stage.journal.runs.get(self.id, []) if run.pid == member.pid) >= count
        self.stage.eventually(f"{count} of {self.id} run", begun, 10.0)

    def crash(self, member: Member) -> None:
        self.stage.crew.kill(member)
        self.stage.eventually("the dead is buried", lambda: member.buried, 10.0)


def run(stage: Stage) -> None:
    combinations: Dict[str, Callable[[Pairs], int]] = {
        "waiting and waiting": waiting_waiting, "delayed and delayed, due at once": delayed_delayed,
        "delayed and delayed, due apart": delayed_apart, "delayed and waiting": delayed_waiting,
        "crashed and crashed, in one process": crashed_together, "crashed and crashed, one after the other": crashed_apart,
        "crashed and waiting": crashed_waiting, "crashed and delayed": crashed_delayed, "given back and waiting": returned_waiting,
        "given back and delayed": returned_delayed,
    }
    total = crashes = 0
    languages = ("swift", "python", "ruby")
    for place, (what, play) in enumerate(combinations.items()):
        for language in languages if not stage.setting.short else [languages[(place + stage.setting.seed) % 3]]:
            pairs = Pairs(stage, language)
            crashes += play(pairs)
            total += 2
            name = pairs.id
            done = stage.inbox
            stage.eventually(f"{what} ({language}): both are answered", lambda: len(done.answers.get(name, [])) >= 2, 20.0)
            for member in stage.crew.living():
                stage.crew.dismiss_one(member)
            stage.journal.poll()
            completed = [run for run in stage.journal.runs[name] if run.end is not None and not run.cancelled]
            answers = done.answers[name]
            stage.check(f"{what} ({language}): two answers, two whole runs", len(answers) == 2 and len(completed) >= 2
                        and all(code is None for code, _ in answers), f"{len(answers)} answers, {len(completed)} runs")
            stage.progress(f"{what} ({language})")
    stage.finish()
    stage.result.faults, stage.result.jobs = crashes, total
    stage.result.duplicates, stage.result.reruns = 0, 0
    tally = stage.tally
    assert tally is not None
    stage.check("nothing left in Redis", not tally.left and not tally.dead, json.dumps(tally.left)[:200])
    stage.check("the workers lived and left as they should", not stage.crew.problems, "; ".join(stage.crew.problems[:3]))
    stage.result.notes.append("twins share an id, so their second answers and runs are no duplicates and no re-runs here")


def waiting_waiting(pairs: Pairs) -> int:
    pairs.push(pairs.payload("ww", 1), 2)
    pairs.hire(2)
    return 0


def delayed_delayed(pairs: Pairs) -> int:
    pairs.hire(2)
    pairs.delay(pairs.payload("dd", 1), 200, 2)
    return 0


def delayed_apart(pairs: Pairs) -> int:
    pairs.hire(2)
    payload = pairs.payload("da", 1)
    pairs.delay(payload, 300)
    pairs.delay(payload, 100)
    return 0


def delayed_waiting(pairs: Pairs) -> int:
    payload = pairs.payload("dw", 1)
    pairs.delay(payload, 200)
    pairs.push(payload)
    pairs.hire(2)
    return 0


def crashed_together(pairs: Pairs) -> int:
    victim = pairs.hire(2)
    pairs.push(pairs.payload("cc", LONG), 2)
    pairs.running(victim, 2)
    pairs.crash(victim)
    pairs.hire(2)
    return 1


def crashed_apart(pairs: Pairs) -> int:
    pairs.push(pairs.payload("ca", LONG), 2)
    for _ in range(2):
        # One slot each: the second may have the same twin again, or the other one; nobody can tell them apart.
        victim = pairs.hire(1)
        pairs.running(victim, 1)
        pairs.crash(victim)
    pairs.hire(2)
    return 2


def crashed_waiting(pairs: Pairs) -> int:
    victim = pairs.hire(1)
    pairs.push(pairs.payload("cw", LONG), 2)
    pairs.running(victim, 1)
    pairs.crash(victim)
    pairs.hire(2)
    return 1


def crashed_delayed(pairs: Pairs) -> int:
    victim = pairs.hire(2)
    payload = pairs.payload("cd", LONG)
    pairs.push(payload)
    pairs.delay(payload, 1000)
    pairs.running(victim, 1)
    pairs.crash(victim)
    pairs.hire(2)
    return 1


def give_back(pairs: Pairs, victim: Member) -> None:
    """Two signals: at once. The job goes back to the head, and no crash is counted."""
    victim.leaving = True
    victim.send(signal.SIGTERM)

    def gone() -> bool:
        victim.send(signal.SIGTERM)
        return not victim.alive
    pairs.stage.eventually("it has left", gone, 10.0, 0.1)


def returned_waiting(pairs: Pairs) -> int:
    victim = pairs.hire(1)
    pairs.push(pairs.payload("rw", 3000.0), 2)
    pairs.running(victim, 1)
    give_back(pairs, victim)
    pairs.hire(2)
    return 0


def returned_delayed(pairs: Pairs) -> int:
    victim = pairs.hire(1)
    payload = pairs.payload("rd", 3000.0)
    pairs.push(payload)
    pairs.delay(payload, 500)
    pairs.running(victim, 1)
    give_back(pairs, victim)
    pairs.hire(2)
    return 0
