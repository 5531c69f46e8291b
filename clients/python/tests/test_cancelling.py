"""Delayed jobs and cancelled ones: what is not to run yet, and what is not to run any more."""
import json
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from redis_server import RedisServer, text, wait_for
from tempest import Client, RemoteError
from worker_process import WorkerProcess


class DelayedAndCancelled(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=10)
        self.addCleanup(self.client.close)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", *arguments)
        self.addCleanup(worker.kill)
        return worker

    def noted(self, n):
        wait_for(lambda: self.redis.llen("noted") == n, f"not {n} noted")
        return text(self.redis.lrange("noted", 0, -1))

    def count(self, name):
        return int(self.redis.hget("{q}:!counts", name) or 0)

    def test_a_delayed_job_comes_when_it_is_due_and_not_before(self):
        self.start()
        late = self.client.push("note", "tomorrow", at=datetime.now(timezone.utc) + timedelta(days=1))
        pushed = self.redis.time()
        self.client.push("note", "soon", after=0.3, level="low")
        self.client.push("note", "past", at=1000)
        self.assertEqual(self.noted(2), ["past", "soon"])
        now = self.redis.time()
        seconds = now[0] - pushed[0] + (now[1] - pushed[1]) / 1e6
        self.assertTrue(0.3 <= seconds < 1.0, seconds)
        ((member, due),) = self.redis.zrange("{q}:!delayed", 0, -1, withscores=True)
        self.assertIn(late.encode(), member)
        self.assertAlmostEqual(due / 1000, now[0] + 86400, delta=5)

    def test_many_delayed_jobs_keep_their_order(self):
        self.start()
        self.client.push_many([("note", [str(n)]) for n in range(1500)], after=0.2)
        self.assertEqual(self.noted(1500), [str(n) for n in range(1500)])

    def test_a_job_that_waits_is_skipped(self):
        ids = self.client.push_many([("note", [str(n)]) for n in range(5)])
        call = ThreadPoolExecutor(1).submit(self.client.call, "note", "called", level="low")
        wait_for(lambda: self.redis.llen("{q}:low") == 1, "not called")
        called = json.loads(self.redis.lindex("{q}:low", 0))[3]
        for job in (ids[1], ids[3], called):
            self.assertEqual(self.client.cancel(job), 0, "nobody listens yet")
        self.start()
        with self.assertRaises(RemoteError) as caught:
            call.result(10)
        self.assertEqual(caught.exception.code, "cancelled")
        self.assertEqual(self.noted(3), ["0", "2", "4"])
        wait_for(lambda: self.count("cancelled") == 3, "not counted")
        self.assertFalse(self.redis.exists("{q}:!cancelled"))

    def test_a_job_with_a_number_for_its_id_is_skipped_too(self):
        self.redis.rpush("q", json.dumps(["note", ["a"], None, 42]), json.dumps(["note", ["b"], None, 43]), b"no job")
        self.client.cancel(42)
        self.start()
        self.assertEqual(self.noted(1), ["b"])

    def test_a_running_job_that_asks_ends(self):
        self.start("--concurrency", "3")
        for action in ("patient", "ticker", "sleepy"):
            with self.subTest(action):
                args = [] if action == "ticker" else [action]
                stream = self.client.stream(action, *args, run_timeout=60)
                if action == "ticker":
                    next(stream)
                else:
                    wait_for(lambda: action in text(self.redis.lrange("held", 0, -1)), "not begun")
                wait_for(lambda: self.redis.pubsub_numsub("{q}:!news")[0][1] == 1, "nobody listens")
                self.assertEqual(self.client.cancel(stream.job_id), 1)
                with self.assertRaises(RemoteError) as caught:
                    list(stream)
                self.assertEqual(caught.exception.code, "cancelled")
        self.assertEqual(self.count("cancelled"), 3)

    def test_a_cancellation_that_nobody_heard_reaches_a_running_job(self):
        self.start()
        job = self.client.push("patient", "a")
        wait_for(lambda: self.redis.llen("held") == 1, "not begun")
        # As if it had been said while the connection for news was broken.
        self.redis.zadd("{q}:!cancelled", {job: 10**15})
        self.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_for(lambda: self.count("cancelled") == 1, "the job runs on")

    def test_four_elements_stay_four(self):
        with Client(self.server.url, queue="q", timeout=1.0, four_elements=True) as client:
            self.assertRaises(TimeoutError, client.call, "a")
            self.assertEqual(len(json.loads(self.redis.lpop("q"))), 4)
            for options in ({"attempts": 2}, {"expires": 5}, {"meta": {"session": "s"}}, {"timeout": 5}):
                self.assertRaises(ValueError, client.push, "a", **options)
            client.push("a", after=60)
        self.assertRaises(TimeoutError, self.client.call, "a", timeout=1.0)
        meta = json.loads(self.redis.lpop("q"))[4]
        self.assertEqual(list(meta), ["deadline"])
        self.assertAlmostEqual(meta["deadline"] / 1000, self.redis.time()[0], delta=3)
