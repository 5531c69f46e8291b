"""The model's hello, beat, tick, goodbye, reap: who lives, and what becomes of the jobs of the dead.

Before it: places.py; after it: queue_model.py.
"""
from places import PROCESS, WRONG, Near, Run, need, need_levels, number

KEEPER, WATCH, SWEEP, INBOX_SWEEP, GRAVE, LEASE, STRIKES, POISON, UNTOLD, GAP = 3000, 3000, 1000, 30000, 300000, 10000, 3, 3, 3000, 6000


class Recovering:
    def hello(self, p, mode, *names):
        need(PROCESS.match(p) and mode in (b"new", b"again", b"only"))
        if mode == b"new":
            need(p not in self.procs and p not in self.grave)
            # A name that is used again, after a goodbye or when its grave is closed, begins with claim 1.
            self.accepted = {place: n for place, n in self.accepted.items() if place[0] != p}
        else:
            self.must_live(p)
        lease, database, ids, actions, served = None, None, set(), set(), set()
        for name in names:
            if name.startswith(b"lease/"):
                lease = number(name[6:], 100, 86400000)
            elif name.startswith(b"database/"):
                database = number(name[9:], 0, 2**31 - 1)
            elif name.startswith(b"action/"):
                actions.add(name[7:])
            elif name.startswith(b"level/"):
                served.add(name[6:])
            elif name == b"actions/none":
                self.actions.pop(p, None)
            else:
                ids.add(name)
        if mode != b"new":
            run = self.runs.setdefault(p, Run())
            if run.jobs != b"jam":
                run.jobs = (run.jobs or 0) + 1_000_000
        if lease is not None:
            self.leases[p] = lease
        if database == 0:
            self.clock.pop(b"database", None)
        elif database:
            self.clock[b"database"] = database
        if actions and served:
            self.actions[p] = self.actions.get(p, set()) | {(level, action) for level in served for action in actions}
        self.procs[p] = self.procs.get(p, 0) + 1
        old = self.connections.get(p, set())
        self.connections[p] = ids if mode == b"only" else old | ids
        return [self.procs[p], *sorted(old - ids)]

    def beat(self, p):
        self.must_live(p)
        self.procs[p] += 1
        return self.procs[p]

    def unregister(self, p):
        for about in (self.procs, self.leases, self.notes, self.watch, self.actions):
            about.pop(p, None)
        if self.clock.get(b"keeper") == p:
            del self.clock[b"keeper"], self.clock[b"until"]
            self.tell(b"tick *")

    def unland(self, p, level, limit):
        jobs, n, moved = self.landed.get((p, level), []), 0, 0
        while jobs and moved < limit:
            job = jobs.pop()
            self.put_back(p, level, job)
            n, moved = n + 1, moved + len(job.payload)
        return n, moved

    def unland_all(self, p, limit):
        moved = size = 0
        for level in self.known_levels():
            n, more = self.unland(p, level, limit - size)
            moved, size = moved + n, size + more
        return moved, size

    def goodbye(self, p, *levels):
        need(p)
        need_levels(levels)
        run, n = self.runs.get(p), 0
        for level in [*levels, *self.known_levels()]:
            n += self.unland(p, level, 2**62)[0]
        if run:
            for name in list(reversed(run.held)):
                if name in run.begun:
                    self.interrupt(p, *run.held.pop(name))
                    continue
                self.give_back(p, run, name)
                n += 1
        self.runs.pop(p, None)
        self.connections.pop(p, None)
        self.unregister(p)
        if p in self.untold:
            self.grave.setdefault(p, Near(self.now))
        else:
            self.grave.pop(p, None)
        self.count(b"returned", n)
        return n

    def bring_back(self, p, limit):
        """What a dead process holds, up to so many bytes: how many jobs, how many are left, who died of poison, the bytes, and who was
        interrupted."""
        moved, size = self.unland_all(p, limit)
        if size >= limit:
            return moved, 1, [], size, []
        run, poisoned, interrupted, last = self.runs.get(p), [], [], None
        for name in list(reversed(run.held)) if run else ():
            if size >= limit:
                break
            level, job = run.held.pop(name)
            assert last is None or job.claim < last, "not in the order of the claims"
            last = job.claim
            payload = job.payload
            moved, size = moved + 1, size + len(payload)
            if name in run.begun:
                run.begun.discard(name)
                self.interrupt(p, level, job)
                interrupted.append(payload)
                continue
            if self.crash(p, level, job, name == run.alone):
                poisoned.append(payload)
            self.count(b"crashed")
        left = len(run.held) if run else 0
        if not left:
            self.runs.pop(p, None)
            self.connections.pop(p, None)
        return moved, left, poisoned, size, interrupted

    def crash(self, p, level, job, alone):
        """A job that ran when its process died; whether it is dead of poison."""
        tries = self.tries.get(job.payload, 0)
        accused = not alone and tries and job.payload in self.accused
        if accused:
            self.accused.discard(job.payload)
        if tries and not alone and not accused:
            self.put_aside(level, job, first=False)  # a bystander perhaps: not blamed again
            return False
        self.tries[job.payload] = tries + 1
        if tries + 1 >= POISON:
            self.bury_untold(p, level, job, b"poison", b"each process that ran it crashed")
            self.forgive(job.payload)
            return True
        if tries:
            self.put_aside(level, job, first=False)
        else:
            self.put_back(p, level, job)
        return False

    def reap(self, p, seen, *more):
        """As workers of revisions 2 and 3 call it: who died now, and nobody is told. The others: `told` below."""
        need(p and (seen == b"*" or seen.isdigit()) and not more)
        return self.take_back(p, seen)

    def told(self, p, seen, *named):
        """`reap … told`: the callers of the records of these numbers were told, or (`~`) none could be, and who is to be told now."""
        need(p and (seen == b"*" or seen.isdigit()) and (b"~" not in named or len(named) == 1))
        refused = b"~" in named
        self.note_told(p, refused, named)
        is_first, is_known, shown = p in self.procs, p in self.procs or p in self.grave, self.untold_beats.get(p)
        moved, left, *_ = self.take_back(p, seen)
        if moved < 0 or not is_known:
            return [moved, left, [], []]
        if refused:
            return [moved, left + len(self.untold.get(p, ())), [], []]
        if not (is_first or moved or named or seen == b"*") and (shown is None or int(seen) != shown):
            return [-1, 0, [], []]  # of all who saw the counter stand still one tells
        untold, poisoned, interrupted = self.to_tell(p)
        return [moved, left + untold, poisoned, interrupted]

    def note_told(self, p, refused, named):
        if refused and self.strikes.get(p):
            self.strikes[p] -= 1
        mine = self.untold.get(p, {})
        if [number for number in named if mine.pop(number, None) is not None]:
            self.strikes.pop(p, None)
            self.is_told(p)

    def is_told(self, p):
        if not self.untold.get(p):
            for about in (self.untold, self.untold_beats, self.strikes):
                about.pop(p, None)

    def to_tell(self, p):
        lists, size, named = {b"poison": [], b"interrupted": []}, 0, []
        if self.strikes.get(p, 0) >= self.limits.untold_tries:
            return 0, [], []
        records, mine = {record["number"]: record for record in self.dead or ()}, self.untold.get(p, {})
        for number in sorted(mine, key=mine.get):
            if len(named) >= self.limits.untold_most or size >= self.limits.move_bytes:
                break
            if number not in records:  # trimmed, forgotten, or started again by a person
                del mine[number]
                continue
            payload = records[number]["job"].payload
            lists[records[number][b"reason"]].append(payload)
            named.append(number)
            size += len(payload)
        for number in named:  # behind the others
            mine[number] = self.next_turn(p)
        if mine:
            self.strikes[p] = self.strikes.get(p, 0) + 1
        self.is_told(p)
        return len(mine), lists[b"poison"], lists[b"interrupted"]

    def take_back(self, p, seen):
        if p in self.procs:
            if seen != b"*" and int(seen) != self.procs[p]:
                return [-1, 0, [], []]
            self.unregister(p)
            self.grave[p] = Near(self.now)
            self.count(b"reaped")
        elif p not in self.grave:
            moved, size = self.unland_all(p, self.limits.move_bytes) if seen == b"*" else (0, 0)
            self.count(b"recovered", moved)
            return [moved, int(size >= self.limits.move_bytes), [], []] if moved else [-1, 0, [], []]
        moved, left, poisoned, _, interrupted = self.bring_back(p, self.limits.move_bytes)
        self.count(b"recovered", moved)
        return [moved, left, poisoned, interrupted]

    def tick(self, p, note, *levels):
        self.must_live(p)
        need_levels(levels)
        self.procs[p] += 1
        self.levels.update(levels)
        if note:
            self.notes[p] = note
        due, keeps, unknowns = -1, 0, 0
        until = self.clock.get(b"until", 0)
        if self.clock.get(b"keeper") in (None, p) or not self.now <= until <= self.now + KEEPER:
            keeps = 1
            if self.looks and self.now > self.clock.get(b"swept", 0) + GAP:  # nobody was there for a while
                self.clock[b"back"] = Near(self.now)
            self.clock[b"keeper"], self.clock[b"until"] = p, Near(self.now + KEEPER)
            self.promote(p)
            if self.delayed:
                due = Near(max(0, min(self.delayed, key=lambda entry: entry[:2])[0] - self.now))
            if self.is_time(b"swept", SWEEP):
                self.sweep_graves()
                self.forgotten_at = {job: end for job, end in self.forgotten_at.items() if end > self.now}
            if self.is_time(b"counted", INBOX_SWEEP):
                self.sweep_inboxes()
        if self.looks:
            wait = min(self.looks.values()) - self.now
            unknowns = int(wait <= (0 if keeps else -2 * SWEEP))
            if keeps:
                look = wait if wait > 0 else SWEEP
                due = Near(look if due == -1 else min(due, look))
        suspects = len(self.suspects) if self.next_suspect(levels) else 0
        landed = sum(len(self.landed.get((p, level), ())) for level in levels)
        waiting = any(self.lists.get(level) and self.lists[level] is not WRONG and not self.is_paused(level) for level in levels)
        waiting = waiting or any(self.known_of_unknown(p, level) and not self.is_paused(level) for level in levels)
        named = sorted(self.procs.items()) if self.watches(p) else ()
        others = [[other, beat, self.leases.get(other, LEASE)] for other, beat in named if other != p]
        if p in self.watch:
            others += [[other, beat, UNTOLD] for other, beat in self.untold_beats.items()
                       if other in self.grave and self.strikes.get(other, 0) < self.limits.untold_tries]
            others.sort()
        return [self.procs[p], Near(self.now), due, landed, int(waiting), suspects, others, keeps, unknowns]

    def watches(self, p):
        self.watch = {other: until for other, until in self.watch.items() if self.now < until <= self.now + WATCH}
        if p in self.watch or len(self.watch) < self.limits.watchers:
            self.watch[p] = Near(self.now + WATCH)
        return p in self.watch

    def is_time(self, name, every):
        last = self.clock.get(name, 0)
        if last <= self.now < last + every:
            return False
        self.clock[name] = Near(self.now)
        return True

    def sweep_graves(self):
        budget = self.limits.move_bytes
        for p, since in sorted(self.grave.items(), key=lambda entry: (entry[1], entry[0])):
            if budget <= 0:
                break
            moved, left, _, size, _ = self.bring_back(p, budget)
            budget -= size
            self.count(b"recovered", moved)
            if not left and abs(self.now - since) > GRAVE:
                del self.grave[p]
        for p in list(self.untold):
            if p not in self.grave:
                self.untold[p].clear()
                self.is_told(p)

    def sweep_inboxes(self):
        before, self.idle = self.idle, {}
        for inbox, beat in list(self.beats.items()):
            seen, strikes = before.get(inbox, (None, 0))
            strikes = strikes + 1 if seen == beat else 0
            if strikes < STRIKES:
                self.idle[inbox] = (beat, strikes)
                continue
            del self.beats[inbox], self.read_so_far[inbox]
            if self.answers.get(inbox):
                self.expiring.add(inbox)

    def processes(self):
        reply = []
        for p, beat in sorted(self.procs.items()):
            landed = sum(len(self.landed.get((p, level), ())) for level in self.known_levels())
            held = len(self.runs[p].held) if p in self.runs else 0
            reply.append([p, beat, self.leases.get(p, LEASE), held, landed, self.notes.get(p, b"")])
        return reply
