"""Runs the vectors of decisions.json and retries.json: a worker in this process, whose every settle is written down in Redis."""
import json
import logging
import re
import threading
import time

import checkout
from redis_server import RedisServer, wait_for
from tagged import from_tagged, to_bytes
from tempest import Elements, HandlerError, Retry, Worker, codecs

# What this library does beyond what every worker must.
FEATURES = {"retries", "once", "accept", "deadlines", "timeouts", "cancellation", "unknown actions", "routes"}
SETTLE = "register('settle', settle, 'allow-oom')"
# Writes down what it is called with. What would come back to a level is over instead: no job runs into the next vector.
WRITTEN_DOWN = """register('settle', function(keys, argv)
  redis.call('RPUSH', 'settled', unpack(argv, 2))
  for i = 3, #argv, 4 do
    if string.match(argv[i], '^%l+ ') and not string.match(argv[i], '^dead ') and not string.match(argv[i], '^cancelled ') then
      argv[i], argv[i + 1], argv[i + 2] = 'done', '', ''
    end
  end
  return settle(keys, argv)
end, 'allow-oom')"""


class Decisions:
    """A private Redis, and one worker at a time: each setting of the vectors has its own."""

    def __init__(self):
        self.server = RedisServer()
        self.redis = self.server.client
        source = (checkout.ROOT / "protocol" / "tempest.lua").read_text("utf-8")
        if source.count(SETTLE) != 1:
            raise AssertionError(f"tempest.lua does not register settle by {SETTLE}")
        self.redis.execute_command("FUNCTION", "LOAD", "REPLACE", source.replace(SETTLE, WRITTEN_DOWN))
        self.settings, self.worker, self.thread = None, None, None
        self.behavior, self.begun = None, 0
        logging.getLogger("tempest").setLevel(logging.CRITICAL)

    def close(self):
        self._stop()
        self.server.stop()
        logging.getLogger("tempest").setLevel(logging.INFO)

    def run(self, test, entry):
        test.assertLessEqual(set(entry.get("needs", ())), FEATURES)
        self._work(entry.get("worker", {}))
        self.behavior, self.begun = entry.get("handler"), 0
        job = self._job(entry["job"])
        if entry.get("before") == "cancelled":
            self._cancel(job)
        self.redis.rpush("q", job)
        if entry.get("during") == "cancelled":
            wait_for(lambda: self.begun, "its handler was not called", 60)
            self._cancel(job)
        if self.redis.blpop("settled", 60) is None:
            # The next one begins anew.
            self._stop()
            self.redis.flushall()
            test.fail("not settled")
        outcome, inbox, answer = self.redis.lpop("settled", 3)
        test.assertEqual(self.redis.llen("settled"), 0, "settled once")
        # A list for each inbox and each level; the worker's own have an exclamation mark.
        lists = {key.decode(): self.redis.lrange(key, 0, -1) for key in self.redis.keys("*") if b"!" not in key and b"tempest:" not in key}
        self.redis.delete("{q}:!cancelled", "{q}:!dead", *lists)
        then = entry["then"]
        self._check_outcome(test, then, outcome.decode())
        test.assertEqual(inbox.decode(), then.get("inbox", ""), "inbox")
        test.assertEqual(answer, expected(then.get("answer"), answer), "answer")
        pushed = dict(then.get("pushes", {}))
        if then.get("inbox"):
            pushed[f"{{q}}:in:{then['inbox']}"] = [then["answer"]]
        test.assertEqual(lists, {key: [expected(each, (lists.get(key, [])[n:] or [b""])[0]) for n, each in enumerate(all_of)]
                                 for key, all_of in pushed.items()})
        test.assertEqual(self.begun, 1 if "handler" in entry else 0, "calls of the handler")

    def _check_outcome(self, test, then, outcome):
        wanted = re.escape(then["outcome"]).replace(r"\#", "([0-9]+)").replace(r"\*", r"[^\x00-\x1f\x7f]{1,500}")
        found = re.fullmatch(wanted, outcome)
        test.assertTrue(found, f"{outcome!r} is not {then['outcome']!r}")
        if "ms" in then:
            test.assertTrue(then["ms"][0] <= int(found[1]) <= then["ms"][1], f"{outcome!r}: {then['ms']}")

    def _job(self, spec):
        """The bytes, with `<now+5000>` as the time that is five seconds away by Redis' clock."""
        seconds, micros = self.redis.time()
        now = seconds * 1000 + micros // 1000
        return re.sub(rb"<now\+([0-9]+)>", lambda found: b"%d" % (now + int(found[1])), to_bytes(spec))

    def _cancel(self, job):
        self.redis.execute_command("FCALL", "tempest1_cancel", 1, "q", str(codecs.detect(job).decode(job)[3]), 60_000)

    def _act(self, context, *args):
        self.begun += 1
        if "returns" in self.behavior:
            return from_tagged(self.behavior["returns"])
        if "error" in self.behavior:
            error = self.behavior["error"]
            raise HandlerError(error["code"], error["message"], from_tagged(error.get("details")))
        if "raises" in self.behavior:
            raise RuntimeError(self.behavior["raises"])
        if "retry" in self.behavior:
            after = self.behavior["retry"]
            raise Retry(None if after is None else after / 1000, self.behavior["message"])
        while True:
            context.check()
            time.sleep(0.001)

    def _work(self, settings):
        """Starts a worker with these settings, unless it runs already."""
        if settings == self.settings:
            return
        self._stop()
        self.settings = settings
        worker = self.worker = Worker("q", redis_url=self.server.url, unknown_patience=settings.get("patience", 0) / 1000)
        rules = {}
        if "attempts" in settings:
            rules["attempts"] = settings["attempts"]
        if "backoff" in settings:
            rules["backoff"] = tuple(ms / 1000 for ms in settings["backoff"])
        if "timeout" in settings:
            rules["timeout"] = settings["timeout"] / 1000
        worker.handler("act", context=True, **rules)(self._act)
        worker.handler("one", **rules)(lambda value: value)
        worker.handler("nothing", **rules)(lambda: Elements())
        self.thread = threading.Thread(target=worker.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.redis.hlen("{q}:!procs"), "the worker is not ready", 60)

    def _stop(self):
        if self.worker is not None:
            self.worker.stop()
            self.thread.join(20)
            self.settings = self.worker = None


def expected(spec, found):
    """The bytes that are expected: as they are, or those of a value in which {"any": true} stands for what was found there."""
    if spec is None:
        return b""
    if "codec" not in spec:
        return to_bytes(spec)
    codec = codecs.CODECS[spec["codec"]]
    return codec.encode(_filled(spec["value"], codec.decode(found) if codecs.detect(found) is codec else None))


def _filled(tagged, found):
    if tagged == {"any": True}:
        return found
    if isinstance(tagged, dict) and "array" in tagged:
        items = found if isinstance(found, list) else []
        return [_filled(each, items[n] if n < len(items) else None) for n, each in enumerate(tagged["array"])]
    if isinstance(tagged, dict) and "map" in tagged:
        return {key: _filled(each, found.get(key) if isinstance(found, dict) else None) for key, each in tagged["map"]}
    return from_tagged(tagged)
