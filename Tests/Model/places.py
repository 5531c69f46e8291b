"""What a queue is, without Redis: where its jobs are, who is registered, what is counted.

Written from protocol/queues.md and the headers of protocol/tempest.lua. The moves are in claiming.py, recovering.py, timing.py and
answering.py; queue_model.py puts them together, and compares.py what is here with what Redis holds.
"""
import hashlib
import re
from dataclasses import dataclass, field

LEVEL = re.compile(rb"[A-Za-z][A-Za-z0-9_.-]{0,127}\Z")
INBOX = re.compile(rb"[A-Za-z0-9_-]{1,64}\Z")
PROCESS = re.compile(rb"[A-Za-z0-9_.-]{1,128}\Z")
WRONG = b"no list"  # what a key holds that ought to be a list


class Near(int):
    """A time by Redis' clock that was read during the schedule: the real one may be some milliseconds later."""


class Refused(Exception):
    """The call is answered by an error that begins with these words; nothing has changed."""

    def __init__(self, words):
        self.words = words


@dataclass
class Limits:
    """The constants of the library; the test also loads it with small ones, so that short schedules meet them."""
    move_bytes: int = 1048576
    dead_records: int = 10000
    dead_bytes: int = 67108864
    look_bytes: int = 4096
    watchers: int = 8
    untold_most: int = 100
    untold_tries: int = 10


@dataclass(eq=False)
class Job:
    uid: int
    payload: bytes
    arrived: int = 0        # its place among all that came to the tail of its level
    returned: bool = False  # it was put back to a head, and may be taken before older ones
    claim: int = 0          # the number it last had in a run hash


@dataclass
class Run:
    """A process's run hash."""
    claims: int = None  # "#"
    jobs: int = None    # "@"
    alone: bytes = None
    held: dict = field(default_factory=dict)  # field -> (level, Job)
    begun: set = field(default_factory=set)   # fields whose jobs run, and must not run again


