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
LIFE = (1.0, 2.4)  # seconds: long enough that a job which sees two workers die did something to deserve it


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, patience=90.0)


def run(stage: Stage, hire=None) -> None:
    """`hire(stage, language)` starts one worker; mutants hire others."""
    setting = stage.setting
    raw = hire is not None
    slots, window, life = (1, 20, (0.4, 1.0)) if raw else (SLOTS, (WORKERS - 1) * SLOTS, LIFE)
    hire = hire or (lambda stage, language: stage.crew.hire(language, SLOTS))
    kills = 0
    # No more jobs at a time than the others could take at once: a job that waits for its level's turn is not one that was forgotten.
    # Jobs and kills keep step, so that there is work at every kill and no kill is left over.
    per_kill = setting.jobs / setting.faults
    producer = stage.producer(gate=lambda: int((kills + 4) * per_kill), window=window, nap=(4.0, 30.0))
    ends: Dict[str, float] = {}  # name -> seconds after which it is killed, from when it is ready

    def engage(language: str) -> Member:
        member = hire(stage, language)
        ends[member.name] = stage.rng.uniform(*life)
        # One in twenty dies as it starts.
        early[member.name] = stage.rng.uniform(0.02, 0.5) if stage.rng.random() < 0.05 else 0.0
        return member

    early: Dict[str, float] = {}
    places: List[Member] = []
    for place in range(WORKERS):
        places.append(engage(LANGUAGES[place % 3]))
    stage.await_crew()
    producer.start()
    last, look = time.monotonic(), 0
    while kills < setting.faults:
        stage.alert()
        now = time.monotonic_ns()
        if now >= look:
            stage.crew.note_ready()
            look = now + 20_000_000
        for place, member in enumerate(places):
            if kills >= setting.faults:
                break
            if member.killed is not None:
                # In its place comes its like, once it is buried, as under any supervisor.
                if member.buried is not None or now - member.killed > 10e9:
                    places[place] = engage(member.language)
                continue
            since = member.ready if member.ready is not None else member.hired
            due = early[member.name] or (ends[member.name] if member.ready is not None else 30.0)
            if now - (member.hired if early[member.name] else since) < due * 1e9:
                continue
            if stage.answered() < (kills - 8) * per_kill:
                continue  # the jobs have fallen behind: no kill that nobody would notice
            stage.crew.kill(member)
            kills += 1
            last = time.monotonic()
        stage.progress(f"{kills} of {setting.faults} kills, {stage.answered()} of {setting.jobs} answers")
        if time.monotonic() - last > stage.patience:
            stage.check("jobs and kills go on", False, f"no kill for {stage.patience:g} s at {stage.answered()} answers")
            break
        time.sleep(0.002)
    stage.result.faults = kills
    stage.result.slots = slots
    tally = stage.finish()
    stage.check_usual()
    killed = [member for member in stage.crew.members if member.killed is not None]
    bound = 0
    slowest = []
    seen: Dict[str, int] = {}
    alone: List[float] = []
    for member in sorted(killed, key=lambda member: member.killed or 0):
        for payload in member.held:
            job = job_id(payload.encode())
            begun = [run for run in stage.journal.runs.get(job, []) if run.pid == member.pid]
            bound += len(begun)
            later = stage.journal.first_begin_after(job, member.killed or 0, member.pid)
            if later is not None:
                took = (later - (member.killed or 0)) / 1e6
                seen[job] = seen.get(job, 0) + 1
                if seen[job] > 1:
                    alone.append(took)  # its second crash: it has to wait for a worker that does nothing else
                    continue
                stage.result.recovery.append(took)
                buried = ((member.buried or later) - (member.killed or 0)) / 1e6
                slowest.append((took, f"{took:.0f} ms ({member.name}, buried after {buried:.0f} ms, {job})"))
    stage.check("re-runs at most 1 per kill and busy slot", tally.reruns <= bound, f"{tally.reruns} of {bound}")
    exits = sorted((member.exited - member.killed) / 1e6 for member in killed if member.exited)
    burials = sorted((member.buried - member.exited) / 1e6 for member in killed if member.buried and member.exited)
    if exits and burials:
        stage.result.notes.append(f"from kill to exit p50 {percentile(exits, 0.5):.0f} ms, p99 {percentile(exits, 0.99):.0f} ms; "
                                  f"from exit to the end of reap p50 {percentile(burials, 0.5):.0f} ms, p99 {percentile(burials, 0.99):.0f} ms")
    recovery = sorted(stage.result.recovery)
    if recovery:
        p99 = percentile(recovery, 0.99)
        if setting.short:
            # Among other tests the machine is busy, and a killed process is not even gone for some 100 ms.
            p50 = percentile(recovery, 0.5)
            stage.check("recovery p50 at most 100 ms", p50 <= 100.0, f"{p50:.1f} ms")
        else:
            stage.check("recovery p99 at most 100 ms", p99 <= 100.0, f"{p99:.1f} ms")
        if p99 > 100.0:
            stage.result.notes.append("slowest: " + ", ".join(text for _, text in sorted(slowest, reverse=True)[:8]))
    if alone:
        stage.result.notes.append(f"{len(alone)} jobs saw two workers die and were run alone, after at most {max(alone):.0f} ms")
    stage.check("the dead held jobs", bool(recovery), f"{len(recovery)} taken over")
    shares = {language: 0 for language in LANGUAGES}
    for member in killed:
        shares[member.language] += 1
    stage.result.notes.append("killed: " + ", ".join(f"{count} {language}" for language, count in shares.items())
                              + f"; {sum(len(member.held) for member in killed)} jobs held by the dead")
