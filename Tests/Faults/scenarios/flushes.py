"""FUNCTION FLUSH and FLUSHALL while workers work: they load the functions again, and register anew."""
from __future__ import annotations

import time

from stage import Setting, Stage

NAME = "flushes"
TITLE = "FUNCTION FLUSH, FLUSHALL live"
ALONE = False
SIZES = {"full": (20, 10_000), "short": (2, 1200)}


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


def run(stage: Stage) -> None:
    setting = stage.setting
    done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 60, window=60, nap=(2.0, 15.0))
    stage.crew.hire_mixed(3)
    stage.await_crew()
    producer.start()
    while done < setting.faults:
        target = len(producer.acknowledged) + int(per_fault * stage.rng.uniform(0.2, 0.4))
        stage.eventually("jobs are pushed", lambda: len(producer.acknowledged) >= target, 60.0)
        everything = done % 2 == 1
        if everything:
            flush_all(stage, producer)
        else:
            stage.wire.call("FUNCTION", "FLUSH")
        flushed = time.monotonic_ns()
        done += 1
        pids = {member.pid: member.name for member in stage.crew.living()}

        def all_again() -> bool:
            stage.journal.poll()
            return all(stage.journal.last_begin.get(pid, 0) > flushed for pid in pids)
        what = "FLUSHALL" if everything else "FUNCTION FLUSH"
        with producer.needed():
            stage.eventually(f"every worker consumes again after {what}", all_again, 15.0)
        first = {pid: min(run.begin for runs in list(stage.journal.runs.values()) for run in runs
                          if run.pid == pid and run.begin > flushed) for pid in pids}
        stage.result.recovery += [(begin - flushed) / 1e6 for begin in first.values()]
        stage.progress(f"{done} of {setting.faults} flushes, {stage.answered()} answers")
    stage.result.faults = done
    stage.finish()
    stage.check_usual(reruns=0)


def flush_all(stage: Stage, producer) -> None:
    """All jobs that are under way are gone, and that is right: they are excused. Pushed or not at that instant is not known of those
    that were acknowledged since, so the producer rests meanwhile."""
    producer.rest()
    stage.wire.call("FLUSHALL")
    gone = {job for job in producer.acknowledged if job not in stage.inbox.answers}
    stage.excused |= gone
    # Some of them may have been read already and not be counted: an answer to an excused job harms nothing.
    producer.written_off = len(stage.excused - set(stage.inbox.answers))
    producer.go_on()
