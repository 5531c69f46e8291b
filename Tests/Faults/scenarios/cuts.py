"""Connections are cut in the middle of requests and replies; nobody is killed."""
from __future__ import annotations

import time

from stage import Setting, Stage

NAME = "cuts"
TITLE = "connection cuts, torn frames"
ALONE = False
SIZES = {"full": (2000, 50_000), "short": (100, 3000)}
WORKERS = 6


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, proxied=True, patience=60.0)


def run(stage: Stage, hire=None) -> None:
    setting, proxy = stage.setting, stage.proxy
    assert proxy is not None
    per_cut = setting.jobs / setting.faults
    # Raw workers with one slot shall be idle now and then, so that jobs land.
    producer = stage.producer(window=120 if hire is None else 4, gate=lambda: int((proxy.cuts + 4) * per_cut) + 50, nap=(1.0, 20.0))
    if hire is None:
        stage.crew.hire_mixed(WORKERS)
    else:
        for place in range(WORKERS):
            hire(stage, ("swift", "python", "ruby")[place % 3])
    stage.await_crew()
    before = stage.crew.registered()
    producer.start()
    armed, due, last = 0, 0.0, time.monotonic()
    while proxy.cuts < setting.faults:
        stage.alert()
        now = time.monotonic()
        if armed <= proxy.cuts and now >= due and stage.answered() >= (proxy.cuts - 8) * per_cut:
            # One at a time: the next is armed when the last has torn something.
            proxy.cut()
            armed += 1
            last = now
            due = now + stage.rng.uniform(0.01, 0.12)
        if now - last > 20.0:
            # An armed connection that nobody uses any more, or jobs that do not move: the former heals by another cut.
            if stage.answered() < (proxy.cuts - 8) * per_cut:
                stage.check("jobs go on between cuts", False, f"stuck at {stage.answered()} answers after {proxy.cuts} cuts")
                break
            armed = proxy.cuts
        elif armed > proxy.cuts and now - last > 1.0:
            armed = proxy.cuts
        stage.progress(f"{proxy.cuts} of {setting.faults} cuts, {stage.answered()} of {setting.jobs} answers")
        time.sleep(0.002)
    stage.result.faults = proxy.cuts
    stage.finish()
    stage.check_usual(reruns=0)
    after = [name for name, ps in before.items() for p in ps]
    stage.result.notes.append(f"{proxy.torn['up']} requests and {proxy.torn['down']} replies torn, {len(after)} workers")
