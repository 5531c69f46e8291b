"""Jobs that fail, take too long or come too late, in a worker of another process against a Redis of its own."""
import json
import unittest

from redis_server import RedisServer, text, wait_for
from tempest import Client, RemoteError
from worker_process import WorkerProcess


class FailingJobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.redis = cls.server.client
        cls.worker = WorkerProcess(cls.server.url, "q", "--concurrency", "2", "--unknown-patience", "0")
        cls.client = Client(cls.server.url, queue="q", timeout=10)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.worker.kill()
        cls.server.stop()

    def setUp(self):
        self.redis.delete("tried", "held", "woken", "{q}:!dead")

    def count(self, name):
        return int(self.redis.hget("{q}:!counts", name) or 0)

    def tried(self, n):
        wait_for(lambda: self.redis.llen("tried") >= n, f"not tried {n} times")
        return [json.loads(entry) for entry in self.redis.lrange("tried", 0, -1)]

    def dead(self):
        (entry,) = wait_for(lambda: self.redis.xrange("{q}:!dead"), "nothing is dead")
        return {name: value if name == "job" else value.decode() for name, value in
                ((name.decode(), value) for name, value in entry[1].items())}

    def failure(self, action, *args, **options):
        with self.assertRaises(RemoteError) as caught:
            self.client.call(action, *args, **options)
        return caught.exception

    def test_a_job_is_tried_until_it_works(self):
        for codec in ("json", "msgpack", "tnetstring"):
            with self.subTest(codec):
                self.setUp()
                settled = self.count("settled")
                self.client.push("flaky", ["w"], 3, codec=codec)
                tried = self.tried(3)
                self.assertEqual([attempt for attempt, *_ in tried], [1, 2, 3])
                self.assertEqual([error for _, _, error, _ in tried], [None, "ValueError: not yet", "ValueError: not yet"])
                self.assertEqual([words for *_, words in tried], [["w"]] * 3, "arguments are those that were pushed")
                wait_for(lambda: self.count("settled") == settled + 3, "not settled")

    def test_a_caller_gets_one_answer_after_the_last_attempt(self):
        self.assertEqual(self.client.call("flaky", ["w"], 3), 3)
        self.assertEqual(len(self.tried(3)), 3)
        failed = self.failure("flaky", ["w"], 9, attempts=2)
        self.assertEqual((failed.code, failed.message), ("handler", "the handler failed"))
        self.assertEqual(len(self.tried(5)), 5)
        self.assertEqual(self.client.late, 0)

    def test_without_a_policy_a_call_is_tried_once(self):
        self.assertEqual(self.failure("stubborn").code, "no_way")
        retried = self.count("retried")
        self.client.push("stubborn", backoff=(3600, 3600))
        wait_for(lambda: self.count("retried") == retried + 1, "not put off")
        ((member, due),) = self.redis.zrange("{q}:!delayed", 0, -1, withscores=True)
        job = json.loads(member.split(b":", 2)[2])
        self.redis.delete("{q}:!delayed")
        self.assertEqual((job[4]["attempt"], len(job[4]["last_error"])), (2, 500))
        seconds, micros = self.redis.time()
        self.assertTrue(1795 <= due / 1000 - seconds <= 3605, due)

    def test_the_last_failure_of_a_job_that_nobody_waits_for_is_recorded(self):
        self.client.push("flaky", ["w"], 9, attempts=2, backoff=(0, 0))
        dead = self.dead()
        self.assertEqual((dead["reason"], dead["detail"], dead["level"]), ("exhausted", "ValueError: not yet", "default"))
        self.assertEqual(json.loads(dead["job"])[4]["attempt"], 2)
        self.assertEqual(len(self.tried(2)), 2)

    def test_only_the_errors_that_are_named_are_tried_again(self):
        self.client.push("picky", "other")
        self.assertEqual(self.dead()["detail"], "RuntimeError: other")
        self.assertEqual(self.redis.llen("tried"), 1)
        self.redis.delete("{q}:!dead", "tried")
        self.client.push("picky", "key")
        self.assertEqual(self.dead()["detail"], "KeyError: 'key'")
        self.assertEqual(self.redis.llen("tried"), 5)

    def test_a_handler_names_the_delay(self):
        self.client.push("later", 0.02)
        self.assertEqual((self.dead()["detail"], self.tried(3)), ("handler: the moon is wrong", [1, 2, 3]))
        self.assertEqual(self.failure("later", 60, timeout=5).code, "handler", "the deadline lies before the next attempt")

    def test_wrong_arguments_are_not_tried_again(self):
        self.client.push("echo_nobody")
        self.assertEqual(self.dead()["reason"], "unknown_action")
        self.redis.delete("{q}:!dead")
        self.client.push("flaky")
        self.assertEqual(self.dead()["reason"], "bad_args")
        self.assertEqual(self.failure("flaky").code, "bad_args")

    def test_an_asynchronous_handler_ends_at_its_time(self):
        self.assertEqual(self.client.call("twice_async", 21), 42)
        failed = self.failure("sleepy", "a")
        self.assertEqual((failed.code, failed.message), ("timeout", "the job took longer than 0.2 s"))
        wait_for(lambda: self.redis.llen("woken") == 1, "it was not cancelled")
        self.client.push("sleepy", "b", timeout=0.01, attempts=1)
        self.assertEqual(self.dead()["detail"], "timeout: the job took longer than 0.01 s")

    def test_a_generator_and_a_handler_that_asks_end_at_their_time(self):
        self.assertEqual(self.failure("ticker", run_timeout=0.05).code, "timeout")
        self.assertEqual(self.failure("patient", "a", run_timeout=0.05).code, "timeout")

    def test_a_handler_that_never_asks_is_heard_out(self):
        self.assertEqual(self.client.call("deaf", 0.05, run_timeout=0.01), "done")

    def test_a_job_that_came_too_late_is_not_begun(self):
        expired = self.count("expired")
        now = int(self.redis.time()[0]) * 1000
        self.redis.rpush("q", json.dumps(["hold", ["late"], "in1", "a", {"expires_at": now - 1000}]))
        self.assertEqual(json.loads(self.redis.blpop("{q}:in:in1", 10)[1])[3]["error"]["code"], "expired")
        self.redis.rpush("q", json.dumps(["hold", ["late"], "in2", "b", {"deadline": now - 1000}]))
        self.redis.rpush("q", json.dumps(["hold", ["late"], None, "c", {"expires_at": now - 1000, "deadline": now + 10**6}]))
        wait_for(lambda: self.count("expired") == expired + 3, "not settled")
        self.assertFalse(self.redis.exists("{q}:in:in2"), "nobody waits for that answer any more")
        self.assertFalse(self.redis.exists("held"))
        self.assertEqual(self.client.call("echo", 1, expires=60), [1])

    def test_nothing_is_left_over(self):
        wait_for(lambda: not [field for key in self.redis.keys("{q}:!run:*") for field in text(self.redis.hkeys(key))
                              if field not in ("#", "@")], "claims are left")
