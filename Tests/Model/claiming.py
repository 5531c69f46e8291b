"""The model's claim, adopt, suspect, begin, settle, chunk and giveback. Before it: places.py; after it: queue_model.py."""
import re

from places import LEVEL, WRONG, Near, Refused, Run, need, need_levels, number

NEAR, SWEEP, KNOWN = 1100, 1000, 60000

OUTCOME = re.compile(rb"done\Z|failed\Z|expired\Z|cancelled .|dead \S|retry \d+\Z|next [A-Za-z][A-Za-z0-9_.-]{0,127}\Z"
                     rb"|unknown 0*[1-9]\d{0,11} .", re.S)
FOLLOWED = (b"retry ", b"next ", b"unknown ")


class Claiming:
    def hold(self, p, level, jobs):
        """Jobs get the next numbers of P's run hash; the first of them."""
        run = self.runs.setdefault(p, Run())
        first = (run.jobs or 0) + 1
        for job in jobs:
            run.jobs = (run.jobs or 0) + 1
            job.claim = run.jobs
            run.held[b"%b.%d" % (level, run.jobs)] = (level, job)
        return first

    def must_record(self, p):
        """A run hash whose numbers are damaged takes no job; none may leave its list then."""
        if p in self.runs and self.runs[p].jobs == b"jam":
            raise Refused("ERR")

    def has_cancelled(self):
        return [b"~"] if self.forgotten_at else []

    def claim(self, p, no, want, limit, *levels):
        self.must_live(p)
        no, want, limit = number(no, 1, 2**53), number(want, 1, 1000), number(limit, 1, 2**53)
        named = []
        for text in levels:
            level, _, quota = text.partition(b"=")
            need(LEVEL.match(level) and (not _ or quota.isdigit()))
            named.append((level, int(quota) if _ else want))
        last = self.runs[p].claims or 0 if p in self.runs else 0
        if no != last + 1:
            raise Refused(f"RESYNC {last}")
        if no == 1:
            self.levels.update(level for level, _ in named)
        closed, shut, reply, left, moved = self.has_cancelled(), set(), [], want, 0
        weighted = any(b"=" in text for text in levels)
        for quotas in [True, False] if weighted else [True]:
            for level, quota in named:
                if quotas and self.is_paused(level):
                    closed.append(level)
                    shut.add(level)
                most = min(left, quota) if quotas else left
                if level in shut or most == 0 or moved >= limit:
                    continue
                jobs, size = self.take_unknown(p, level, most, limit - moved)
                moved += size
                if jobs:
                    reply += [level, self.hold(p, level, jobs), [job.payload for job in jobs]]
                    left, most = left - len(jobs), most - len(jobs)
                if most == 0 or moved >= limit:
                    continue
                if self.lists.get(level) is WRONG:
                    closed.append(b"!" + level)
                    shut.add(level)
                    continue
                jobs = []
                while len(jobs) < most and moved < limit and self.lists.get(level):
                    self.must_record(p)
                    jobs.append(self.take(level))
                    moved += len(jobs[-1].payload)
                if jobs:
                    reply += [level, self.hold(p, level, jobs), [job.payload for job in jobs]]
                    left -= len(jobs)
        self.runs.setdefault(p, Run()).claims = no
        self.count(b"claimed", want - left)
        return [closed, *reply]

    def known_of_unknown(self, p, level):
        """The kinds of jobs on the level that wait for P's handlers, those first whose jobs are to be taken first."""
        kinds = [kind for kind in self.unknown if kind[0] == level and kind in self.actions.get(p, ())]
        return sorted(kinds, key=lambda kind: min(entry[:2] for entry in self.unknown[kind]))

    def take_unknown(self, p, level, want, limit):
        jobs, moved = [], 0
        for kind in self.known_of_unknown(p, level):
            if len(jobs) >= want or moved >= limit:
                break
            self.must_record(p)
            more, size = self.take_kind(kind, want - len(jobs), limit - moved)
            jobs, moved = jobs + more, moved + size
        return jobs, moved

    def take_kind(self, kind, want, limit, till=2**62):
        waiting, jobs, moved = self.unknown[kind], [], 0
        waiting.sort(key=lambda entry: entry[:2])
        while waiting and waiting[0][0] <= till and len(jobs) < want and moved < limit:
            jobs.append(waiting.pop(0)[2])
            moved += len(jobs[-1].payload)
        if waiting:
            self.looks[kind] = waiting[0][0]
        else:
            del self.unknown[kind], self.looks[kind]
            self.known.pop(kind, None)
        return jobs, moved

    def put_apart(self, p, quads):
        """Jobs that p has no handler for, before the others are settled. Of a name that comes twice the first counts. Returns their places."""
        held, seen, kinds, places = self.runs[p].held if p in self.runs else {}, set(), {}, set()
        for place, (name, outcome, *_) in enumerate(quads):
            if outcome.startswith(b"unknown ") and name in held and name not in seen:
                patience, _, action = outcome[len(b"unknown "):].partition(b" ")
                self.count(b"unknown")
                level, job = held[name]
                kinds.setdefault((level, action), []).append((Near(self.now + int(patience)), self.counts[b"unknown"], job))
                places.add(place)
            seen.add(name)
        for kind, entries in kinds.items():
            self.put_unknown(kind, entries)
        return places

    def put_unknown(self, kind, entries):
        if kind not in self.unknown:
            known = [p for p in self.procs if kind in self.actions.get(p, ())][:self.limits.watchers]
            for p in known:
                self.tell(b"tick " + p)
        self.unknown.setdefault(kind, []).extend(entries)
        until = min(entry[0] for entry in entries)
        self.looks[kind] = min(self.looks.get(kind, until), until)
        if until < self.now + NEAR:
            self.tell(b"tick " + self.clock.get(b"keeper", b"*"))

    def unknown_over(self, p):
        """What `unknown` returns."""
        self.must_live(p)
        closed, reply, total, moved = self.has_cancelled(), [], 0, 0
        for kind in sorted((kind for kind, look in self.looks.items() if look <= self.now), key=lambda kind: (self.looks[kind], kind)):
            if total >= 100 or moved >= self.limits.move_bytes:
                break
            if self.is_paused(kind[0]) or any(kind in self.actions.get(other, ()) for other in self.procs):
                self.known[kind] = Near(self.now)
                self.looks[kind] = Near(self.now + SWEEP)
                continue
            back = self.clock.get(b"back", 0)
            known = max(self.known.get(kind, 0), back if back <= self.now else 0)
            if known <= self.now < known + KNOWN:
                self.looks[kind] = Near(min(known + KNOWN, self.now + SWEEP))
                continue
            self.must_record(p)
            jobs, size = self.take_kind(kind, 100 - total, self.limits.move_bytes - moved, self.now)
            if jobs:
                reply += [kind[0], self.hold(p, kind[0], jobs), [job.payload for job in jobs]]
            total, moved = total + len(jobs), moved + size
        self.count(b"claimed", total)
        return [closed, *reply]

    def adopt(self, p, *levels):
        self.must_live(p)
        need_levels(levels)
        closed, reply, moved = self.has_cancelled(), [], 0
        for level in levels:
            landed, jobs = self.landed.get((p, level), []), []
            if self.is_paused(level):
                closed.append(level)
            while landed and moved < self.limits.move_bytes and len(jobs) < 256:
                if not self.is_paused(level):
                    self.must_record(p)
                jobs.append(landed.pop(0))
                moved += len(jobs[-1].payload)
            if self.is_paused(level):
                for job in reversed(jobs):
                    self.put_back(p, level, job)
            elif jobs:
                reply += [level, self.hold(p, level, jobs), [job.payload for job in jobs]]
                self.count(b"claimed", len(jobs))
        return [closed, *reply]

    def next_suspect(self, levels):
        """The first of the next 16 whose level may run."""
        for entry in self.suspects[:16]:
            if (not levels or entry[0] in levels) and not self.is_paused(entry[0]):
                return entry
        return None

    def suspect(self, p, *levels):
        self.must_live(p)
        need_levels(levels)
        run, closed = self.runs.get(p), self.has_cancelled()
        entry = self.next_suspect(levels)
        if (run and run.held) or not entry:
            return [closed]
        self.must_record(p)
        self.suspects.remove(entry)
        level, job = entry
        first = self.hold(p, level, [job])
        self.runs[p].alone = b"%b.%d" % (level, first)
        self.count(b"claimed")
        return [closed, level, first, [job.payload]]

    def begin(self, p, *names):
        self.must_live(p)
        need(1 <= len(names) <= 1000)
        held = self.runs[p].held if p in self.runs else {}
        for name in names:
            if name in held:
                self.runs[p].begun.add(name)
        return [int(name in held) for name in names]

    def settle(self, p, *args):
        self.must_live(p)
        need(len(args) % 4 == 0 and len(args) <= 4000)
        quads = [args[i:i + 4] for i in range(0, len(args), 4)]
        for _, outcome, inbox, _ in quads:
            need(OUTCOME.match(outcome) and not (outcome.startswith(FOLLOWED) and inbox))
        run, reply, batches, apart = self.runs.get(p), [], {}, self.put_apart(p, quads)
        for slot, (name, outcome, inbox, answer) in enumerate(quads):
            if not run or name not in run.held:
                reply.append(0)
                self.count(b"stale")
                continue
            reply.append(1)
            level, job = run.held.pop(name)
            run.begun.discard(name)
            self.accepted[p, name] = self.accepted.get((p, name), 0) + 1
            if slot not in apart:
                self.end_claim(p, level, job, outcome, answer)
            elif run.alone == name:
                self.accused.add(job.payload)
            if run.alone == name:
                run.alone = None
            if inbox:
                batches.setdefault(inbox, []).append((slot, answer))
        for inbox, batch in batches.items():
            if not self.deliver(inbox, [answer for _, answer in batch]):
                self.count(b"undelivered", len(batch))
                for slot, _ in batch:
                    reply[slot] = 2
        return reply

    def end_claim(self, p, level, job, outcome, answer):
        kind, _, rest = outcome.partition(b" ")
        self.count(b"settled")
        tally = {b"failed": b"failed", b"expired": b"expired", b"cancelled": b"cancelled", b"retry": b"retried"}.get(kind)
        if tally:
            self.count(tally)
        if kind == b"retry":
            tries = self.tries.get(job.payload, 0)
            if tries:
                self.forgive(job.payload)
                self.tries[answer] = tries
            job.payload = answer
            if int(rest) == 0:
                self.append(p, level, job)
            else:
                self.postpone(level, job, int(rest))
            return
        if kind == b"next":
            self.append(p, rest, self.new_job(answer))
        if kind == b"dead":
            reason, _, detail = rest.partition(b" ")
            self.bury(p, level, job, reason, detail)
        else:
            self.end(job)
        if kind == b"cancelled":
            self.forgotten_at.pop(rest, None)
        self.forgive(job.payload)

    def chunk(self, p, name, inbox, *answers):
        self.must_live(p)
        need(1 <= len(answers) <= 1000)
        if p not in self.runs or name not in self.runs[p].held:
            self.count(b"stale")
            return 0
        if self.deliver(inbox, list(answers)):
            return 1
        self.count(b"undelivered", len(answers))
        return 2

    def giveback(self, p, *names):
        self.must_live(p)
        run, n = self.runs.get(p), 0
        for name in reversed(names):
            unrun, name = name.startswith(b"~"), name.removeprefix(b"~")
            if run and name in run.held and (unrun or name not in run.begun):
                self.give_back(p, run, name)
                n += 1
        self.count(b"returned", n)
        return n

    def give_back(self, p, run, name):
        """One job goes back uncounted: to its head, or before those that are to be run alone."""
        level, job = run.held.pop(name)
        run.begun.discard(name)
        if run.alone == name:
            run.alone = None
            self.put_aside(level, job, first=True)
        else:
            self.put_back(p, level, job)
