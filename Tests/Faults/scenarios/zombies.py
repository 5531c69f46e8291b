"""Workers are stopped for longer than their lease, and continued when others have taken their jobs."""
from __future__ import annotations

import signal
import time

from stage import Setting, Stage, percentile

NAME = "zombies"
TITLE = "SIGSTOP beyond the lease, then CONT"
ALONE = False
SIZES = {"full": (200, 20_000), "short": (6, 600)}
WORKERS = 6


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, supervised=False, patience=90.0)


def run(stage: Stage) -> None:
    setting = stage.setting
    done = 0
    producer = stage.producer(1 << 30, window=20, nap=(20.0, 100.0))  # jobs as long as there are zombies to come
    stage.crew.hire_mixed(WORKERS)
    stage.await_crew()
    producer.start()
    beat = min(1.0, stage.lease / 10)
    late = 0
    shares = {}
    while done < setting.faults:
        # Two at a time every third round.
        victims = stage.rng.sample(stage.crew.living(), 2 if done % 3 == 2 and setting.faults - done > 1 else 1)
        stage.eventually("all workers are registered", lambda: len(stage.crew.registered()) == WORKERS, 10.0)
        before = stage.crew.registered()
        held = {}
        for member in victims:
            # Stopped while it holds something, wherever that is in a job's life.
            stage.eventually("the victim is busy", lambda: stage.hold_of(member.name), 20.0, 0.001)
            member.send_all(signal.SIGSTOP)
            held[member.name] = stage.hold_of(member.name)
        stopped = time.monotonic_ns()
        for member in victims:
            old = before[member.name]
            stage.eventually(f"{member.name}, stopped, is reaped by another",
                             lambda: not set(old) & set(stage.crew.registered().get(member.name, [])), 4 * stage.lease + 2.0)
            taken = (time.monotonic_ns() - stopped) / 1e6
            stage.result.recovery.append(taken)
        # A moment more, so that others are at those jobs, or have done them.
        time.sleep(stage.rng.uniform(0.0, 0.5 * stage.lease))
        for member in victims:
            member.send_all(signal.SIGCONT)
            back = time.monotonic_ns()
            stage.eventually(f"{member.name}, continued, has begun anew",
                             lambda: set(stage.crew.registered().get(member.name, [])) - set(before[member.name]), 5.0)
            anew = (time.monotonic_ns() - back) / 1e6
            shares.setdefault(member.language, []).append(anew)
            stage.journal.poll()
            for job in held[member.name]:
                # What it held and had not begun is not its own any more. It cannot know at once, but it must with its next beat.
                late += sum(1 for run in stage.journal.runs.get(job, []) if run.pid == member.pid and run.begin > back + beat * 1e9 + 1e8)
            done += 1
        stage.progress(f"{done} of {setting.faults} zombies, {stage.answered()} answers")
    producer.enough(setting.jobs)
    stage.result.faults = done
    stage.finish()
    stage.check_usual()
    stage.check("zombies begin nothing more after a beat", late == 0, str(late) if late else "")
    everything = sorted(time for times in shares.values() for time in times)
    stage.check("zombies have begun anew within 1 s", everything[-1] <= 1000.0, f"slowest {everything[-1]:.0f} ms")
    slowest = max(stage.result.recovery)
    most = 10.0 if stage.setting.short else 1.5
    stage.check(f"a stopped one is reaped within {most:g} leases", slowest <= most * 1000 * stage.lease, f"slowest {slowest:.0f} ms")
    counts = stage.counts()
    stage.result.notes.append(f"reaped {counts.get('reaped', 0)}, stale settles refused {counts.get('stale', 0)}; begun anew after p50 "
                              f"{percentile(everything, 0.5):.0f} ms; recovery is the time from SIGSTOP to the end of reap")
    stage.check("only zombies were reaped", counts.get("reaped", 0) == done, f"{counts.get('reaped', 0)} of {done}")
