"""The model's delay, promotion, cancel, cancelled, revive, forget, levels, pause, resume. Before it: places.py; after it: queue_model.py."""
import re

from places import WRONG, Near, need, need_levels, number

NEAR = 1100


class Timing:
    def postpone(self, level, job, ms, exact=None):
        self.count(b"delayed")
        due = Near(self.now + ms) if exact is None else exact
        entry = (due, self.counts[b"delayed"], level, job)
        self.delayed.append(entry)
        if due < self.now + NEAR and min(self.delayed, key=lambda each: each[:2]) is entry:
            self.tell(b"tick " + self.clock.get(b"keeper", b"*"))

    def delay(self, due, level, *payloads):
        need(re.match(rb"\+?\d+\Z", due) and int(due) <= 2**52)
        need_levels([level])
        need(1 <= len(payloads) <= 1000)
        when = Near(self.now + int(due)) if due.startswith(b"+") else int(due)
        if when <= self.now:
            need(self.lists.get(level) is not WRONG, "WRONGTYPE")
        self.levels.add(level)
        for payload in payloads:
            if when <= self.now:
                self.append(b"", level, self.new_job(payload))
            else:
                self.postpone(level, self.new_job(payload), when - self.now, when)
        return when

    def promote(self, by):
        moved = n = 0
        self.delayed.sort(key=lambda entry: entry[:2])
        while self.delayed and self.delayed[0][0] <= self.now and moved < self.limits.move_bytes and n < 1000:
            _, _, level, job = self.delayed.pop(0)
            self.append(by, level, job)
            # What is moved is what is kept: 16 digits, the level and the payload, between two colons.
            moved, n = moved + 16 + len(level) + len(job.payload) + 2, n + 1
        self.count(b"promoted", n)

    def cancel(self, job_id, keep):
        need(1 <= len(job_id) <= 128)
        self.forgotten_at[job_id] = Near(self.now + number(keep, 1, 2592000000))
        self.tell(b"cancel " + job_id)
        return 1

    def cancelled(self, *ids):
        return [int(each in self.forgotten_at) for each in ids]

    def revive(self, index, payload):
        """`index` is the place of the record in the dead stream; one beyond its end is not there."""
        if not self.dead or index >= len(self.dead):
            return 0
        level = self.dead[index][b"level"]
        need(self.lists.get(level) is not WRONG)
        job = self.unbury(index)
        self.forgive(job.payload)
        self.spent.discard(job.uid)
        job.payload = payload or job.payload
        self.append(b"", level, job)
        self.count(b"revived")
        return 1

    def forget(self, index):
        if not self.dead or index >= len(self.dead):
            return 0
        self.end(self.unbury(index))
        return 1

    def announce(self, *levels):
        need_levels(levels)
        new = len(set(levels) - self.levels)
        self.levels.update(levels)
        return new

    def pause(self, *levels):
        new = set(levels or [b"*"]) - self.paused
        self.paused |= new
        return len(new)

    def resume(self, *levels):
        old = self.paused & set(levels) if levels else set(self.paused)
        self.paused -= old
        return len(old)
