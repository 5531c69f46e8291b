"""Redis is killed with SIGKILL while its disk is slow: under `everysec` it replies before it has written, and forgets up to two seconds.

Callers in three languages keep on. What stands in the append-only file has to be answered; what does not, Redis has forgotten, and is counted apart.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from typing import Dict, Set

import append_only
from callers import Callers
from stage import ROOT, Setting, Stage

NAME = "slow-disk"
TITLE = "Redis kill -9 on a slow disk, AOF everysec"
ALONE = False
SIZES = {"full": (200, 20_000), "short": (4, 600)}
DELAY = 900  # ms that each fdatasync takes
CALLERS = 16  # of each language: enough that new answers fill the places of forgotten ones before anybody looks
DEADLINE = 20.0  # seconds: much longer than Redis is away, and than jobs take that were begun twice
NUMBER = re.compile(rb"(?<![0-9])[1-3][0-9]{9}(?![0-9])")
made = []


def compiler() -> str:
    return next((found for found in map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang")) if found), "")


def unable() -> str:
    return "" if compiler() else "it needs a C compiler"


def disk() -> str:
    """The library that makes a disk slow, compiled."""
    folder = tempfile.mkdtemp(prefix="tempest-faults-slow-disk-")
    made.append(folder)
    library = os.path.join(folder, "slow_disk.so")
    subprocess.run([compiler(), "-shared", "-fPIC", "-O1", "-o", library, os.path.join(ROOT, "Tests/Faults/slow_disk.c"), "-ldl"], check=True)
    return library


def clean() -> None:
    while made:
        shutil.rmtree(made.pop(), ignore_errors=True)


def stage(setting: Setting) -> Stage:
    options = ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]
    return Stage(NAME, TITLE, setting, redis={"options": options, "environment": {"LD_PRELOAD": disk(), "SLOW_DISK_MS": str(DELAY)}})


def numbers(stage: Stage) -> Set[int]:
    """The calls of which the append-only file knows anything: the job, a claim, or the answer."""
    return {int(number) for content in append_only.contents(stage) for number in NUMBER.findall(content)}


def run(stage: Stage) -> None:
    setting = stage.setting
    front = stage.open_front([{"path": "/json/*", "queue": stage.queue, "codec": "json", "deadline": DEADLINE}])
    stage.crew.hire_mixed(6, 4)
    stage.await_crew()
    done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 60, window=24, nap=(0.0, 50.0))
    producer.start()
    callers = Callers(stage.server.url, stage.queue, stage.folder, front.address, CALLERS, DEADLINE, setting.mistake)
    try:
        harm(stage, callers)
        callers.finish()
    finally:
        callers.stop()
    stage.result.faults = setting.faults
    producer.enough(0)
    stage.finish()
    stage.excused |= append_only.never_written(stage)
    stage.judge()
    stage.check_usual()
    judge(stage, callers)


def harm(stage: Stage, callers: Callers) -> None:
    """A kill each 3 to 5 seconds, with answers before each."""
    for done in range(1, stage.setting.faults + 1):
        target = callers.answered() + CALLERS
        stage.eventually(f"calls are answered after {done - 1} kills", lambda: callers.answered() >= target, 30.0, 0.05)
        time.sleep(stage.rng.uniform(2.0, 4.0))
        stage.server.kill()
        time.sleep(stage.rng.choice((0.0, 0.3, 1.0)))
        stage.server.start()
        stage.progress(f"{done} of {stage.setting.faults} kills, {callers.answered()} calls answered")


def judge(stage: Stage, callers: Callers) -> None:
    counts: Dict[str, int] = {}
    for word in callers.outcomes.values():
        counts[word.split(" ")[0]] = counts.get(word.split(" ")[0], 0) + 1
    late = {number for number, word in callers.outcomes.items() if word == "timeout"}
    ours = sorted(late & numbers(stage))
    stage.check("what is in the append-only file is answered", not ours, f"{len(ours)} of {len(late)}: {ours[:3]}" if ours else "")
    stage.check("no call gets another's answer", "foreign" not in counts, f"{counts.get('foreign')}" if "foreign" in counts else "")
    stage.check("the callers end as they should", not callers.problems, "; ".join(callers.problems[:3]))
    stage.result.jobs += len(callers.outcomes)
    stage.result.notes.append(f"{counts.pop('answered', 0)} calls answered; {len(late) - len(ours)} that Redis has forgotten, with all that is known of them; "
                              + ", ".join(f"{count} {word}" for word, count in sorted(counts.items()) if word != "timeout"))
    stage.result.notes.append(f"{len(stage.inbox.forgotten)} answers to raw jobs were read and then forgotten by Redis; {len(stage.excused)} such jobs were")
