"""Redis is killed with SIGKILL under load and started again on its append-only file (everysec)."""
from __future__ import annotations

import time

import append_only
from stage import Setting, Stage, percentile

NAME = "restarts"
TITLE = "Redis kill -9 and restart, AOF everysec"
ALONE = False
SIZES = {"full": (50, 50_000), "short": (2, 2000)}
WORKERS = 3
SLOTS = 4


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, redis={"options": ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"]})


def run(stage: Stage) -> None:
    setting = stage.setting
    done = 0
    per_fault = setting.jobs / (setting.faults + 1)
    # Work enough that every worker has some all the time.
    producer = stage.producer(gate=lambda: int((done + 1) * per_fault) + 60, window=60, nap=(2.0, 15.0))
    stage.crew.hire_mixed(WORKERS, SLOTS)
    stage.await_crew()
    producer.start()
    pids = {member.pid: member.name for member in stage.crew.living()}
    while done < setting.faults:
        target = int((done + stage.rng.uniform(0.2, 0.8)) * per_fault)
        stage.eventually(f"{target} answers after {done} restarts", lambda: stage.answered() >= target, 60.0)
        stage.server.kill()
        # Away for a moment or for longer than a lease.
        time.sleep(stage.rng.choice((0.0, 0.05, 0.3, 1.5 * stage.lease)))
        stage.server.start()
        back = time.monotonic_ns()
        done += 1

        def all_again() -> bool:
            stage.journal.poll()
            return all(stage.journal.last_begin.get(pid, 0) > back for pid in pids)
        try:
            with producer.needed():
                stage.eventually("every worker consumes again", all_again, 10.0)
        finally:
            for pid, name in pids.items():
                first = [run.begin for runs in list(stage.journal.runs.values()) for run in runs if run.pid == pid and run.begin > back]
                took = (min(first) - back) / 1e6 if first else 1e5
                stage.result.recovery.append(took)
                if took > 2000.0:
                    stage.result.notes.append(f"restart {done}: {name} consumed again after {took:.0f} ms")
        stage.progress(f"{done} of {setting.faults} restarts, {stage.answered()} answers")
    stage.result.faults = done
    stage.finish()
    unwritten = append_only.never_written(stage)
    if unwritten:
        # Redis' own promise, not ours: said, and not counted as lost by us.
        stage.excused |= unwritten
        stage.judge()
        stage.result.notes.append(f"{len(unwritten)} pushes were acknowledged by Redis and killed before it wrote them: not in its append-only "
                                  f"file at all ({', '.join(sorted(unwritten)[:3])})")
    stage.check_usual()
    slowest = max(stage.result.recovery)
    stage.check("every worker consumes again within 2 s", slowest <= 2000.0, f"slowest {slowest:.0f} ms")
    stage.result.notes.append(f"pushes whose reply was lost: {len(producer.unsure)}; "
                              f"again after p50 {percentile(sorted(stage.result.recovery), 0.5):.0f} ms")
