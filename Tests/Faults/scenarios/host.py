"""A host goes away: a worker and all that it started is killed, Redis never hears of it, and no supervisor is left to say so."""
from __future__ import annotations

from oracle import job_id
from stage import Setting, Stage

NAME = "host"
TITLE = "host gone (no supervisor)"
ALONE = False
SIZES = {"full": (20, 8000), "short": (2, 300)}
WORKERS = 4


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, supervised=False, proxied=True, patience=90.0)


def run(stage: Stage) -> None:
    setting, proxy = stage.setting, stage.proxy
    assert proxy is not None
    proxy.vanish = True  # connections of the gone stay open, and their BLMOVEs parked
    done = 0
    producer = stage.producer(1 << 30, window=14, nap=(20.0, 100.0))  # jobs as long as there are hosts to go
    languages = ("swift", "python", "ruby")
    for place in range(WORKERS):
        stage.crew.hire(languages[place % 3])
    stage.await_crew()
    producer.start()
    late = []
    most = 10.0 if setting.short else 1.5  # the short run shares its machine with a build or another scenario
    while done < setting.faults:
        victim = stage.rng.choice(stage.crew.living())
        stage.eventually("the victim is busy", lambda: stage.hold_of(victim.name), 20.0, 0.001)
        processes = stage.crew.registered()[victim.name]
        stage.crew.kill(victim, all_of_it=True)
        killed = victim.killed or 0
        held = [job_id(data.encode()) for p in processes for data in stage.crew.held_by(stage.wire, p)]

        def taken_over() -> bool:
            stage.journal.poll()
            return all(stage.journal.first_begin_after(job, killed, victim.pid) for job in held)
        stage.eventually(f"the {len(held)} jobs of {victim.name} run elsewhere", taken_over, 20 * stage.lease)
        for job in held:
            took = ((stage.journal.first_begin_after(job, killed, victim.pid) or 0) - killed) / 1e6
            stage.result.recovery.append(took)
            if took > most * 1000 * stage.lease:
                late.append(f"{job} of {victim.name}: {took:.0f} ms")
        done += 1
        stage.crew.hire(victim.language)
        stage.await_crew()
        stage.progress(f"{done} of {setting.faults} hosts, {stage.answered()} answers")
    producer.enough(setting.jobs)
    stage.result.faults = done
    stage.result.slots = 4
    tally = stage.finish()
    stage.check_usual()
    stage.check(f"each job runs elsewhere within {most:g} leases", not late, "; ".join(late[:5]))
    stage.check("re-runs at most 1 per host and slot", tally.reruns <= 4 * done, str(tally.reruns))
    reaped = stage.counts().get("reaped", 0)
    stage.check("only the gone were reaped", reaped == done, f"{reaped} of {done}")
