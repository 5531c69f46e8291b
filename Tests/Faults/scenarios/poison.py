"""Jobs that kill every process which runs them, among many that do not."""
from __future__ import annotations

import time

from stage import Setting, Stage

NAME = "poison"
TITLE = "poison"
ALONE = False
SIZES = {"full": (20, 10_000), "short": (3, 500)}
WORKERS = 5


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, patience=90.0)


def run(stage: Stage) -> None:
    setting = stage.setting
    places = stage.crew.hire_mixed(WORKERS)
    stage.await_crew()
    innocent = stage.producer(setting.jobs - setting.faults, window=20, nap=(4.0, 30.0))
    guilty = stage.producer(setting.faults, prefix="poison")
    innocent.start()
    wire = stage.server.wire()
    pushed = 0

    def replace() -> None:
        for place, member in enumerate(places):
            if not member.alive and member.buried is not None:
                places[place] = stage.crew.hire(member.language)

    last = time.monotonic()
    while pushed < setting.faults:
        stage.alert()
        replace()
        # One by one, as the others are worked off, never two for sure and never none.
        if stage.answered() >= pushed * (setting.jobs - setting.faults) / (setting.faults + 1):
            job = guilty.job("poison")
            stage.doomed.add(job[0])
            guilty.push(wire, [job])
            pushed += 1
            last = time.monotonic()
        if time.monotonic() - last > 60.0:
            stage.check("the others are worked off", False, f"{stage.answered()} answers after {pushed} poisons")
            break
        stage.progress(f"{pushed} of {setting.faults} poisons, {stage.answered()} answers")
        time.sleep(0.005)

    def over() -> bool:
        replace()
        return (stage.answered() >= setting.jobs - setting.faults
                and stage.wire.call("XLEN", f"{{{stage.queue}}}:!dead") >= setting.faults)
    stage.eventually("the poison is dead and the rest is done", over, 60.0, 0.02)
    wire.close()
    stage.result.faults = setting.faults
    tally = stage.finish()
    stage.check_usual()
    buried = sorted(tally.dead.get("poison", []))
    stage.check("exactly the poison is dead", buried == sorted(stage.doomed) and len(tally.dead) == 1,
                ", ".join(f"{len(jobs)} {reason}" for reason, jobs in tally.dead.items()))
    most = max((len(stage.journal.runs.get(job, [])) for job in stage.doomed), default=0)
    stage.check("at most 4 crashes each", most <= 4, f"most {most}")
    crashes = sum(len(stage.journal.runs.get(job, [])) for job in stage.doomed)
    stage.result.notes.append(f"{crashes} crashes, {tally.reruns - crashes + len(stage.doomed)} re-runs of innocents beside them")
