"""Browsers wait at a front while its workers are killed, the whole fleet is replaced, and Redis is killed and started again."""
from __future__ import annotations

import time
from typing import Dict, List, Set

from browsers import Browsers, Findings
from crew import LANGUAGES, Member
from liar import Liar
from oracle import remains
from stage import Missed, Setting, Stage, percentile

NAME = "front"
TITLE = "front: kill -9, fleet, Redis"
ALONE = False
SIZES = {"full": (300, 30_000), "short": (10, 400)}  # kills; requests at least
WORKERS = 6
SLOTS = 4
LIFE = (1.0, 2.4)  # seconds: long enough that a request which sees two workers die did something to deserve it
IN_FLIGHT = 64
DEADLINE = 15  # seconds until the front says 504


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting, redis={"options": ["--appendonly", "yes", "--appendfsync", "always"]})


def routes(stage: Stage) -> List[Dict[str, object]]:
    return [{"path": f"/{codec}/*", "queue": stage.queue, "codec": codec, "deadline": DEADLINE} for codec in ("json", "msgpack")]


class Fleet:
    """The workers behind the front, and what is done to them."""

    def __init__(self, stage: Stage, per_kill: float) -> None:
        self.stage, self.per_kill = stage, per_kill
        self.kills = self.fleets = self.restarts = 0
        self.places: List[Member] = []
        self.left_alone: Set[str] = set()  # names of those who died while nobody could bury them
        self._ends: Dict[str, float] = {}  # name -> seconds after which it is killed, from when it is ready
        for place in range(WORKERS):
            self.places.append(self._hire(LANGUAGES[place % 3]))
        stage.await_crew()

    def _hire(self, language: str) -> Member:
        member = self.stage.crew.hire(language, SLOTS)
        self._ends[member.name] = self.stage.rng.uniform(*LIFE)
        return member

    def kill_until(self, kills: int) -> None:
        """SIGKILL to workers whose time has come, each followed by its like, until so many have died."""
        last = time.monotonic()
        while self.kills < kills:
            self.stage.alert()
            self.stage.crew.note_ready()
            now = time.monotonic_ns()
            for place, member in enumerate(self.places):
                if member.killed is not None:
                    if member.buried is not None or now - member.killed > 10e9:
                        self.places[place] = self._hire(member.language)
                elif member.ready is not None and now - member.ready > self._ends[member.name] * 1e9 and self.kills < kills:
                    # Requests and kills keep step: no kill that nobody would notice.
                    if requests(self.stage).whole >= (self.kills - 4) * self.per_kill:
                        self.stage.crew.kill(member)
                        self.kills += 1
                        last = time.monotonic()
            if time.monotonic() - last > 30.0:
                self.stage.check("requests and kills go on", False, f"no kill for 30 s at {requests(self.stage).whole} answers")
                self.stage.crew.dismiss()
                return
            self.stage.progress(f"{self.kills} kills, {requests(self.stage).whole} answers")
            time.sleep(0.005)

    def replace(self) -> None:
        """SIGTERM to one after the other, each when the next one is there, as in a rolling restart."""
        for place, old in enumerate(list(self.places)):
            self.places[place] = self._hire(old.language)
            self.stage.await_crew()
            if old.killed is None:
                self.stage.crew.dismiss_one(old)
        self.fleets += 1

    def restart_redis(self) -> None:
        """SIGKILL to Redis, and to a worker while nobody can take its jobs over: those come back by its lease alone."""
        crew, server = self.stage.crew, self.stage.server
        self.stage.eventually("the dead are buried", lambda: all(
            member.buried or member.name in self.left_alone for member in crew.members if member.killed is not None), 20.0)
        crew.supervised = False
        server.kill()
        place = self.stage.rng.randrange(WORKERS)
        victim = self.places[place]
        if victim.killed is None:
            self.left_alone.add(victim.name)
            crew.kill(victim)
            self.kills += 1
            self.stage.eventually("it is gone", lambda: victim.exited, 10.0)
        # Away for a moment or for longer than a lease.
        time.sleep(self.stage.rng.choice((0.0, 0.05, 0.3, 1.5 * self.stage.lease)))
        server.start()
        crew.supervised = True
        self.restarts += 1
        self.places[place] = self._hire(victim.language)
        self.stage.await_crew()
        target = requests(self.stage).whole + IN_FLIGHT
        self.stage.eventually("requests are answered after a restart of Redis", lambda: requests(self.stage).whole >= target, 30.0)


