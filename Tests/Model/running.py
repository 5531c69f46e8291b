"""Runs a schedule on the model and on Redis, and compares every reply, the news, and the complete content.

Before it: queue_model.py (what must be), wire.py (what is). After it: scheduling.py makes schedules, shrinking.py makes them shorter.
"""
import pathlib
import re
import time

from places import Limits, Near, Refused
from queue_model import QueueModel, key
from wire import Connection, RedisError, Server

# Read once: who edits the library while the test runs does not change what is tested.
SOURCE = (pathlib.Path(__file__).resolve().parents[2] / "protocol" / "tempest.lua").read_text()
SMALL = Limits(move_bytes=24, dead_records=3, dead_bytes=40, look_bytes=5, watchers=2, untold_most=2, untold_tries=2)
UNTOLD = key(b"untold:")
SLOWEST = 300  # ms: a schedule that took longer is run again, because times of `Near` could then change what is decided

# Everything that is in the database, with types; `tempest-model` is a library of the test's own.
DUMP = b"""#!lua name=tempestmodel
local read = {
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  hash = function(key) return redis.call('HGETALL', key) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  stream = function(key) return redis.call('XRANGE', key, '-', '+') end,
  string = function(key) return redis.call('GET', key) end,
}
redis.register_function{function_name = 'tempestmodel_dump', flags = {'no-writes'}, callback = function()
  local reply = {}
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    reply[#reply + 1] = { key, kind, read[kind](key), redis.call('TTL', key) >= 0 and 1 or 0 }
  end
  return reply
end}
"""


class Difference(Exception):
    """Redis and the model do not agree."""

    def __init__(self, step, what, expected, found):
        super().__init__(what)
        self.step, self.what, self.expected, self.found = step, what, expected, found


class Slow(Exception):
    """The machine stalled; the schedule says nothing."""


def library(limits=Limits(), change=lambda text: text):
    """The text of the library, with these constants; `change` makes a mutant."""
    text = change(SOURCE)
    for name, value in (("MOVE_BYTES", limits.move_bytes), ("DEAD_RECORDS", limits.dead_records), ("DEAD_BYTES", limits.dead_bytes),
                        ("LOOK_BYTES", limits.look_bytes), ("WATCHERS", limits.watchers), ("UNTOLD_MOST", limits.untold_most),
                        ("UNTOLD_TRIES", limits.untold_tries)):
        text, n = re.subn(rf"(?m)^local {name} = \d+", f"local {name} = {value}", text)
        if n != 1:
            raise SystemExit(f"protocol/tempest.lua has no line `local {name} = …`: the model test must be told of its new name")
    return text.encode()


def same(expected, found, slack):
    """Whether they are equal; a Near may be later by what the schedule took, or (a difference of two times) earlier."""
    if isinstance(expected, Near):
        return isinstance(found, int) and abs(found - expected) <= slack
    if isinstance(expected, (list, tuple)):
        return isinstance(found, (list, tuple)) and len(expected) == len(found) and all(
            same(one, other, slack) for one, other in zip(expected, found))
    if isinstance(expected, dict):
        return isinstance(found, dict) and expected.keys() == found.keys() and all(
            same(value, found[name], slack) for name, value in expected.items())
    return expected == found


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def groups(flat, size):
    return sorted(flat[i:i + size] for i in range(0, len(flat), size))


def ordered(name, reply):
    """A reply without the order that is not promised."""
    if isinstance(reply, RedisError):
        return reply
    if name == "hello":
        return [reply[0], *sorted(reply[1:])]
    if name == "tick":
        return [*reply[:6], groups(reply[6], 3), *reply[7:]]
    if name == "told":  # the ids are compared with what the keys hold, by naming them later
        return [*reply[:2], *(each[1::2] for each in reply[2:])]
    if name == "processes":
        return groups(reply, 6)
    if name == "stats":
        return [groups(reply[0], 3), {field: int(n) for field, n in pairs(reply[1]).items()}, *reply[2:8],
                groups(reply[8], 2)]
    return reply


def shaped(kind, value):
    """What the dump says, in the shapes of QueueModel.content."""
    if kind == b"hash":
        return pairs(value)
    if kind == b"set":
        return set(value)
    if kind == b"zset":
        return {member: int(score) for member, score in pairs(value).items()}
    return [pairs(fields) for _, fields in value] if kind == b"stream" else value


def by_place(untold, places, records):
    """Untold callers with their places instead of ids, which the model does not know, and with the payloads of their records."""
    jobs = {id: pairs(fields)[b"job"] for id, fields in records}
    return {places[id]: (turn, jobs.get(id)) for id, turn in untold.items()}


def in_order(ids):
    """Ids of records, the oldest first."""
    return sorted(ids, key=lambda id: [int(part) for part in id.split(b"-")])


