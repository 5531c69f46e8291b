"""The model's inboxes: deliver, listen, read, unlisten. Before it: places.py; after it: queue_model.py."""
from places import INBOX, WRONG, Refused, need, number


class Answering:
    def deliver(self, inbox, answers):
        at = self.answers.get(inbox, [])
        if not INBOX.match(inbox) or at is WRONG:
            return False
        self.answers[inbox] = at + answers
        if inbox not in self.beats:
            self.expiring.add(inbox)
        return True

    def listen(self, inbox):
        need(INBOX.match(inbox))
        self.beats[inbox] = self.beats.get(inbox, 0) + 1
        self.expiring.discard(inbox)
        return self.read_so_far.setdefault(inbox, 0)

    def unlisten(self, inbox):
        need(INBOX.match(inbox))
        self.answers.pop(inbox, None)
        self.expiring.discard(inbox)
        self.read_so_far.pop(inbox, None)
        return int(self.beats.pop(inbox, None) is not None)

    def read(self, inbox, position, want, limit):
        need(INBOX.match(inbox))
        if inbox not in self.beats:
            raise Refused("FENCED")
        position, want, limit = number(position, 0, 2**53), number(want, 1, 1000), number(limit, 1, 2**53)
        drop, waiting = position - self.read_so_far[inbox], self.answers.get(inbox, [])
        need(drop >= 0)
        need(waiting is not WRONG, "WRONGTYPE")
        need(drop <= len(waiting))
        self.beats[inbox] += 1
        self.read_so_far[inbox] = position
        self.answers[inbox] = waiting = waiting[drop:]
        reply, moved = [], 0
        for answer in waiting[:want]:
            if moved >= limit:
                break
            reply.append(answer)
            moved += len(answer)
        return reply