class Places:
    def __init__(self, limits, now):
        self.limits, self.now = limits, now
        self.lists = {}       # level -> [Job] or WRONG
        self.procs, self.leases, self.notes, self.connections = {}, {}, {}, {}
        self.runs, self.landed = {}, {}
        self.grave, self.tries, self.suspects = {}, {}, []
        self.actions = {}     # P -> the actions it has said that it knows
        self.unknown = {}     # (level, action) -> [(until, number, Job)]
        self.looks = {}       # (level, action) -> when it is looked whether they have waited long enough
        self.known = {}       # (level, action) -> when somebody was last seen who would run it
        self.accused = set()  # payloads whose next crash counts although they run in company
        self.delayed = []     # (due, number, level, Job)
        self.forgotten_at = {}  # cancelled job id -> when it is forgotten
        self.clock, self.idle, self.watch = {}, {}, {}
        self.dead = None      # records: dict
        self.beats, self.read_so_far, self.answers, self.expiring = {}, {}, {}, set()
        self.counts, self.levels, self.paused = {}, set(), set()
        self.news = []
        self.uids = self.arrivals = self.finished = 0
        self.taken_last = {}  # level -> arrival of the youngest job taken from its head
        self.accepted = {}    # (P, field) -> final answers accepted
        self.untold = {}      # P -> {number of a dead record: its turn}
        # Of P's untold callers: what observers see, which only rises; and how often they were returned while no reaper came back.
        self.untold_beats, self.strikes = {}, {}
        self.burials = 0
        self.spent = set()    # uids of jobs that were begun and then interrupted: only a person may start them again

    # Counting and telling

    def count(self, name, n=1):
        if n:
            self.counts[name] = self.counts.get(name, 0) + n

    def tell(self, text):
        database = self.clock.get(b"database")
        self.news.append((b"@%d" % database if database else b"", text))

    # Jobs

    def forgive(self, payload):
        """Its crashes are forgotten."""
        self.tries.pop(payload, None)
        self.accused.discard(payload)

    def new_job(self, payload):
        self.uids += 1
        return Job(self.uids, payload)

    def end(self, _job):
        """The job is in no place any more, as it ought to be."""
        self.finished += 1

    def append(self, by, level, job):
        """To the tail of its level."""
        at = self.lists.setdefault(level, [])
        if at is WRONG:
            return self.bury(by, level, job, b"wrong_type", b"the key of the level is no list")
        self.arrivals += 1
        job.arrived, job.returned = self.arrivals, False
        at.append(job)

    def put_back(self, by, level, job):
        """To the head of its level."""
        at = self.lists.setdefault(level, [])
        if at is WRONG:
            return self.bury(by, level, job, b"wrong_type", b"the key of the level is no list")
        self.must_not_have_run(job)
        job.returned = True
        at.insert(0, job)

    def put_aside(self, level, job, first):
        """To those that are to be run alone."""
        self.must_not_have_run(job)
        self.suspects.insert(0 if first else len(self.suspects), (level, job))
        self.tell(b"suspect")

    def interrupt(self, by, level, job):
        """The job was begun by a process that has gone: it is dead, and its crashes are forgotten."""
        self.bury_untold(by, level, job, b"interrupted", b"its process ended while it ran; it may have been carried out")
        self.forgive(job.payload)
        self.spent.add(job.uid)

    def must_not_have_run(self, job):
        assert job.uid not in self.spent, f"job {job.uid} was interrupted, and is to run again"

    def take(self, level):
        """From the head of its level; first in, first out, but for those that were put back."""
        job = self.lists[level].pop(0)
        if not job.returned:
            assert job.arrived > self.taken_last.get(level, 0), f"{level}: taken out of order"
            self.taken_last[level] = job.arrived
        return job

    def bury(self, by, level, job, reason, detail):
        if self.dead is None:
            self.dead = []
        self.burials += 1
        record = {"job": job, "number": self.burials, b"level": level, b"reason": reason, b"detail": detail, b"by": by,
                  b"tries": b"%d" % self.tries.get(job.payload, 0)}
        self.dead.append(record)
        self.count(b"dead")
        size = len(job.payload)
        # A stream that was empty holds nothing but this, whatever was reckoned before.
        self.counts[b"dead_bytes"] = size if len(self.dead) == 1 else self.counts.get(b"dead_bytes", 0) + size
        while len(self.dead) > 1 and (len(self.dead) > self.limits.dead_records
                                      or self.counts[b"dead_bytes"] > self.limits.dead_bytes):
            self.end(self.unbury(0))

    def bury_untold(self, by, level, job, reason, detail):
        self.bury(by, level, job, reason, detail)
        self.untold.setdefault(by, {})[self.burials] = self.next_turn(by)

    def next_turn(self, p):
        self.untold_beats[p] = self.untold_beats.get(p, 0) + 1
        return self.untold_beats[p]

    def unbury(self, index):
        job = self.dead.pop(index)["job"]
        self.counts[b"dead_bytes"] = max(0, self.counts.get(b"dead_bytes", 0) - len(job.payload))
        return job

    # Processes

    def must_live(self, p):
        if p not in self.procs:
            raise Refused("FENCED")

    def known_levels(self):
        return sorted(self.levels | {b"default"})

    def is_paused(self, level):
        return level in self.paused or b"*" in self.paused

    def all_jobs(self):
        """Every job with the name of the place where it is."""
        for level, jobs in self.lists.items():
            yield from ((f"level {level}", job) for job in (jobs if jobs is not WRONG else ()))
        for p, run in self.runs.items():
            yield from ((f"run {p} {name}", job) for name, (_, job) in run.held.items())
        for place, jobs in self.landed.items():
            yield from ((f"landed {place}", job) for job in jobs)
        yield from (("suspects", job) for _, job in self.suspects)
        yield from (("delayed", job) for *_, job in self.delayed)
        yield from ((f"unknown {kind}", job) for kind, waiting in self.unknown.items() for *_, job in waiting)
        yield from (("dead", record["job"]) for record in self.dead or ())

    def check(self):
        """Each job that was ever made is in exactly one place, or has ended; no claim had two final answers."""
        seen = {}
        for place, job in self.all_jobs():
            assert job.uid not in seen, f"job {job.uid} is in {seen[job.uid]} and in {place}"
            seen[job.uid] = place
        assert len(seen) + self.finished == self.uids, f"{self.uids} jobs made, {len(seen)} there, {self.finished} ended"
        assert all(n == 1 for n in self.accepted.values()), self.accepted
        dead = {record["job"].uid for record in self.dead or ()}
        for place, job in self.all_jobs():
            assert job.uid not in self.spent or job.uid in dead, f"job {job.uid} was interrupted, and is in {place}"
        for p in self.untold:
            assert p in self.grave, f"{p} is not in its grave, and has untold callers: nobody would tell them"
        for p, run in self.runs.items():
            assert run.begun <= run.held.keys(), f"{p} has begun what it does not hold"


def sha1(payload):
    return hashlib.sha1(payload).hexdigest().encode()


def need(condition, words="BADARG"):
    if not condition:
        raise Refused(words)


def number(text, least, most):
    need(text.isdigit() and least <= int(text) <= most)
    return int(text)


def need_levels(levels):
    need(all(LEVEL.match(level) for level in levels))
