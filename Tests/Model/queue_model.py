"""The model of one queue: what every step replies, and what all its keys hold after it.

Before it: places.py and the moves. After it: running.py, which asks Redis the same. A step is a tuple: its kind and its arguments, all
written out, so that a schedule can be run again without some of them.
"""
from answering import Answering
from claiming import Claiming
from places import WRONG, Places, Refused, Run, need, need_levels, sha1
from recovering import Recovering
from timing import Timing

Q = b"q"


def key(name):
    return b"{q}:!" + name


def level_key(level):
    return Q if level == b"default" else b"{q}:" + level


def inbox_key(inbox):
    return b"{q}:in:" + inbox


class QueueModel(Claiming, Recovering, Timing, Answering, Places):
    METHODS = {"levels": "announce", "unknown": "unknown_over"}  # where a function is called like what it is about

    def apply(self, step):
        """What the step replies: a value, or Refused."""
        kind, *args = step
        try:
            if kind == "call":
                return getattr(self, self.METHODS.get(args[0], args[0]))(*args[1:])
            return getattr(self, "do_" + kind)(*args)
        except Refused as refused:
            return refused

    def commands(self, step):
        """What Redis is sent for a step; asked for before the step is applied."""
        kind, *args = step
        if kind == "call":
            return [[b"FCALL", b"tempest1_" + args[0].encode(), b"1", Q, *args[1:]]]
        return getattr(self, "send_" + kind)(*args)

    # Steps that are no functions: what producers, parked connections, operators and the passing of time do.

    def send_push(self, level, payload):
        return [[b"RPUSH", level_key(level), payload]]

    def do_push(self, level, payload):
        if self.lists.get(level) is WRONG:
            raise Refused("WRONGTYPE")
        self.append(b"", level, self.new_job(payload))
        return len(self.lists[level])

    def send_land(self, p, level):
        """What a parked BLMOVE of P's does."""
        return [[b"LMOVE", level_key(level), key(b"land:%b:%b" % (p, level)), b"LEFT", b"RIGHT"]]

    def do_land(self, p, level):
        if self.lists.get(level) is WRONG:
            raise Refused("WRONGTYPE")
        if not self.lists.get(level):
            return None
        job = self.take(level)
        self.landed.setdefault((p, level), []).append(job)
        return job.payload

    def send_break(self, level):
        return [[b"SET", level_key(level), WRONG, b"NX"]]

    def do_break(self, level):
        if self.lists.get(level):
            return None
        self.lists[level] = WRONG
        return b"OK"

    def send_mend(self, level):
        return [[b"GETDEL", level_key(level)]]

    def do_mend(self, level):
        if self.lists.get(level) is not WRONG:
            if self.lists.get(level):
                raise Refused("WRONGTYPE")
            return None
        del self.lists[level]
        return WRONG

    def send_break_inbox(self, inbox):
        return [[b"SET", inbox_key(inbox), WRONG, b"NX"]]

    def do_break_inbox(self, inbox):
        if self.answers.get(inbox):
            return None
        self.answers[inbox] = WRONG
        self.expiring.discard(inbox)
        return b"OK"

    def send_answer(self, inbox, answer):
        return [[b"RPUSH", inbox_key(inbox), answer]]

    def do_answer(self, inbox, answer):
        if self.answers.get(inbox) is WRONG:
            raise Refused("WRONGTYPE")
        if not self.answers.get(inbox):
            self.expiring.discard(inbox)
        self.answers[inbox] = self.answers.get(inbox, []) + [answer]
        return len(self.answers[inbox])

    FORGET = b"""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('DEL', KEYS[2])
for i = 3, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
return 1"""

    def send_lose(self, inbox, position, *answers):
        """What it is when Redis was killed and has forgotten its last second: the reader stands further back, and other answers are there."""
        return [[b"EVAL", self.FORGET, b"2", key(b"inboxes"), inbox_key(inbox), inbox + b"#", b"%d" % position, *answers]]

    def do_lose(self, inbox, position, *answers):
        if inbox not in self.beats:
            return 0
        self.read_so_far[inbox] = position
        self.answers.pop(inbox, None)
        if answers:
            self.answers[inbox] = list(answers)
        return 1

    # The passing of time is written into the keys that hold times, so that no schedule waits.

    def send_age(self, name, member, offset):
        return [[b"ZADD", key(name), b"XX", b"%d" % (self.now + offset), member]]

    def do_age(self, name, member, offset):
        times = {b"grave": self.grave, b"cancelled": self.forgotten_at, b"watch": self.watch}[name]
        if member in times:
            times[member] = self.now + offset
        return 0

    def send_age_delayed(self, number, due):
        return [[b"ZADD", key(b"delayed"), b"XX", b"%d" % due, self.member(entry)] for entry in self.delayed if entry[1] == number]

    def do_age_delayed(self, number, due):
        found = [entry for entry in self.delayed if entry[1] == number]
        self.delayed = [(due, *entry[1:]) if entry[1] == number else entry for entry in self.delayed]
        return 0 if found else Refused("nothing is sent")

    def send_age_unknown(self, level, action, ago):
        """Makes the one that is to be taken first wait no longer."""
        waiting = self.unknown.get((level, action))
        if not waiting:
            return []
        name = level + b":" + action
        first = min(waiting, key=lambda entry: entry[:2])
        return [[b"ZADD", self.unknown_key(level, action), b"XX", b"%d" % (self.now - ago), self.waiting(first)],
                [b"ZADD", key(b"unknown"), b"XX", b"%d" % (self.now - ago), name]]

    def do_age_unknown(self, level, action, ago):
        waiting = self.unknown.get((level, action))
        if not waiting:
            return Refused("nothing is sent")
        waiting.sort(key=lambda entry: entry[:2])
        waiting[0] = (self.now - ago, *waiting[0][1:])
        self.looks[level, action] = self.now - ago
        return 0

    def send_set_clock(self, name, offset):
        return [[b"HSET", key(b"clock"), name, b"%d" % (self.now + offset)]]

    def do_set_clock(self, name, offset):
        new = name not in self.clock
        self.clock[name] = self.now + offset
        return int(new)

    def send_jam(self, p):
        """Makes the next write into P's run hash fail, in the middle of a function: Redis takes nothing back then."""
        return [[b"HSET", key(b"run:" + p), b"@", b"jam"]]

    def do_jam(self, p):
        run = self.runs.setdefault(p, Run())
        new, run.jobs = run.jobs is None, b"jam"
        return int(new)

    def send_revive(self, index, payload, ids=()):
        return [[b"FCALL", b"tempest1_revive", b"1", Q, self.record_id(index, ids), payload]]

    def do_revive(self, index, payload):
        return self.revive(index, payload)

    def send_forget(self, index, ids=()):
        return [[b"FCALL", b"tempest1_forget", b"1", Q, self.record_id(index, ids)]]

    def do_forget(self, index):
        return self.forget(index)

    def send_told(self, p, seen, *places, ids=()):
        return [[b"FCALL", b"tempest1_reap", b"1", Q, p, seen, b"told", *(place if place == b"~" else self.record_id(place, ids) for place in places)]]

    def do_told(self, p, seen, *places):
        """`places` are those of the records among all whose callers are untold, or `~`."""
        numbers = dict(enumerate(self.untold_numbers()))
        return self.told(p, seen, *(place if place == b"~" else numbers.get(place, 0) for place in places))

    def untold_numbers(self):
        return sorted(number for mine in self.untold.values() for number in mine)

    @staticmethod
    def record_id(index, ids):
        return ids[index] if index < len(ids) else b"1-1"

    # What Redis must hold

    @staticmethod
    def member(entry):
        _, number, level, job = entry
        return b"%016d:%b:%b" % (number, level, job.payload)

    @staticmethod
    def unknown_key(level, action):
        return key(b"unknown:" + sha1(level + b":" + action))

    @staticmethod
    def waiting(entry):
        return b"%016d:%b" % (entry[1], entry[2].payload)

    def content(self):
        """Key -> (type, what is in it, whether it expires); only keys that are there."""
        lists = {level_key(level): jobs for level, jobs in self.lists.items()}
        lists |= {key(b"land:%b:%b" % place): jobs for place, jobs in self.landed.items()}
        found = {name: (b"list", [job.payload for job in jobs], 0) for name, jobs in lists.items() if jobs is not WRONG}
        for inbox, answers in self.answers.items():
            found[inbox_key(inbox)] = (b"list", answers, int(inbox in self.expiring))
        found[key(b"suspect")] = (b"list", [level + b":" + job.payload for level, job in self.suspects], 0)
        for p, run in self.runs.items():
            fields = {name: job.payload for name, (_, job) in run.held.items()}
            for name, value in ((b"#", run.claims), (b"@", run.jobs), (b"!", run.alone)):
                if value is not None:
                    fields[name] = value
            found[key(b"run:" + p)] = (b"hash", fields, 0)
            # The marks are kept apart, and outlive nothing: the key of a process that holds no such job is not there. A mark that a
            # sweep could not yet remove stays beside what is left.
            found[key(b"begun:" + p)] = (b"set", run.begun, 0)
        for p, ids in self.connections.items():
            found[key(b"cid:" + p)] = (b"set", ids, 0)
        inboxes = self.beats | {inbox + b"#": n for inbox, n in self.read_so_far.items()}
        idle = {inbox: b"%d/%d" % pair for inbox, pair in self.idle.items()}
        for name, content in ((b"procs", self.procs), (b"leases", self.leases), (b"notes", self.notes), (b"clock", self.clock),
                              (b"counts", self.counts), (b"inboxes", inboxes), (b"idle", idle)):
            found[key(name)] = (b"hash", content, 0)
        records = {record["number"]: record["job"].payload for record in self.dead or ()}
        found[key(b"untold")] = (b"hash", self.untold_beats | {p + b"#": n for p, n in self.strikes.items()}, 0)
        places = {number: b"%d" % place for place, number in enumerate(self.untold_numbers())}
        for p, mine in self.untold.items():
            found[key(b"untold:" + p)] = (b"zset", {places[number]: (turn, records.get(number)) for number, turn in mine.items()}, 0)
        tries = {sha1(payload): n for payload, n in self.tries.items()} | {sha1(payload) + b"!": 1 for payload in self.accused}
        found[key(b"tries")] = (b"hash", tries, 1)
        found[key(b"known")] = (b"hash", {b":".join(kind): time for kind, time in self.known.items()}, 0)
        found[key(b"levels")], found[key(b"paused")] = (b"set", self.levels, 0), (b"set", self.paused, 0)
        found[key(b"grave")], found[key(b"cancelled")] = (b"zset", self.grave, 0), (b"zset", self.forgotten_at, 0)
        found[key(b"watch")] = (b"zset", self.watch, 0)
        found[key(b"delayed")] = (b"zset", {self.member(entry): entry[0] for entry in self.delayed}, 0)
        found[key(b"unknown")] = (b"zset", {b":".join(kind): look for kind, look in self.looks.items()}, 0)
        for kind, waiting in self.unknown.items():
            found[self.unknown_key(*kind)] = (b"zset", {self.waiting(entry): entry[0] for entry in waiting}, 0)
        for p, actions in self.actions.items():
            found[key(b"actions:" + p)] = (b"set", {b":".join(kind) for kind in actions}, 0)
        found = {name: entry for name, entry in found.items() if entry[1]}
        for level in (level for level, jobs in self.lists.items() if jobs is WRONG):
            found[level_key(level)] = (b"string", WRONG, 0)
        for inbox in (inbox for inbox, answers in self.answers.items() if answers is WRONG):
            found[inbox_key(inbox)] = (b"string", WRONG, 0)
        if self.dead is not None:
            records = [{b"job" if name == "job" else name: value.payload if name == "job" else value for name, value in record.items()
                        if name != "number"} for record in self.dead]
            found[key(b"dead")] = (b"stream", records, 0)
        return found

    def clear(self, what, *levels):
        need(what in (b"levels", b"all", b"delayed"))
        need_levels(levels)
        every = what != b"levels"
        names, found, left = set(levels) | (self.levels if every else set()), [0, 0, 0, 0], 0
        for level in names:
            jobs = self.lists.get(level)
            if jobs is not WRONG:
                found[0] += self.vanish(jobs or [])
                self.lists[level] = []
        kept, size = [], 0
        for level, job in self.suspects:
            if size >= self.limits.move_bytes:
                left = 1
            if left or not (every or level in names):
                kept.append((level, job))
                continue
            self.forgive(job.payload)
            found[1] += self.vanish([job])
            size += len(level) + 1 + len(job.payload)
        self.suspects = kept
        kinds = [kind for kind in list(self.unknown) if every or kind[0] in names]
        assert len(kinds) <= 64
        for kind in kinds:
            found[2] += self.vanish([entry[2] for entry in self.unknown.pop(kind)])
            self.looks.pop(kind, None)
            self.known.pop(kind, None)
        if what == b"delayed":
            found[3] = self.vanish([job for *_, job in self.delayed])
            self.delayed = []
        return [*found, left]

    def vanish(self, jobs):
        for job in jobs:
            self.end(job)
        return len(jobs)

    def stats(self, *more):
        names = set(more) | self.levels
        listed = [[level, -1 if self.lists.get(level) is WRONG else len(self.lists.get(level, ())), int(self.is_paused(level))]
                  for level in sorted(names)]
        running = sum(len(self.runs[p].held) for p in self.procs if p in self.runs)
        running += sum(len(jobs) for (p, level), jobs in self.landed.items() if p in self.procs and level in names)
        unknown = sorted([b":".join(kind), len(waiting)] for kind, waiting in self.unknown.items())
        return [listed, dict(self.counts), len(self.procs), running, len(self.dead or ()), len(self.beats), len(self.delayed),
                len(self.suspects), unknown]