def requests(stage: Stage) -> Findings:
    assert stage.browsers is not None
    return stage.browsers.findings


def run(stage: Stage) -> None:
    try:
        harm(stage)
    except Missed:
        if stage.browsers is not None:
            stage.browsers.finish(2.5 * DEADLINE)
            count(stage, 0)
        raise


def harm(stage: Stage) -> None:
    setting = stage.setting
    front = stage.open_front(routes(stage))
    address = front.address
    if setting.liar:
        stage.liar = Liar(front.address, setting.liar, stage.rng_for("liar"))
        stage.liar.start()
        address = stage.liar.address
    stage.browsers = Browsers(address, stage.rng_for("browsers"), IN_FLIGHT, DEADLINE, leaves=0.02)
    fleet = Fleet(stage, setting.jobs / setting.faults)
    stage.browsers.start()
    kills = setting.faults
    # Fleets and restarts between the kills: at least one of each.
    steps = sorted([(kills * (place + 0.4) / fleets, fleet.replace) for fleets in [max(1, kills // 50)] for place in range(fleets)]
                   + [(kills * (place + 0.7) / restarts, fleet.restart_redis) for restarts in [max(1, kills // 20)]
                      for place in range(restarts)], key=lambda step: step[0])
    if setting.liar:
        steps = []  # a lie needs no fleet that changes
    for due, step in steps:
        fleet.kill_until(int(due))
        step()
    fleet.kill_until(kills)
    stage.eventually(f"{setting.jobs} requests", lambda: requests(stage).requests >= setting.jobs, stage.patience + setting.jobs / 50)
    stage.check("every request ends", stage.browsers.finish(2.5 * DEADLINE + 30.0), f"{stage.browsers.busy} are under way")
    conclude(stage, fleet.kills + fleet.fleets + fleet.restarts)
    held = sum(len(member.held) for member in stage.crew.members)
    stage.check("the dead held requests", held > 0)
    # Nothing but a worker's death breaks a stream off: no fleet that leaves, no restart of Redis.
    streams = sum("/stream?" in payload for member in stage.crew.members for payload in member.held) + SLOTS * len(fleet.left_alone)
    stage.check("no more streams are broken off than the dead held", requests(stage).aborted <= streams,
                f"{requests(stage).aborted} of {streams}")
    stage.result.notes.append(f"{fleet.kills} kills ({held} requests held by the dead), {fleet.fleets} times the whole fleet, "
                              f"{fleet.restarts} restarts of Redis; {requests(stage).chunked} whole answers in chunks, {requests(stage).left} requests whose browser went away")


def count(stage: Stage, faults: int) -> None:
    """What became of the requests, and what must not have."""
    found = requests(stage)
    ordered = sorted(found.latencies)
    stage.result.faults, stage.result.jobs = faults, found.requests
    stage.result.traffic = {**found.as_json(), **{name: round(percentile(ordered, share), 1) if ordered else None
                                                  for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}}
    stage.check("no failed request but those past their deadline", found.failed == 0, reasons(found))
    stage.check("no response with another request's body", found.foreign == 0, str(found.foreign))
    stage.check("no torn body presented as whole", found.torn == 0, str(found.torn))
    # Which is far beyond what any recovery takes here: a request that gets there was lost.
    stage.check("no request past its deadline", found.late == 0, str(found.late))
    stage.check("requests were answered", found.whole > 0)
    stage.result.notes += found.examples[:8]
    if found.reasons:
        stage.result.notes.append(f"not whole: {reasons(found)}")


def conclude(stage: Stage, faults: int) -> None:
    """The counts, and the end of everybody."""
    count(stage, faults)
    stage.check("the front lives", stage.front is not None and stage.front.process is not None and stage.front.process.poll() is None)
    stage.eventually("nothing is left in Redis", lambda: not remains(stage.wire, stage.queue), 10.0, 0.05)
    stage.await_crew()
    stage.crew.dismiss()
    stage.check("the workers lived and left as they should", not stage.crew.problems, "; ".join(stage.crew.problems[:3]))
    problem = stage.front.stop() if stage.front else ""
    stage.check("the front leaves as it should", not problem, problem)


def reasons(found: Findings) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(found.reasons.items()))
