"""The disk under Redis' append-only file is full: Redis refuses every write until there is room again."""
from __future__ import annotations

import os
import subprocess
import tempfile
import time

from stage import Setting, Stage
from wire import ErrorReply

NAME = "disk"
TITLE = "disk full under AOF (tmpfs)"
ALONE = False
SIZES = {"full": (3, 3000), "short": (1, 600)}
MEGABYTES = 24
mounted = []


def mount() -> str:
    folder = tempfile.mkdtemp(prefix="tempest-faults-tmpfs-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        raise PermissionError(done.stderr.strip())
    mounted.append(folder)
    return folder


def unable() -> str:
    try:
        mount()
    except (PermissionError, FileNotFoundError) as error:
        return f"a tmpfs cannot be mounted here ({error}): run it as root to have this scenario"
    return ""


def clean() -> None:
    while mounted:
        folder = mounted.pop()
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


def stage(setting: Setting) -> Stage:
    options = ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]
    return Stage(NAME, TITLE, setting, redis={"options": options, "data": mounted[-1]})


def run(stage: Stage) -> None:
    setting = stage.setting
    done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    ballast = os.path.join(mounted[-1], "ballast")
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 60, window=40, nap=(2.0, 15.0), padding=300)
    stage.crew.hire_mixed(3)
    stage.await_crew()
    producer.start()
    pids = [member.pid for member in stage.crew.living()]
    while done < setting.faults:
        target = int((done + stage.rng.uniform(0.2, 0.6)) * per_fault)
        stage.eventually(f"{target} answers", lambda: stage.answered() >= target, 60.0)
        fill(ballast)
        stage.eventually("Redis refuses pushes with MISCONF", lambda: refuses(stage), 20.0)
        before = stage.answered()
        # Longer than a lease, so that nobody may be taken for dead only because no beat can be written.
        time.sleep(stage.lease * stage.rng.uniform(1.2, 2.0))
        stage.check(f"round {done + 1}: the workers live", all(member.alive for member in stage.crew.members))

        def all_again() -> bool:
            stage.journal.poll()
            return all(stage.journal.last_begin.get(pid, 0) > room for pid in pids)
        with producer.needed():
            os.unlink(ballast)
            room = time.monotonic_ns()
            done += 1
            stage.eventually("every worker consumes again", all_again, 15.0)
        stage.result.recovery.append((time.monotonic_ns() - room) / 1e6)
        stage.progress(f"{done} of {setting.faults} rounds, {before} answers")
    stage.result.faults = done
    stage.finish()
    stage.check_usual(reruns=0)
    slowest = max(stage.result.recovery)
    stage.check("all go on within 5 s of space", slowest <= 5000.0, f"slowest {slowest:.0f} ms")
    stage.check("nobody was reaped", stage.counts().get("reaped", 0) == 0)


def fill(path: str) -> None:
    """Takes all room there is, to the last byte."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    if not file.write(b"x" * size):
                        break
            except OSError:
                continue


def refuses(stage: Stage) -> bool:
    try:
        # A push as a producer's, to a list that nobody serves.
        stage.wire.call("RPUSH", "probe", "x" * 2000)
        return False
    except ErrorReply as error:
        return error.word == "MISCONF"
