"""Random schedules: what several processes, producers, callers and operators do, with crashes, lost replies and zombies.

Before it: queue_model.py, on which a schedule is tried while it is made, so that most steps make sense. After it: running.py.
"""
from places import WRONG, Refused
from queue_model import QueueModel

LEVELS = [b"default", b"high", b"low", b"a.b-c_d"]
INBOXES = [b"inbox1", b"inbox-2", b"nobody"]
ODD_INBOXES = [b"", b"not:an:inbox", b"x" * 65]
ACTIONS = [b"new", b"odd: \x00"]
IDS = [b"job-1", b"job 2", b" :\x00"]
PAYLOADS = [b"", b"equal", b"equal", b"a:b:c", b":", b"new\nline", b"\x00nul\x00", b"0", b"some longer payload: 0123456789"]


class Actor:
    """A process as it sees itself: its claims by what the replies it got told it."""

    def __init__(self, p):
        self.p, self.no, self.fields, self.ended, self.gone, self.alone = p, 1, [], [], False, None


class Scheduler:
    def __init__(self, random, limits):
        self.random, self.model = random, QueueModel(limits, 1_000_000_000_000)
        self.steps, self.actors, self.unique, self.aged = [], [], 0, 0

    def schedule(self, length):
        self.start()
        while len(self.steps) < length:
            self.one()
        return self.steps

    # One step

    def do(self, *step):
        self.steps.append(step)
        return self.model.apply(step)

    def call(self, name, *args):
        return self.do("call", name, *(b"%d" % arg if isinstance(arg, int) else arg for arg in args))

    def chance(self, of):
        return self.random.random() < of

    def payload(self):
        if self.chance(0.5):
            return self.random.choice(PAYLOADS)
        self.unique += 1
        return b"job %d" % self.unique

    def level(self):
        return self.random.choice(LEVELS[:2] if self.chance(0.7) else LEVELS)

    def several_levels(self):
        return [level for level in LEVELS if self.chance(0.8)] or [b"default"]

    def inbox(self):
        return self.random.choice(ODD_INBOXES if self.chance(0.1) else INBOXES)

    def actor(self):
        living = [actor for actor in self.actors if not actor.gone]
        if self.chance(0.08) or not living:
            return self.random.choice(self.actors)  # a zombie, perhaps: it does not know
        return self.random.choice(living)

    def one(self):
        actions, weights = zip(*self.ACTIONS)
        self.random.choices(actions, weights)[0](self)

    # Producers and operators

    def push(self):
        for _ in range(self.random.randint(1, 3)):
            self.do("push", self.level(), self.payload())

    def delay(self):
        due = self.random.choice([b"+600", b"+1000000", b"+999999999", b"1", b"4000000000000", b"+0", b"+", b"1e9"])
        self.call("delay", due, self.level(), *(self.payload() for _ in range(self.random.randint(1, 3))))

    def cancel(self):
        self.call("cancel", self.random.choice(IDS), 86400000 if self.chance(0.9) else 0)

    def ask(self):
        self.call("cancelled", *IDS)
        self.call(self.random.choice(["processes", "stats"]))

    def pause(self):
        self.call("pause", *([self.level()] if self.chance(0.8) else []))

    def resume(self):
        self.call("resume", *([self.level()] if self.chance(0.3) else []))

    def dead(self):
        index = self.random.randrange(3)
        if self.chance(0.7):
            self.do("revive", index, self.random.choice([b"", b"another"]))
        else:
            self.do("forget", index)

    def clears(self):
        what = self.random.choice([b"levels", b"levels", b"all", b"delayed", b"nothing"])
        self.call("clear", what, *(self.several_levels() if self.chance(0.7) else []))

    def clear_suspects(self):
        """Jobs of two levels that crashed twice are to be run alone when the queue, or one level, is cleared."""
        for level in (b"high", b"low"):
            for _ in range(self.random.randint(1, 4)):
                self.do("push", level, self.payload())
        for _ in range(2):
            self.start()
            actor = self.actors[-1]
            self.understand(actor, self.call("claim", actor.p, 1, 8, 1048576, b"high", b"low"))
            self.bury_process(actor)
        for _ in range(self.random.randint(1, 3)):
            self.clears()

    def breaks(self):
        self.do("break", self.level())

    def mends(self):
        for level in LEVELS:
            if self.model.lists.get(level) is WRONG:
                self.do("mend", level)

    # Time

    def age(self):
        self.aged += 1
        kind = self.random.randrange(5)
        if kind == 0 and self.model.delayed:
            number = self.random.choice(self.model.delayed)[1]
            self.do("age_delayed", number, self.random.choice([1000, 2000, 3000]))
        elif kind == 1 and self.model.grave:
            self.do("age", b"grave", self.random.choice(sorted(self.model.grave)), self.random.choice([-400_000, 900_000]) + self.aged)
        elif kind == 2 and self.model.forgotten_at:
            self.do("age", b"cancelled", self.random.choice(sorted(self.model.forgotten_at)), -5000)
        elif kind == 3 and self.model.watch:
            self.do("age", b"watch", self.random.choice(sorted(self.model.watch)), self.random.choice([-60_000, 60_000]))
        else:
            name = self.random.choice([b"until", b"swept", b"swept", b"counted", b"counted"])
            self.do("set_clock", name, self.random.choice([-60_000, 60_000]))

    # Processes

    def start(self):
        actor = Actor(b"p.%d" % (len(self.actors) + 1))
        self.actors.append(actor)
        names = [b"run/%d" % len(self.actors)] + [b"action/" + action for action in ACTIONS if self.chance(0.4)]
        names += [b"level/" + level for level in LEVELS if self.chance(0.7)]
        names += ([b"lease/%d" % self.random.choice([100, 5000, 10])] if self.chance(0.3) else [])
        names += self.database()
        self.call("hello", actor.p, b"new", *names)

    def again(self):
        actor = self.actor()
        self.call("hello", actor.p, self.random.choice([b"again", b"only", b"new"]), b"run/%d" % self.random.randint(1, 9), *self.database())

    def database(self):
        """Mostly nothing, as a process of an earlier revision; a content that was brought from another database is told anew."""
        return [self.random.choice([b"database/0", b"database/5", b"database/5", b"database/12", b"database/"])] if self.chance(0.3) else []

    def understand(self, actor, reply):
        """A process learns from a reply which jobs are its own."""
        if isinstance(reply, Refused):
            return
        for level, first, jobs in zip(reply[1::3], reply[2::3], reply[3::3]):
            actor.fields += [b"%b.%d" % (level, first + i) for i in range(len(jobs))]

    def resync(self, actor):
        """It reads its run hash."""
        run = self.model.runs.get(actor.p)
        actor.no = (run.claims or 0) + 1 if run else 1
        actor.fields = list(run.held) if run else []

    def heard(self, actor, reply):
        """Whether the process got this reply, and may go on."""
        if self.chance(0.06):
            return False
        if isinstance(reply, Refused):
            if reply.words == "FENCED":
                actor.gone = True
            elif reply.words.startswith("RESYNC"):
                self.resync(actor)
            return False
        return True

    def claim(self):
        actor = self.actor()
        levels = self.several_levels()
        if self.chance(0.3):
            levels = [level + b"=%d" % self.random.randint(0, 3) if self.chance(0.8) else level for level in levels]
        no = actor.no if self.chance(0.95) else actor.no + self.random.choice([-1, 1, 5])
        reply = self.call("claim", actor.p, max(no, 0), self.random.randint(1, 6), self.random.choice([1, 10, 1048576]), *levels)
        if self.heard(actor, reply):
            actor.no = no + 1
            self.understand(actor, reply)

    def land(self):
        self.do("land", self.actor().p, self.level())

    def adopt(self):
        actor = self.actor()
        reply = self.call("adopt", actor.p, *self.several_levels())
        if self.heard(actor, reply):
            self.understand(actor, reply)

    def suspect(self):
        actor = self.actor()
        if actor.fields and self.chance(0.7):
            self.call("giveback", actor.p, *self.some_fields(actor, all_of=True))
        reply = self.call("suspect", actor.p, *(self.several_levels() if self.chance(0.4) else []))
        if self.heard(actor, reply):
            self.understand(actor, reply)

    def some_fields(self, actor, all_of=False):
        """Fields it thinks its own, and now and then one that is not."""
        fields = list(actor.fields) if all_of else [field for field in actor.fields if self.chance(0.6)]
        actor.fields = [field for field in actor.fields if field not in fields]
        actor.ended += fields
        if self.chance(0.15):
            fields.append(self.random.choice([*actor.ended, b"high.99", b"#", b"@", b"!", b"default.0"]))
        return fields

    def begin(self):
        """It marks jobs that are to be run once; perhaps one that is not its own, and perhaps again, because the reply was lost."""
        actor = self.actor()
        fields = [field for field in actor.fields if self.chance(0.6)]
        if self.chance(0.15):
            fields.append(self.random.choice([*actor.ended, b"high.99", b"#", b"@", b"!", b"~high.1"]))
        for _ in range(2 if self.chance(0.1) else 1):
            self.heard(actor, self.call("begin", actor.p, *fields))

    def interrupted(self):
        """Jobs that run once, among others, in a process that ends in one of the ways there are; late calls of its own come after it."""
        self.start()
        actor = self.actors[-1]
        if self.chance(0.3):
            self.do("push", b"high", b"equal")
            self.call("claim", actor.p, 1, 1, 1, b"high")
            self.bury_process(actor)
            self.start()
            actor = self.actors[-1]
        for _ in range(self.random.randint(1, 4)):
            self.do("push", b"high", self.payload())
        self.understand(actor, self.call("claim", actor.p, 1, 4, 1048576, b"high"))
        if not actor.fields:
            self.understand(actor, self.call("suspect", actor.p))
        begun = [field for field in actor.fields if self.chance(0.7)]
        late = self.random.choice([[], begun, [b"~" + field for field in begun]])
        self.call("begin", actor.p, *begun)
        if late and self.chance(0.6):
            self.call("giveback", actor.p, *late)
        if begun and self.chance(0.3):
            self.call("settle", actor.p, begun[0], self.random.choice([b"done", b"retry 0", b"next low", b"retry 600", b"dead x"]), b"", b"again")
        if self.chance(0.3):
            self.call("giveback", actor.p, *actor.fields)
        end = self.random.random()
        if end < 0.5:
            self.bury_process(actor)
            self.call("reap", actor.p, b"*")
        elif end < 0.75:
            self.leave(actor)
            if self.chance(0.5):
                self.call("hello", actor.p, b"new", b"run/1")
        self.call("begin", actor.p, *(actor.fields or [b"high.1"]))

    def outcome(self):
        return self.random.choice([b"done", b"done", b"failed", b"expired", b"cancelled " + self.random.choice(IDS),
                                   b"dead bad_args some words", b"dead why", b"retry 0", b"retry 600", b"retry 1000000", b"next high", b"next low",
                                   b"next 0", *(b"unknown %d %b" % (self.random.choice((600_000, 500)), action) for action in ACTIONS),
                                   b"unknown 0 new", b"nonsense" if self.chance(0.1) else b"done"])

    def settle(self):
        actor, args = self.actor(), []
        for field in self.some_fields(actor):
            outcome = self.outcome()
            followed = outcome.startswith((b"retry ", b"next ", b"unknown "))
            args += [field, outcome, b"" if followed or self.chance(0.4) else self.inbox(), self.payload()]
        reply = self.call("settle", actor.p, *args)
        if not self.heard(actor, reply):
            actor.fields += args[::4]
        if self.chance(0.1):
            self.call("settle", actor.p, *args)  # sent again, because the reply was lost

    def unknown(self):
        """Jobs that some processes know and others do not; they wait, are found by those that know them, or are given up."""
        self.start()
        actor = self.actors[-1]
        for _ in range(self.random.randint(1, 4)):
            self.do("push", self.random.choice([b"high", b"low"]), self.payload())
        self.understand(actor, self.call("claim", actor.p, 1, 4, 1048576, b"high", b"low"))
        outcomes = [b"unknown 600000 new", b"unknown 700 new", b"unknown 700 " + ACTIONS[1], b"done"]
        ends = [(field, self.random.choice(outcomes), b"", b"") for field in actor.fields]
        if self.chance(0.5):
            for end in ends:
                self.call("settle", actor.p, *end)
        else:
            if ends and self.chance(0.3):  # One comes twice.
                ends.append((ends[0][0], self.random.choice(outcomes), b"", b""))
            self.call("settle", actor.p, *(word for end in ends for word in end))
        actor.fields, actor.ended = [], actor.fields
        for _ in range(self.random.randint(1, 4)):
            self.random.choice([self.age_unknown, self.start, self.beats, self.claim, self.give_up, self.give_up, self.crash, self.pause, self.knows_nothing])()
        if self.chance(0.3):
            self.start()
            actor = self.actors[-1]
            self.call("hello", actor.p, b"again", b"action/new", b"level/high", b"level/low")
            if self.chance(0.4):
                self.do("jam", actor.p)
            self.understand(actor, self.call("claim", actor.p, 1, self.random.randint(1, 4), 1048576, b"low", b"high"))

    def exchanged(self):
        """The only process that knows an action ends, or is quiet, and another takes its place; or none comes."""
        self.start()
        old, knower = self.actors[-1], b"k%d" % len(self.steps)
        self.do("push", b"high", b"for the knower")
        self.understand(old, self.call("claim", old.p, old.no, 1, 1, b"high"))
        old.no += 1
        for field in old.fields:
            self.call("settle", old.p, field, b"unknown 700 new", b"", b"")
        old.ended, old.fields = old.fields, []
        self.call("hello", knower, b"new", b"action/new", b"level/high")
        self.age_unknown()
        self.give_up()
        self.call(*self.random.choice([("goodbye", knower), ("hello", knower, b"again", b"actions/none")]))
        if self.chance(0.5):  # and for long nobody was there at all
            self.do("set_clock", b"swept", self.random.choice([-60_000, -4_000]))
            self.call("tick", old.p, b"", b"high")
        for _ in range(2):
            self.age_unknown()
            self.give_up()

    def stranger_suspect(self):
        """A job that crashes whoever knows it, and is put aside by one that does not each time it is to be run alone."""
        self.do("push", b"low", b"poison for some")
        for turn in range(self.random.randint(2, 6)):
            self.start()
            actor = self.actors[-1]
            if turn > 0:
                self.call("hello", actor.p, b"again", b"action/new", b"level/low")
            self.understand(actor, self.call("claim", actor.p, 1, 1, 1, b"low"))
            self.bury_process(actor)
            self.start()
            other = self.actors[-1]
            self.understand(other, self.call("suspect", other.p) if turn else self.call("claim", other.p, 1, 1, 1, b"low"))
            for field in other.fields:
                self.call("settle", other.p, field, b"unknown 600000 new", b"", b"")
            other.ended, other.fields = other.fields, []

    def age_unknown(self):
        self.aged += 1
        if self.model.unknown:
            self.do("age_unknown", *self.random.choice(sorted(self.model.unknown)), 5000 + self.aged)

    def knows_nothing(self):
        self.call("hello", self.actor().p, b"again", b"actions/none", *([b"action/new", b"level/low"] if self.chance(0.3) else []))

    def give_up(self):
        actor = self.actor()
        reply = self.call("unknown", actor.p)
        if self.heard(actor, reply):
            self.understand(actor, reply)

    def chunk(self):
        actor = self.actor()
        field = self.random.choice([*actor.fields, b"high.99"])
        self.call("chunk", actor.p, field, self.inbox(), *[b"part"] * self.random.randint(1, 2))

    def giveback(self):
        actor = self.actor()
        self.heard(actor, self.call("giveback", actor.p, *self.some_fields(actor)))

    def beats(self):
        actor = self.actor()
        if self.chance(0.2):
            self.call("beat", actor.p)
        else:
            self.call("tick", actor.p, self.random.choice([b"", b"", b"note"]), *self.several_levels())

    def goodbye(self):
        actor = self.actor()
        self.leave(actor, *(self.several_levels() if self.chance(0.7) else []))

    def leave(self, actor, *levels):
        actor.gone = True
        new = actor.p not in self.model.grave
        self.call("goodbye", actor.p, *levels)
        if new:
            self.settle_in(actor)

    def settle_in(self, actor):
        """Two that came into their graves in one millisecond would be swept in the order of their names."""
        if actor.p in self.model.grave:
            self.aged += 1
            self.do("age", b"grave", actor.p, -100_000 + self.aged)

    def crash(self):
        """A process ends, or only seems to; an observer or its supervisor takes its jobs."""
        actor = self.actor()
        beat = self.model.procs.get(actor.p, 7)
        seen = b"*" if self.chance(0.4) else b"%d" % (beat if self.chance(0.85) else beat + self.random.choice([-1, 1]))
        actor.gone = actor.gone or self.chance(0.8)
        calls = self.random.choice([1, 3])
        for _ in range(calls):
            new = actor.p not in self.model.grave
            reply = self.call("reap", actor.p, seen) if self.chance(0.4) else self.do("told", actor.p, seen)
            if new:
                self.settle_in(actor)
            if isinstance(reply, Refused) or reply[1] <= 0:
                break
        if len(self.actors) < 7 and self.chance(0.8):
            self.start()

    def crash_loop(self):
        """A job that crashes whoever runs it, until it is dead."""
        self.do("push", b"default", self.random.choice([b"poison", b"equal"]))
        for _ in range(self.random.randint(2, 5)):
            self.start()
            actor = self.actors[-1]
            self.understand(actor, self.call("claim", actor.p, 1, 1, 1, b"default") if self.chance(0.5) else [])
            if not actor.fields:
                self.understand(actor, self.call("suspect", actor.p))
            if self.chance(0.15):
                self.settle()
            if self.chance(0.1):
                self.do("jam", actor.p)
            self.bury_process(actor)

    def bury_process(self, actor):
        new = actor.p not in self.model.grave
        if self.chance(0.5):
            self.call("reap", actor.p, b"*")
        else:
            self.do("told", actor.p, b"*")
        if new:
            self.settle_in(actor)
        actor.gone = True

    def untold_by(self, p):
        """The places of the records whose callers P's reaper is to tell, among all of them; those whose turn is next first."""
        places, mine = {number: place for place, number in enumerate(self.model.untold_numbers())}, self.model.untold.get(p, {})
        return [places[number] for number in sorted(mine, key=mine.get)]

    def tells(self, p, seen=b"*"):
        """A reaper tells whom it is to tell, and says so; or dies before it has told, before it says so, or in the middle of that."""
        told, lost = [], self.chance(0.3)
        for _ in range(self.random.randint(1, 5)):
            reply = self.do("told", p, seen, *told)
            if isinstance(reply, Refused) or reply[1] == 0 or lost:
                return
            # Those that were returned have gone behind the others.
            returned = len(reply[2]) + len(reply[3])
            named = self.untold_by(p)[-returned:] if returned else []
            told = [place for place in named if self.chance(0.8)]  # to some no answer can be pushed now
            if self.chance(0.1):
                told.append(self.random.choice([7, *self.untold_by(p), *range(len(self.model.untold_numbers()))]))  # another has told it
            if self.chance(0.2):
                return
            if self.chance(0.1) and told:
                told.append(told[0])
            if named and self.chance(0.2):
                told = [b"~"]  # Redis refused all answers

    def untold(self):
        """Jobs that die with their process, whose reaper dies too, or is the keeper's sweep: another one tells their callers."""
        self.start()
        actor = self.actors[-1]
        for _ in range(self.random.randint(1, 4)):
            self.do("push", b"high", self.payload())
        self.understand(actor, self.call("claim", actor.p, 1, 4, 1048576, b"high"))
        if not actor.fields:
            self.understand(actor, self.call("suspect", actor.p))
        self.call("begin", actor.p, *(field for field in actor.fields if self.chance(0.8)))
        self.start()
        other = self.actors[-1]
        if self.chance(0.3):
            self.leave(actor)  # a process that does not settle what it has begun
        else:
            self.bury_process(actor)
        for _ in range(self.random.randint(1, 4)):
            deed = self.random.random()
            if deed < 0.15:
                self.dead()
            elif deed < 0.3:
                self.do("age", b"grave", actor.p, self.random.choice([-400_000, 900_000]) + self.aged)
            elif deed < 0.5:
                self.do("set_clock", b"swept", -60_000)
            elif deed < 0.6:
                self.leave(actor)  # it only slept
            reply = self.call("tick", other.p, b"", b"high")
            shown = [] if isinstance(reply, Refused) else [each for each in reply[6] if each[0] == actor.p]
            if shown and self.chance(0.8):
                seen = b"%d" % shown[0][1]
                self.tells(actor.p, seen)
                if self.chance(0.4):
                    self.do("told", actor.p, seen)  # another observer, which saw the same
            elif self.chance(0.3):
                self.tells(self.actor().p)
            elif self.chance(0.3):
                for _ in range(self.model.limits.untold_tries + 1):  # each reaper dies before it comes back
                    self.do("told", actor.p, b"*")
        if self.chance(0.1):
            self.call("reap", actor.p, b"0", self.random.choice([b"told ", b"0-1", b""]))
            self.call("reap", actor.p, b"0", b"told", *self.random.choice([(b"~", b"0-1"), (b"0-1", b"~"), (b"~~",)]))

    def alone(self):
        """Jobs that crashed twice are run alone, and end in all ways there are."""
        for level, payload in [(b"high", b"first"), (b"low", b"second")][:self.random.randint(1, 2)]:
            self.do("push", level, payload)
        for _ in range(2):
            self.start()
            self.call("claim", self.actors[-1].p, 1, 2, 1048576, b"high", b"low")
            self.bury_process(self.actors[-1])
        self.start()
        actor = self.actors[-1]
        if self.chance(0.1):
            self.do("jam", actor.p)
        for _ in range(self.random.randint(1, 3)):
            if self.chance(0.2):
                self.call("pause", b"high")
            reply = self.call("suspect", actor.p)
            self.understand(actor, reply)
            ends = [self.suspect, self.land_and_adopt, lambda: self.call("giveback", actor.p, *actor.fields),
                    lambda: self.leave(actor), lambda: self.call("claim", actor.p, actor.no, 1, 1, b"high"),
                    lambda: self.call("settle", actor.p, *(word for name in actor.fields for word in
                                                           (name, self.random.choice([b"retry 0", b"done", b"dead x"]), b"", b"again")))]
            self.random.choice(ends)()

    def bury_jobs(self):
        """Jobs die, and are revived or forgotten; one of them is remembered as cancelled."""
        self.start()
        actor, n = self.actors[-1], self.random.randint(1, 5)
        for _ in range(n):
            self.do("push", b"low", self.payload())
        self.understand(actor, self.call("claim", actor.p, 1, n, 1048576, b"low"))
        job_id = self.random.choice(IDS)
        if self.chance(0.3):
            self.call("cancel", job_id, 86400000)
        for i, name in enumerate(actor.fields):
            outcome = b"cancelled " + job_id if i == 3 else b"dead why some words"
            self.call("settle", actor.p, name, outcome, b"", b"")
        actor.ended, actor.fields = actor.fields, []
        self.call("cancelled", job_id)
        for _ in range(self.random.randint(0, 2)):
            self.dead()

    def old_graves(self):
        """What is left of a process is found by the sweeps, also long after its reaping."""
        actor = self.actor()
        for _ in range(self.random.randint(1, 3)):
            self.do("push", b"high", b"a longer payload than one call moves")
            self.do("land", actor.p, b"high")
        self.bury_process(actor)
        if self.chance(0.5):
            self.do("land", actor.p, b"high")
        self.do("age", b"grave", actor.p, -400_000 - self.aged)
        self.start()
        for _ in range(self.random.randint(1, 3)):
            self.do("set_clock", b"swept", -60_000)
            self.call("tick", self.actors[-1].p, b"", b"high")
        # Redis has forgotten it, as it does when it is flushed; a parked connection has not.
        self.do("land", actor.p, b"high")
        for _ in range(self.random.randint(1, 2)):
            self.call("reap", actor.p, self.random.choice([b"*", b"*", b"7"]))

    def watching(self):
        """Who watches the others: those that tick first, until they leave, or are silent for too long."""
        for _ in range(self.random.randint(0, 2)):
            self.start()
        for _ in range(self.random.randint(2, 6)):
            if self.model.watch and self.chance(0.3):
                self.do("age", b"watch", self.random.choice(sorted(self.model.watch)), self.random.choice([-60_000, 60_000]))
            self.call("tick", self.actor().p, b"", b"high")

    def land_and_adopt(self):
        actor, level = self.actor(), self.level()
        for _ in range(self.random.randint(1, 3)):
            self.do("push", level, self.payload())
            self.do("land", actor.p, level)
        if self.chance(0.3):
            self.call("pause", level)
        self.call("listen", b"inbox1")
        self.understand(actor, self.call("adopt", actor.p, level))

    def converse(self):
        """A caller that listens, and reads what it got."""
        inbox, position = self.random.choice(INBOXES), 0
        if self.chance(0.3):
            self.do("answer", inbox, b"early")
        position = self.call("listen", inbox)
        for _ in range(self.random.randint(1, 3)):
            for _ in range(self.random.randint(0, 3)):
                self.do("answer", inbox, b"answer")
            actor = self.actor()
            if actor.fields:
                self.call("chunk", actor.p, actor.fields[0], inbox, b"part")
            reply = self.call("read", inbox, position, 2, 1000)
            if not isinstance(reply, Refused) and not isinstance(position, Refused) and self.chance(0.8):
                position += len(reply)
        if not isinstance(position, Refused) and self.chance(0.5):
            self.forgetful(inbox, position)

    def forgetful(self, inbox, position):
        """Redis forgets what it said to a reader, and gets new answers before that one is back: it listens first, and gets each of them."""
        back = self.random.randint(0, position)
        answers = [b"old"] * self.random.randint(0, 2) + [b"new%d" % number for number in range(self.random.randint(1, 4))]
        if not self.do("lose", inbox, back, *answers):
            return
        place, got = self.call("listen", inbox), []
        while len(got) < len(answers):
            reply = self.call("read", inbox, place, 2, 1000)
            if isinstance(reply, Refused):
                return
            assert reply, f"a reader that listened at {place} gets {got} of {answers}"
            got += reply
            place += len(reply)
        assert got == answers, (got, answers)
        if self.chance(0.5):
            self.call("read", inbox, position, 2, 1000)

    def jam(self):
        self.do("jam", self.actor().p)

    # Callers

    def listen(self):
        self.call("listen", self.random.choice(INBOXES + ODD_INBOXES[1:]))

    def unlisten(self):
        self.call("unlisten", self.random.choice(INBOXES))

    def read(self):
        inbox = self.random.choice(INBOXES)
        position = self.model.read_so_far.get(inbox, 0) + self.random.choice([0, 1, 1, 2, -1])
        self.call("read", inbox, max(position, 0), self.random.randint(1, 3), self.random.choice([1, 1000]))

    def raw_answer(self):
        self.do("answer", self.random.choice(INBOXES), b"raw")

    def breaks_inbox(self):
        self.do("break_inbox", self.random.choice(INBOXES))

    def announce(self):
        self.call("levels", *self.several_levels())

    ACTIONS = [(push, 14), (delay, 3), (cancel, 1.5), (ask, 2), (pause, 1), (resume, 1), (dead, 1.5), (clears, 0.5), (clear_suspects, 0.3), (breaks, 0.5), (mends, 0.6), (age, 5),
               (start, 2), (again, 1), (claim, 14), (land, 6), (adopt, 5), (suspect, 4), (settle, 10), (chunk, 2), (giveback, 3), (begin, 4), (interrupted, 1.5), (untold, 1.5),
               (beats, 9), (goodbye, 1.5), (crash, 4), (crash_loop, 1.2), (listen, 2), (unlisten, 0.7), (read, 2), (raw_answer, 0.5),
               (breaks_inbox, 0.3), (announce, 0.5), (jam, 0.4),
               (alone, 0.8), (unknown, 1.5), (exchanged, 0.6), (stranger_suspect, 0.6), (give_up, 1.5), (age_unknown, 1), (land_and_adopt, 1.5), (converse, 0.8),
               (bury_jobs, 0.8), (old_graves, 0.5), (watching, 0.8)]
