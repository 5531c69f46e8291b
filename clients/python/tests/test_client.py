"""A client against a Redis of its own, with answers that the test writes itself, so that each case is exact."""
import json
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from redis_server import RedisServer, text, wait_for
from tempest import CallTimeout, Client, ClientClosed, CodecError, NameRefused, RedisRefused, RedisUnavailable


class ClientCalls(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=10)
        self.addCleanup(self.client.close)

    def job(self):
        _, data = self.redis.blpop("q", 10)
        return json.loads(data)

    def answer(self, job, value, **meta):
        self.redis.rpush("{q}:in:" + job[2], json.dumps([job[0], job[3], [value], meta]))

    def call(self, *args, **options):
        return ThreadPoolExecutor(1).submit(self.client.call, *args, **options)

    def test_pushes_what_the_protocol_says(self):
        job_id = self.client.push("a", 1, "é", level="low")
        self.assertEqual(self.redis.lpop("{q}:low").decode(), f'["a",[1,"é"],null,"{job_id}"]')
        self.client.push("a", meta={"session": "s"}, codec="tnetstring", queue="other")
        self.assertIn(b"7:session,1:s,", self.redis.lpop("other"))
        ids = self.client.push_many(("a", [n]) for n in range(2500))
        self.assertEqual([json.loads(job)[3] for job in self.redis.lrange("q", 0, -1)], ids)
        self.assertEqual(len(set(ids)), 2500)

    def test_refuses_before_anything_is_pushed(self):
        self.assertRaises(CodecError, self.client.push, "a", float("nan"))
        self.assertRaises(CodecError, self.client.push_many, [("a", [1]), ("a", [object()])])
        self.assertRaises(NameRefused, self.client.push, "a", queue="a b")
        self.assertRaises(NameRefused, self.client.push, "a", level="1st")
        self.assertRaises(ValueError, self.client.push, "a", codec="xml")
        self.assertEqual(self.redis.keys("*"), [])

    def test_many_callers_share_one_inbox(self):
        calls = [self.call("a", n) for n in range(20)]
        jobs = [self.job() for _ in calls]
        self.assertEqual(len({job[2] for job in jobs}), 1)
        for job in reversed(jobs):
            self.answer(job, job[1][0] * 10)
        self.assertEqual([call.result(10) for call in calls], [n * 10 for n in range(20)])
        wait_for(lambda: not self.redis.exists("{q}:in:" + jobs[0][2]), "read answers are not removed")

    def test_late_and_repeated_answers_are_dropped_and_counted(self):
        with self.assertRaises(CallTimeout):
            self.client.call("a", timeout=1.0)
        late = self.job()
        call = self.call("b")
        job = self.job()
        self.answer(late, "late")
        self.redis.rpush("{q}:in:" + job[2], b"no answer at all")
        self.answer(job, "right")
        self.answer(job, "again")
        self.assertEqual(call.result(10), "right")
        wait_for(lambda: self.client.late == 2, "late answers are not counted")

    def test_an_inbox_that_was_swept_is_registered_again(self):
        call = self.call("a")
        job = self.job()
        self.redis.delete("{q}:!inboxes")
        self.redis.execute_command("FUNCTION", "FLUSH")
        self.answer(job, 5)
        self.assertEqual(call.result(10), 5)

    def test_broken_connections_lose_no_answer(self):
        for n in range(10):
            call = self.call("a")
            job = self.job()
            self.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self.answer(job, n)
            self.assertEqual(call.result(10), n)

    def test_a_full_redis_refuses_the_push_and_still_brings_answers(self):
        call = self.call("a")
        job = self.job()
        self.answer(job, 1)
        self.redis.config_set("maxmemory", "1")
        self.addCleanup(self.redis.config_set, "maxmemory", "0")
        self.assertEqual(call.result(10), 1)
        with self.assertRaises(RedisRefused) as caught:
            self.client.push("a")
        self.assertEqual(caught.exception.word, "OOM")

    def test_a_full_redis_is_no_redis_that_is_away(self):
        with self.assertLogs("tempest", "INFO") as log:
            call = self.call("a")
            job = self.job()
            self.redis.config_set("maxmemory", "1")
            self.addCleanup(self.redis.config_set, "maxmemory", "0")
            # What waits is not asked whether there is room; it is cut, and waits anew.
            self.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            wait_for(lambda: any("blocking read of an inbox" in line for line in log.output), "nothing is said")
            self.redis.config_set("maxmemory", "0")
            self.answer(job, 1)
            self.assertEqual(call.result(10), 1)
        refused = [line for line in log.output if "blocking read of an inbox" in line]
        self.assertEqual(len(refused), 1, log.output)
        self.assertRegex(refused[0], r"WARNING:.*Redis refuses the blocking read of an inbox; trying again queue=q error=\"OOM")
        self.assertFalse([line for line in log.output if "OOM" in line and "cannot use Redis" in line], log.output)

    def test_close_fails_what_waits_and_unlistens(self):
        call = self.call("a", timeout=None)
        inbox = self.job()[2]
        self.assertEqual(set(text(self.redis.hkeys("{q}:!inboxes"))), {inbox, inbox + "#"})
        self.client.close()
        self.assertRaises(ClientClosed, call.result, 10)
        self.assertFalse(self.redis.exists("{q}:!inboxes"))
        self.assertRaises(ClientClosed, self.client.push, "a")
        self.assertNotIn("tempest-inbox-q", [thread.name for thread in threading.enumerate()])

    def test_says_that_redis_is_away(self):
        away = Client("unix:///nowhere/redis.sock", timeout=0.3)
        self.addCleanup(away.close)
        self.assertRaises(RedisUnavailable, away.push, "a")
        self.assertRaises(RedisUnavailable, away.call, "a")
