"""The order of levels: by the functions themselves, claim by claim, and by workers with a single slot."""
from __future__ import annotations

import json
from typing import Dict, List

from producer import level_key
from stage import Setting, Stage

NAME = "levels"
TITLE = "strict and weighted levels"
ALONE = False
SIZES = {"full": (0, 100_000), "short": (0, 5000)}
ORDER = ("high", "default", "low")
WEIGHTS = {"high": 6, "default": 3, "low": 1}


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


def run(stage: Stage) -> None:
    claims = stage.setting.jobs
    by_worker = max(300, claims // 25)
    strict(stage, claims // 2)
    weighted(stage, claims // 2)
    for language in ("swift", "python", "ruby"):
        by_worker_in(stage, language, by_worker // 3)
    stage.finish()
    stage.result.jobs = claims + by_worker // 3 * 3
    stage.check_usual(reruns=0)


class Claimer:
    """A raw worker that claims and settles and runs nothing."""

    def __init__(self, stage: Stage, queue: str) -> None:
        self.wire, self.queue, self.number = stage.wire, queue, 0
        self.p = f"raw.{stage.rng.getrandbits(100):026X}"
        self.call("hello", self.p, "new")

    def call(self, name: str, *arguments):
        return self.wire.call("FCALL", f"tempest1_{name}", 1, self.queue, *arguments)

    def claim(self, want: int, levels: List[str]) -> List[tuple]:
        """[(level, payload), …] in the order of the reply; they are settled at once."""
        self.number += 1
        reply = self.call("claim", self.p, self.number, want, 1 << 20, *levels)
        jobs, ends = [], []
        for place in range(1, len(reply), 3):
            level, first, payloads = reply[place].decode(), reply[place + 1], reply[place + 2]
            for offset, payload in enumerate(payloads):
                jobs.append((level, payload))
                ends += [f"{level}.{first + offset}", "done", "", ""]
        if ends:
            assert all(word == 1 for word in self.call("settle", self.p, *ends)), "a claim was not held"
        return jobs


def strict(stage: Stage, total: int) -> None:
    """Pushes and claims by turns at random. The next job must always be the oldest of the highest level that has one."""
    claimer = Claimer(stage, "strict")
    waiting: Dict[str, List[bytes]] = {level: [] for level in ORDER}
    inversions = claimed = made = 0
    while claimed < total:
        pushes = []
        for _ in range(stage.rng.randint(0, 60)):
            level, payload = stage.rng.choice(ORDER), b"%d" % made
            made += 1
            waiting[level].append(payload)
            pushes.append(("RPUSH", level_key("strict", level), payload))
        if pushes:
            stage.wire.many(pushes)
        for level, payload in claimer.claim(stage.rng.randint(1, 40), list(ORDER)):
            expected = next(name for name in ORDER if waiting[name])
            if (level, payload) != (expected, waiting[expected][0]):
                inversions += 1
            waiting[level].remove(payload)
            claimed += 1
        stage.progress(f"{claimed} of {total} strict claims")
    stage.check(f"{claimed} strict claims without an inversion", inversions == 0, str(inversions) if inversions else "")


def weighted(stage: Stage, total: int) -> None:
    """All levels always have jobs: their shares of the claims must be their weights, in whatever sizes they are claimed."""
    claimer = Claimer(stage, "weighted")
    shares = {level: 0 for level in ORDER}
    supply = {level: 0 for level in ORDER}
    credit = {level: 0.0 for level in ORDER}
    whole = sum(WEIGHTS.values())
    while sum(shares.values()) < total:
        want = stage.rng.randint(1, 40)
        for level in ORDER:
            if supply[level] < 60:
                stage.wire.call("RPUSH", level_key("weighted", level), *[b"x"] * 100)
                supply[level] += 100
        # A worker's quotas: what each level is owed by now, the largest debts first where the claim is small.
        for level in ORDER:
            credit[level] += want * WEIGHTS[level] / whole
        quotas = {level: max(0, int(credit[level])) for level in ORDER}
        for level in sorted(ORDER, key=lambda level: credit[level] - quotas[level], reverse=True):
            if sum(quotas.values()) < want:
                quotas[level] += 1
        names = [f"{level}={quotas[level]}" for level in ORDER if quotas[level] > 0]
        for level, _ in claimer.claim(sum(quotas.values()), names):
            shares[level] += 1
            supply[level] -= 1
            credit[level] -= 1
        stage.progress(f"{sum(shares.values())} of {total} weighted claims")
    done = sum(shares.values())
    worst = max(abs(shares[level] / done - WEIGHTS[level] / whole) for level in ORDER)
    stage.check(f"{done} weighted claims within 1 %", worst <= 0.01, f"{worst * 100:.3f} %: " + json.dumps(shares))


def by_worker_in(stage: Stage, language: str, count: int) -> None:
    """Mixed levels wait while the queue is paused; one worker with one slot must serve them strictly."""
    stage.wire.call("FCALL", "tempest1_pause", 1, stage.queue)
    producer = stage.producer(count, window=1 << 30, nap=(0.0, 0.0))
    of: Dict[str, str] = {}
    wire = stage.server.wire()
    jobs = [producer.job(nap=0) for _ in range(count)]
    producer.push(wire, jobs)
    wire.close()
    of.update({name: level for name, level, _ in jobs})
    member = stage.crew.hire(language, 1)
    stage.await_crew()
    target = stage.answered() + count
    stage.wire.call("FCALL", "tempest1_resume", 1, stage.queue)
    stage.eventually(f"a {language} worker has served {count} jobs", lambda: stage.answered() >= target, 120.0, 0.02)
    stage.journal.poll()
    order = sorted(of, key=lambda job: stage.journal.runs[job][0].begin)
    served = [of[job] for job in order]
    right = [level for level in ORDER for _ in range(served.count(level))]
    stage.check(f"a {language} worker serves {count} jobs strictly", served == right,
                f"{sum(a != b for a, b in zip(served, right))} out of place" if served != right else "")
    within = all([job for job in order if of[job] == level] == [name for name, at, _ in jobs if at == level] for level in ORDER)
    stage.check(f"a {language} worker serves each level first in, first out", within)
    stage.crew.dismiss_one(member)
