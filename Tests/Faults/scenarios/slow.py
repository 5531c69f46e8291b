"""Redis is slow: a fifth of a second is added each way between it and all workers."""
from __future__ import annotations

from stage import Setting, Stage

NAME = "slow"
TITLE = "slow Redis (200 ms each way)"
ALONE = False
SIZES = {"full": (1, 2000), "short": (1, 150)}


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, proxied=True, patience=120.0)


def run(stage: Stage) -> None:
    assert stage.proxy is not None
    stage.proxy.delay = 0.2
    stage.crew.hire_mixed(3)
    stage.await_crew(60.0)
    before = stage.crew.registered()
    producer = stage.producer(window=48, nap=(1.0, 10.0))
    producer.start()
    stage.eventually("the jobs are answered", lambda: stage.answered() >= stage.setting.jobs, 180.0, 0.05)
    # For as long as some leases more, with nothing to do but to look at each other.
    quiet = len(before)
    start = sum(beats(stage).values())
    stage.eventually("all beat on", lambda: sum(beats(stage).values()) >= start + 5 * quiet, 30.0, 0.05)
    stage.check("nobody was reaped", stage.crew.registered() == before and stage.counts().get("reaped", 0) == 0)
    stage.result.faults = 1
    stage.finish()
    stage.check_usual(reruns=0)


def beats(stage: Stage):
    flat = stage.wire.call("HGETALL", f"{{{stage.queue}}}:!procs")
    return {p.decode(): int(beat) for p, beat in zip(flat[::2], flat[1::2])}
