"""Redis itself stands still for longer than a lease, and comes back: everybody is late, and nobody is dead."""
from __future__ import annotations

import time

from stage import Setting, Stage

NAME = "stalls"
TITLE = "Redis stalled longer than a lease"
ALONE = False
SIZES = {"full": (10, 10_000), "short": (1, 800)}
WORKERS = 6


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, supervised=False)


def run(stage: Stage) -> None:
    setting = stage.setting
    done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 40, window=30, nap=(2.0, 20.0))
    stage.crew.hire_mixed(WORKERS)
    stage.await_crew()
    before = stage.crew.registered()
    producer.start()
    while done < setting.faults:
        target = int((done + stage.rng.uniform(0.2, 0.8)) * per_fault)
        stage.eventually(f"{target} answers", lambda: stage.answered() >= target, 60.0)
        stage.server.stall()
        # The stall is the fault: its length is no wait for an event.
        time.sleep(stage.lease * stage.rng.uniform(1.3, 3.0))
        stage.server.resume()
        back = time.monotonic_ns()
        done += 1
        beats = total_beats(stage)
        # A whole lease of beats by all of them: time enough for a wrong suspicion to lead to something.
        need = beats + WORKERS * 10
        stage.eventually("all beat on for a lease", lambda: total_beats(stage) >= need or stage.crew.registered() != before,
                         10 * stage.lease + 30.0, 0.02)
        stage.check(f"stall {done}: nobody alive was reaped", stage.crew.registered() == before)

        def consumed() -> bool:
            stage.journal.poll()
            return max(stage.journal.last_begin.values()) > back
        if stage.answered() < setting.jobs:
            stage.eventually("jobs run again", consumed, 10.0)
        stage.progress(f"{done} of {setting.faults} stalls, {stage.answered()} answers")
    stage.result.faults = done
    stage.finish()
    stage.check_usual(reruns=0)
    counts = stage.counts()
    stage.check("nobody was reaped, no crash counted", not counts.get("reaped") and not counts.get("crashed"),
                f"reaped {counts.get('reaped', 0)}, crashed {counts.get('crashed', 0)}")


def total_beats(stage: Stage) -> int:
    return sum(int(beat) for beat in stage.wire.call("HVALS", f"{{{stage.queue}}}:!procs"))
