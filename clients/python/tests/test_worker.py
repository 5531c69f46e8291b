"""A worker in another process against a Redis of its own: what it answers, refuses, and in which order it works."""
import json
import os
import unittest

from redis_server import RedisServer, text, wait_for
import tempest
from tempest import Client, RemoteError
from worker_process import WorkerProcess


class WorkerAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.redis = cls.server.client
        cls.worker = WorkerProcess(cls.server.url, "q", "q2", "--unknown-patience", "0")
        cls.client = Client(cls.server.url, queue="q", timeout=10)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.worker.kill()
        cls.server.stop()

    def failure(self, action, *args, **options):
        with self.assertRaises(RemoteError) as caught:
            self.client.call(action, *args, **options)
        return caught.exception

    def dead(self):
        """The newest dead job of q as (job, level, reason, detail)."""
        ((_, fields),) = self.redis.xrevrange("{q}:!dead", count=1)
        return tuple(fields[name] for name in (b"job", b"level", b"reason", b"detail"))

    def test_answers_in_the_codec_of_the_job(self):
        for codec in ("json", "msgpack", "tnetstring"):
            self.assertEqual(self.client.call("echo", 1, 1.5, None, True, "é", b"\xff", codec=codec),
                             [1, 1.5, None, True, "é", b"\xff"], codec)

    def test_answers_on_every_queue_and_level(self):
        for queue in ("q", "q2"):
            for level in ("high", "default", "low"):
                self.assertEqual(self.client.call("echo", level, queue=queue, level=level), [level])

    def test_integer_ids_stay_integers_and_a_fifth_element_does_no_harm(self):
        self.redis.rpush("q", json.dumps(["echo", [7], "raw1", 42, {"attempt": "x", "unknown": {}}]))
        _, answer = self.redis.blpop("{q}:in:raw1", 10)
        self.assertEqual(answer, b'["echo",42,[[7]]]')

    def test_an_inbox_that_nobody_registered_expires(self):
        self.redis.rpush("q", json.dumps(["echo", [7], "raw2", "id"]))
        wait_for(lambda: self.redis.exists("{q}:in:raw2"), "no answer")
        self.assertTrue(0 < self.redis.ttl("{q}:in:raw2") <= 300)

    def test_answers_an_inbox_of_another_queue(self):
        self.redis.rpush("q", json.dumps(["echo", [7], "raw3@mail", "id"]))
        _, answer = self.redis.blpop("{mail}:in:raw3", 10)
        self.assertEqual(json.loads(answer), ["echo", "id", [[7]]])

    def test_errors_for_the_caller(self):
        refused = self.failure("refuse")
        self.assertEqual((refused.code, refused.message, refused.details), ("not_found", "nothing here", {"asked": 1}))
        self.assertEqual(self.failure("note").code, "bad_args")
        self.assertEqual(self.failure("note", 1, 2).code, "bad_args")
        self.assertEqual(self.failure("set").code, "bad_answer")

    def test_an_unexpected_error_keeps_its_text_to_itself(self):
        failed = self.failure("fail")
        self.assertEqual((failed.code, failed.message, failed.details), ("handler", "the handler failed", None))
        wait_for(lambda: any("secret at" in line for line in self.worker.log), "the log has no traceback")

    def test_an_unknown_action_is_dead_and_answered(self):
        self.assertEqual(self.failure("nope").code, "unknown_action")
        wait_for(lambda: self.dead()[2] == b"unknown_action", "not recorded as dead")

    def test_bytes_that_are_no_job_are_dead_with_their_reason(self):
        for job, reason in [(b"hello", b"bad_codec"), (b'["echo"', b"bad_codec"), (b'{"class":"A"}', b"foreign"),
                            (b'["echo",[]]', b"bad_envelope"), (b'["echo",[],"a b","id"]', b"bad_address"),
                            (b'["echo",[],"10.0.0.5:80","id"]', b"bad_address"), (b"\xc1", b"bad_codec"),
                            (b"[" * 100_000, b"bad_codec"), (b'["a\\nb",[],null,"id"]', b"bad_envelope")]:
            with self.subTest(job[:40]):
                self.redis.rpush("{q}:low", job)
                wait_for(lambda: self.redis.exists("{q}:!dead") and self.dead()[:3] == (job, b"low", reason), f"not {reason}")
                self.assertTrue(self.dead()[3], "a sentence says what was wrong")
        self.assertEqual(self.client.call("echo", "alive"), ["alive"])

    def test_several_answers_come_in_order(self):
        self.assertEqual(list(self.client.stream("count", 50)), [*range(50), "end"])
        self.assertEqual(self.client.call("count", 3), "end")
        word, about = self.client.stream("twice", "w", codec="msgpack", level="low", meta={"session": "s"})
        self.assertGreater(about[-1].pop("deadline"), 0)
        self.assertEqual((word, about), ("w", ["twice", "q", "low", "msgpack", {"session": "s", "credits": 1000}]))

    def test_an_error_after_some_answers_ends_the_stream(self):
        stream = self.client.stream("broken_count", 2)
        self.assertEqual([next(stream), next(stream)], [0, 1])
        with self.assertRaises(RemoteError) as caught:
            next(stream)
        self.assertEqual(caught.exception.code, "stopped")
        self.assertEqual(list(stream), [])

    def test_the_answers_of_one_job_share_a_token(self):
        self.redis.rpush("q", json.dumps(["count", [1], "raw4", "id"]))
        answers = [json.loads(self.redis.blpop("{q}:in:raw4", 10)[1]) for _ in range(2)]
        process = text(self.redis.hkeys("{q}:!procs"))[0]
        token = answers[0][3]["token"]
        self.assertTrue(token.startswith(f"{process}/default."), token)
        self.assertEqual(answers, [["count", "id", [0], {"more": True, "seq": 0, "token": token}],
                                   ["count", "id", ["end"], {"seq": 1, "token": token}]])


