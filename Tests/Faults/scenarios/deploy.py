"""Workers are exchanged one after another for ones that have a handler more, while jobs of the new action come from the first second on."""
from __future__ import annotations

from typing import List

from crew import LANGUAGES, Member
from producer import Producer
from stage import Setting, Stage

NAME = "deploy"
TITLE = "deploy of a new action"
ALONE = False
SIZES = {"full": (50, 20_000), "short": (2, 800)}  # deploys; jobs
OLD, NEW = "record", "record,fresh"


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


def run(stage: Stage) -> None:
    setting, chance = stage.setting, stage.rng_for("actions")
    done = begun = 0
    per_deploy = setting.jobs / setting.faults
    producer = stage.producer(gate=lambda: int(begun * per_deploy), window=80)
    fleet = [stage.crew.hire(language, actions=OLD) for language in LANGUAGES]
    stage.await_crew()
    producer.start()
    while done < setting.faults:
        before = stage.counts().get("unknown", 0)
        producer.action = lambda: chance.choice(("record", "fresh"))
        begun = done + 1
        stage.eventually("a job is put aside", lambda: stage.counts().get("unknown", 0) > before, 30.0)
        fleet = exchange(stage, fleet, NEW)
        target = int((done + 0.7) * per_deploy)
        stage.eventually("jobs of both actions are done", lambda: stage.answered() >= target, 60.0)
        roll_back(stage, producer)
        done += 1
        if done < setting.faults:
            fleet = exchange(stage, fleet, OLD)
        stage.progress(f"{done} of {setting.faults} deploys, {stage.answered()} answers")
    stage.result.faults = done
    stage.finish()
    stage.check_usual(reruns=0)
    stage.check("jobs were put aside in each deploy", stage.counts().get("unknown", 0) >= setting.faults, str(stage.counts()))
    stage.result.notes.append(f"{done} deploys; jobs were put aside {stage.counts().get('unknown', 0)} times")


def exchange(stage: Stage, fleet: List[Member], actions: str) -> List[Member]:
    """One worker after another: the new one is ready before the old one is told to end."""
    fresh = []
    for old in fleet:
        fresh.append(stage.crew.hire(old.language, actions=actions))
        stage.await_crew()
        stage.crew.dismiss_one(old)
    return fresh


def roll_back(stage: Stage, producer: Producer) -> None:
    """The old workers come back once nobody pushes the new action any more and none of its jobs is open: whoever goes back first takes it away."""
    producer.action = lambda: "record"
    producer.rest()
    pushed = set(producer.acknowledged)
    producer.go_on()
    stage.eventually("all that was pushed is answered", lambda: pushed <= set(stage.inbox.answers), 60.0, 0.05)