def comparable(value, model):
    """A hash's numbers in the model are ints, in Redis text."""
    if isinstance(model, dict) and isinstance(value, dict):
        return {name: int(text) if isinstance(model.get(name), int) and isinstance(text, bytes) and text.lstrip(b"-").isdigit() else text
                for name, text in value.items()}
    return value


class Runner:
    """One Redis with one variant of the library."""

    def __init__(self, limits=Limits(), change=lambda text: text):
        self.limits, self.news = limits, []
        self.server = Server()
        self.redis, self.listener = Connection(self.server.path), Connection(self.server.path)
        self.redis.call(b"FUNCTION", b"LOAD", DUMP)
        self.load(limits, change)
        self.listener.call(b"PSUBSCRIBE", key(b"news") + b"*")

    def load(self, limits, change=lambda text: text):
        self.limits = limits
        self.redis.call(b"FUNCTION", b"LOAD", b"REPLACE", library(limits, change))

    def close(self):
        self.redis.close()
        self.listener.close()
        self.server.stop()

    def run(self, schedule, each=False):
        """Raises Difference. A schedule during which the machine stalled is run again."""
        for _ in range(20):
            try:
                return self.run_once(schedule, each)
            except Slow:
                continue
        raise SystemExit(f"twenty times a schedule took longer than {SLOWEST} ms: the machine is too busy for this test")

    def run_once(self, schedule, each):
        begun = time.time()
        model, waiting = QueueModel(self.limits, int(begun * 1000)), []
        commands = []
        self.redis.call(b"FLUSHDB")
        self.hear()
        self.news = []

        def flush():
            replies = self.redis.pipeline(commands)
            commands.clear()
            slack = (time.time() - begun) * 1000 + 2
            if slack > SLOWEST:
                raise Slow
            for index, name, expected, n in waiting:
                mine, replies = replies[:n], replies[n:]
                for found in mine:
                    self.compare_reply(index, name, expected, found, slack)
            waiting.clear()
            return slack

        for index, step in enumerate(schedule):
            if step[0] in ("revive", "forget", "told"):
                flush()
                if step[0] == "told":
                    ids = in_order(id for name in self.redis.call(b"KEYS", UNTOLD + b"*") for id in self.redis.call(b"ZRANGE", name, b"0", b"-1"))
                else:
                    ids = [record[0] for record in self.redis.call(b"XRANGE", key(b"dead"), b"-", b"+")]
                words = getattr(model, "send_" + step[0])(*step[1:], ids=ids)
            else:
                words = model.commands(step)
            try:
                expected = model.apply(step)
            except AssertionError as wrong:
                raise Difference(index, f"the model's own invariant: {wrong}", None, None) from wrong
            commands += words
            waiting.append((index, step[1] if step[0] == "call" else step[0], expected, len(words)))
            if each:
                self.compare_content(index, model, flush())
        slack = flush()
        self.compare_content(len(schedule) - 1, model, slack)

    def compare_reply(self, index, name, expected, found, slack):
        found = ordered(name, found)
        if isinstance(expected, Refused):
            if not isinstance(found, RedisError) or not (found.text + " ").startswith(expected.words + " "):
                raise Difference(index, "reply", expected.words, found)
        elif not same(expected, found, slack):
            raise Difference(index, "reply", expected, found)

    def compare_content(self, index, model, slack):
        try:
            model.check()
        except AssertionError as wrong:
            raise Difference(index, f"the model's own invariant: {wrong}", None, None) from wrong
        self.news += self.hear()
        if self.news != model.news:
            raise Difference(index, "news", model.news, self.news)
        expected, found = model.content(), {}
        dump = self.redis.call(b"FCALL", b"tempestmodel_dump", b"0")
        records = next((value for name, _, value, _ in dump if name == key(b"dead")), [])
        untold = in_order(id for name, _, value, _ in dump if name.startswith(UNTOLD) for id in value[::2])
        places = {id: b"%d" % place for place, id in enumerate(untold)}
        for name, kind, value, expires in dump:
            value = shaped(kind, value)
            value = by_place(value, places, records) if name.startswith(UNTOLD) else value
            found[name] = (kind, comparable(value, expected.get(name, (0, 0))[1]), expires)
        for name in sorted(expected.keys() | found.keys()):
            if name not in found or name not in expected or not same(expected[name], found[name], slack):
                raise Difference(index, name.decode(), expected.get(name), found.get(name))

    def hear(self):
        """The news published until now, each with what its channel is called beyond `{Q}:!news`."""
        self.listener.send([[b"PING"]])
        news = []
        while True:
            message = self.listener.receive()
            if message[0] == b"pong":
                return news
            news.append((message[2][len(key(b"news")):], message[3]))
