"""kill -9 of supervised workers at random instants, also while they start."""
from __future__ import annotations

import time
from typing import Dict, List

from crew import LANGUAGES, Member
from oracle import job_id
from stage import Setting, Stage, percentile

NAME = "kills"
TITLE = "kill -9, supervised"
ALONE = True
SIZES = {"full": (2000, 200_000), "short": (100, 10_000)}
WORKERS = 6
SLOTS = 4
LIFE = (1.2, 2.8)  # seconds: long enough that a job which sees two workers die did something to deserve it


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, patience=90.0)


def run(stage: Stage, hire=None) -> None:
    """`hire(stage, language)` starts one worker; mutants hire others."""
    setting = stage.setting
    hire = hire or (lambda stage, language: stage.crew.hire(language, SLOTS))
    kills = 0
    # Jobs and kills keep step, so that there is work at every kill and no kill is left over.
    per_kill = setting.jobs / setting.faults
    producer = stage.producer(gate=lambda: int((kills + 4) * per_kill), window=WORKERS * SLOTS * 4, nap=(4.0, 30.0))
    ends: Dict[str, float] = {}  # name -> seconds after which it is killed, from when it is ready

    def engage(language: str) -> Member:
        member = hire(stage, language)
        ends[member.name] = stage.rng.uniform(*LIFE)
        # One in twenty dies as it starts.
        early[member.name] = stage.rng.uniform(0.02, 0.5) if stage.rng.random() < 0.05 else 0.0
        return member

    early: Dict[str, float] = {}
    places: List[Member] = []
    for place in range(WORKERS):
        places.append(engage(LANGUAGES[place % 3]))
    stage.await_crew()
    producer.start()
    last = time.monotonic()
    while kills < setting.faults:
        stage.alert()
        stage.crew.note_ready()
        now = time.monotonic_ns()
        for place, member in enumerate(places):
            if kills >= setting.faults:
                break
            if not member.alive:
                places[place] = engage(member.language)
                continue
            since = member.ready if member.ready is not None else member.hired
            life = early[member.name] or (ends[member.name] if member.ready is not None else 30.0)
            if now - (member.hired if early[member.name] else since) < life * 1e9:
                continue
            if stage.answered() < (kills - 8) * per_kill:
                continue  # the jobs have fallen behind: no kill that nobody would notice
            stage.crew.kill(member)
            kills += 1
            last = time.monotonic()
            # In its place comes its like, at once, as under any supervisor.
            places[place] = engage(member.language)
        stage.progress(f"{kills} of {setting.faults} kills, {stage.answered()} of {setting.jobs} answers")
        if time.monotonic() - last > 60.0:
            stage.check("jobs and kills go on", False, f"no kill for 60 s at {stage.answered()} answers")
            break
        time.sleep(0.002)
    stage.result.faults = kills
    stage.result.slots = SLOTS
    tally = stage.finish()
    stage.check_usual()
    killed = [member for member in stage.crew.members if member.killed is not None]
    bound = 0
    for member in killed:
        for payload in member.held:
            job = job_id(payload.encode())
            begun = [run for run in stage.journal.runs.get(job, []) if run.pid == member.pid]
            bound += len(begun)
            later = stage.journal.first_begin_after(job, member.killed or 0, member.pid)
            if later is not None:
                stage.result.recovery.append((later - (member.killed or 0)) / 1e6)
    stage.check("re-runs at most 1 per kill and busy slot", tally.reruns <= bound, f"{tally.reruns} of {bound}")
    recovery = sorted(stage.result.recovery)
    if recovery:
        p99 = percentile(recovery, 0.99)
        stage.check("recovery p99 at most 100 ms", p99 <= 100.0, f"{p99:.1f} ms")
    stage.check("the dead held jobs", bool(recovery), f"{len(recovery)} taken over")
    shares = {language: 0 for language in LANGUAGES}
    for member in killed:
        shares[member.language] += 1
    stage.result.notes.append("killed: " + ", ".join(f"{count} {language}" for language, count in shares.items())
                              + f"; {sum(len(member.held) for member in killed)} jobs held by the dead")
