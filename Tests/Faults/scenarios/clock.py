"""The wall clock of Redis jumps, forwards and backwards: nobody is reaped for it, and delayed jobs run all the same."""
from __future__ import annotations

import os

from stage import Setting, Stage

NAME = "clock"
TITLE = "clock steps of Redis (faketime)"
ALONE = False
SIZES = {"full": (20, 4000), "short": (3, 300)}
LIBRARY = "/usr/lib/{}/faketime/libfaketimeMT.so.1"
STEPS = (3600, -3600, 86_400, -90, 45, -7200)  # seconds
offset_files = []


def library() -> str:
    """The path of libfaketimeMT, or nothing."""
    folders = ["x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf"]
    found = [LIBRARY.format(folder) for folder in folders if os.path.exists(LIBRARY.format(folder))]
    return found[0] if found else ""


def unable() -> str:
    return "" if library() else "libfaketime is not installed: apt-get install faketime"


def stage(setting: Setting) -> Stage:
    path = f"/tmp/tempest-faults-offset-{os.getpid()}"
    offset_files.append(path)
    set_offset(path, 0)
    # Timers inside Redis follow the monotonic clock, which does not jump; dlopen'ed libc first would not be replaced in 7.0.
    environment = {"LD_PRELOAD": f"{library()} libc.so.6", "FAKETIME_TIMESTAMP_FILE": path, "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    return Stage(NAME, TITLE, setting, redis={"environment": environment}, supervised=False)


def clean() -> None:
    while offset_files:
        os.unlink(offset_files.pop())


def set_offset(path: str, seconds: int) -> None:
    """Whole, so that nobody reads half of it."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{seconds:+d}s\n")
    os.rename(path + ".new", path)


def run(stage: Stage) -> None:
    setting = stage.setting
    path = offset_files[-1]
    offset = done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 40, window=30, nap=(2.0, 15.0))
    delayed = stage.producer(0, prefix="delayed")
    stage.crew.hire_mixed(6)
    stage.await_crew()
    before = stage.crew.registered()
    producer.start()
    put_off = 0

    def delay(milliseconds: int) -> None:
        nonlocal put_off
        name, level, data = delayed.job(nap=1.0)
        stage.wire.call("FCALL", "tempest1_delay", 1, stage.queue, f"+{milliseconds}", level, data)
        delayed.acknowledged[name] = 0
        put_off += 1
    while done < setting.faults:
        target = int((done + stage.rng.uniform(0.2, 0.8)) * per_fault)
        stage.eventually(f"{target} answers", lambda: stage.answered() >= target, 60.0)
        for milliseconds in (0, 100, 700):
            delay(milliseconds)
        was = seconds(stage)
        step = stage.rng.choice(STEPS)
        offset += step
        set_offset(path, offset)
        stage.eventually("Redis' clock has jumped", lambda: abs(seconds(stage) - was - step) < abs(step) / 2, 5.0)
        delay(100)
        done += 1
        beats = total_beats(stage)
        stage.eventually("all beat on for two leases",
                         lambda: total_beats(stage) >= beats + 6 * 20 or stage.crew.registered() != before, 30.0, 0.02)
        stage.check(f"step of {step} s: nobody was reaped", stage.crew.registered() == before)
        stage.progress(f"{done} of {setting.faults} steps, {stage.answered()} answers")
    # Back to the true time or later: what was delayed on the way is due by then.
    set_offset(path, max(0, offset) + 200_000)
    stage.result.faults = done
    stage.finish()
    stage.check_usual(reruns=0)
    stage.check("all delayed jobs ran", all(job in stage.inbox.answers for job in delayed.acknowledged), f"{put_off}")
    stage.check("nobody was reaped, no crash counted", not stage.counts().get("reaped") and not stage.counts().get("crashed"))


def seconds(stage: Stage) -> int:
    return int(stage.wire.call("TIME")[0])


def total_beats(stage: Stage) -> int:
    return sum(int(beat) for beat in stage.wire.call("HVALS", f"{{{stage.queue}}}:!procs"))