class WorkerOrder(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.worker = WorkerProcess(self.server.url, "q")
        self.addCleanup(self.worker.kill)
        self.client = Client(self.server.url, queue="q", timeout=10)
        self.addCleanup(self.client.close)

    def held(self, word):
        wait_for(lambda: word in text(self.redis.lrange("held", 0, -1)), f"{word} was not begun")

    def test_levels_are_strict(self):
        self.client.push("hold", "first", level="low")
        self.held("first")
        for level in ("low", "default", "high"):
            self.client.push_many([("note", [f"{level}{n}"]) for n in range(20)], level=level)
        # One of each landed with the connections that were parked; what lands on a busy worker goes back to the head.
        wait_for(lambda: all(self.redis.llen(key) == 20 for key in ("{q}:high", "q", "{q}:low")), "not given back")
        self.redis.rpush("release:first", "")
        wait_for(lambda: self.redis.llen("noted") == 60, "not all was run")
        self.assertEqual(text(self.redis.lrange("noted", 0, -1)),
                         [f"{level}{n}" for level in ("high", "default", "low") for n in range(20)])

    def test_what_lands_while_it_is_busy_goes_back_to_others(self):
        self.client.push("hold", "first")
        self.held("first")
        # The connections parked on the other levels are still waiting: this lands with them.
        self.client.push("note", "later", level="high")
        wait_for(lambda: self.redis.llen("{q}:high") == 1, "the job did not go back")
        other = WorkerProcess(self.server.url, "q")
        self.addCleanup(other.kill)
        wait_for(lambda: self.redis.lrange("noted", 0, -1) == [b"later"], "the other worker did not run it")
        self.redis.rpush("release:first", "")

    def test_a_paused_level_is_left_alone(self):
        self.redis.execute_command("FCALL", "tempest1_pause", 1, "q", "low")
        self.client.push("note", "paused", level="low")
        # Two ticks, which say each time that nothing waits for this worker.
        first = self.beats()
        wait_for(lambda: self.beats() >= first + 2, "the worker does not tick")
        self.assertEqual(self.client.call("echo", 1), [1])
        self.assertEqual(self.redis.lrange("noted", 0, -1), [])
        self.assertEqual(self.redis.llen("{q}:low"), 1)
        self.redis.execute_command("FCALL", "tempest1_resume", 1, "q", "low")
        wait_for(lambda: self.redis.lrange("noted", 0, -1) == [b"paused"], "not run after resume")

    def beats(self):
        (beats,) = self.redis.hvals("{q}:!procs")
        return int(beats)

    def test_a_full_redis_drains(self):
        self.redis.config_set("maxmemory", "1")
        self.addCleanup(self.redis.config_set, "maxmemory", "0")
        wait_for(lambda: "errorstat_OOM" in self.redis.info("errorstats"), "BLMOVE was not refused", 20)
        self.redis.config_set("maxmemory", "0")
        self.client.push("note", "before")
        wait_for(lambda: self.redis.lrange("noted", 0, -1) == [b"before"], "the worker does not go on")

    def test_an_idle_worker_claims_nothing(self):
        (process,) = text(self.redis.hkeys("{q}:!procs"))
        wait_for(lambda: self.redis.info("clients")["blocked_clients"] == 3, "it does not park")
        first = self.beats()
        wait_for(lambda: self.beats() >= first + 1, "the worker does not tick")
        claims = self.redis.hget("{q}:!run:" + process, "#")
        wait_for(lambda: self.beats() >= first + 3, "the worker does not tick")
        self.assertEqual(self.redis.hget("{q}:!run:" + process, "#"), claims)


class WorkerThatBeginsWhileRedisIsFull(unittest.TestCase):
    def test_it_drains_all_the_same(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        with open(os.path.join(os.path.dirname(tempest.__file__), "tempest.lua"), encoding="utf-8") as library:
            server.client.function_load(library.read())
        server.client.rpush("q", json.dumps(["echo", [7], "raw", "id"]))
        server.client.config_set("maxmemory", "1")
        worker = WorkerProcess(server.url, "q")
        self.addCleanup(worker.kill)
        wait_for(lambda: server.client.llen("{q}:in:raw") == 1, "the job is not answered")
        server.client.eval("#!lua flags=allow-oom\nreturn redis.call('RPUSH', 'q', ARGV[1])", 0, json.dumps(["echo", [8], "raw", "id2"]))
        wait_for(lambda: server.client.llen("{q}:in:raw") == 2, "what comes later is not answered")
        self.assertEqual(server.client.exists("tempest:nodes"), 0)
        server.client.config_set("maxmemory", "0")
        wait_for(lambda: server.client.hlen("tempest:nodes") == 1, "the worker is not on record")


class WeightedWorker(unittest.TestCase):
    def test_levels_share_by_weight(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        with Client(server.url, queue="q") as client:
            for level in ("low", "default", "high"):
                client.push_many([("note", [level])] * 100, level=level)
        self.addCleanup(WorkerProcess(server.url, "q", "--weights", '{"high": 6, "default": 3, "low": 1}').kill)
        wait_for(lambda: server.client.llen("noted") == 300, "not all was run")
        begun = text(server.client.lrange("noted", 0, 99))
        self.assertEqual([begun.count(level) for level in ("high", "default", "low")], [60, 30, 10])
