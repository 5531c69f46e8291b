"""Redis is full (maxmemory, noeviction): pushes are refused, and the queue drains to empty without an operator."""
from __future__ import annotations

from stage import Missed, Setting, Stage
from wire import ErrorReply

NAME = "full"
TITLE = "full Redis (noeviction)"
ALONE = False
SIZES = {"full": (5, 10_000), "short": (1, 1000)}


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, redis={"options": ["--maxmemory-policy", "noeviction", "--maxmemory-clients", "0"]})


def run(stage: Stage) -> None:
    setting = stage.setting
    stage.crew.hire_mixed(3)
    stage.await_crew()
    per_fault = setting.jobs // setting.faults
    refusals = 0
    for fault in range(setting.faults):
        # Paused, so that the jobs are all there when Redis is full.
        stage.wire.call("FCALL", "tempest1_pause", 1, stage.queue)
        producer = stage.producer(per_fault, window=1 << 30, padding=stage.rng.choice((0, 200, 5000)), nap=(0.0, 3.0))
        producer.start()
        stage.eventually("the jobs are pushed", lambda: not producer.is_alive(), 60.0)
        used = int(next(line for line in stage.wire.call("INFO", "memory").decode().splitlines()
                        if line.startswith("used_memory:")).split(":")[1])
        # Below what is used, and what else there is keeps it full when every job is done: in every other round, at least.
        stays_full = fault % 2 == 0
        if stays_full:
            stage.wire.call("SETRANGE", "ballast", 20_000_000, "x")
        # Well below it: buffers of connections that end may give some of it back at once.
        stage.wire.call("CONFIG", "SET", "maxmemory", used - 100_000 if not stays_full else used + 1_000_000)
        try:
            stage.wire.call("RPUSH", stage.queue, producer.job()[2])
            stage.check("a push to a full Redis is refused", False)
        except ErrorReply as error:
            refusals += 1
            stage.check("the refusal says why", error.word == "OOM", str(error))
        # A worker that starts, or begins anew, must be able to while Redis is full.
        fresh = stage.crew.hire(("python", "ruby", "swift")[(fault + setting.seed) % 3])
        known = happens(stage, lambda: stage.crew.registered().get(fresh.name), 10.0)
        stage.check(f"a {fresh.language} worker can start while Redis is full", known)
        target = stage.answered() + per_fault
        stage.wire.call("DEL", f"{{{stage.queue}}}:!paused")  # what `resume` does: no function is needed to let go
        stage.eventually(f"a full Redis drains (round {fault + 1})", lambda: stage.answered() >= target, min(60.0, stage.patience), 0.02)
        if stays_full:
            stage.check("it was still full when the queue was empty", refused(stage, producer.job()[2]))
        # Nothing is to be done by hand but to make room: then it goes on by itself.
        stage.wire.call("CONFIG", "SET", "maxmemory", 0)
        stage.wire.call("DEL", "ballast")
        after = stage.producer(20, nap=(0.0, 1.0))
        after.start()
        stage.eventually("jobs run again when there is room", lambda: stage.answered() >= target + 20, 5.0)
        stage.progress(f"{fault + 1} of {setting.faults} rounds")
    stage.result.faults = setting.faults
    stage.finish()
    stage.check_usual(reruns=0)
    stage.check("nobody was reaped", stage.counts().get("reaped", 0) == 0)


def happens(stage: Stage, event, seconds: float) -> bool:
    try:
        return bool(stage.eventually("it happens", event, seconds))
    except Missed:
        return False


def refused(stage: Stage, job: str) -> bool:
    try:
        stage.wire.call("RPUSH", stage.queue, job)
        return False
    except ErrorReply as error:
        return error.word == "OOM"
