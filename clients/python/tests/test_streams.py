"""Streams with credits: a worker is never further ahead than its caller allows, and stops when nobody wants its answers."""
import json
import threading
import unittest
from unittest import mock

from redis_server import RedisServer, wait_for
from served import Served
from tempest import Client, ClientClosed, JobCancelled, RemoteError


class Streams(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=20)
        self.addCleanup(self.client.close)
        self.sent = 0
        self.cancelled = threading.Event()

    def serve(self):
        def count(context, to):
            try:
                for number in range(to):
                    context.send(number)
                    self.sent = number + 1
            except JobCancelled:
                self.cancelled.set()
                raise
        self.addCleanup(Served(self.server, {"count": count}).stop)

    def flow(self):
        keys = self.redis.keys("{q}:!flow:*")
        return int(self.redis.get(keys[0])) if keys else None

    def asked(self):
        return self.redis.info("commandstats").get("cmdstat_fcall", {}).get("calls", 0)

    def stands_still(self):
        """The worker asks how many answers were used, again and again, and sends no more."""
        wait_for(lambda: self.sent >= 1000, "the worker does not send")
        before, sent = self.asked(), self.sent
        wait_for(lambda: self.asked() >= before + 20, "the worker does not ask")
        self.assertEqual(self.sent, sent)

    def bounded(self, stream, taken):
        [inbox] = self.client._inboxes.values()
        self.assertLessEqual(stream._reply.held + self.redis.llen("{q}:in:" + inbox.id), 1000)
        self.assertEqual(self.sent, 1000 + taken)

    def test_a_consumer_that_stops_holds_no_more_than_its_credits(self):
        self.serve()
        stream = self.client.stream("count", 100_000)
        self.stands_still()
        self.bounded(stream, 0)
        self.assertEqual([next(stream) for _ in range(600)], list(range(600)))
        # Said after half a window, and by a slow caller each five seconds too.
        used = self.flow()
        self.assertIn(used, range(500, 601))
        wait_for(lambda: self.sent == used + 1000, "the worker does not go on")
        stream.close()
        self.assertTrue(self.cancelled.wait(10), "the handler goes on")
        wait_for(lambda: self.flow() is None, "what was used is not forgotten")
        self.assertEqual(list(stream), [])

    def test_a_fast_consumer_gets_all_in_order(self):
        self.serve()
        self.assertEqual(list(self.client.stream("count", 20_000)), [*range(20_000), None])
        self.assertEqual((self.client.late, self.flow()), (0, None))

    def test_few_credits(self):
        self.serve()
        self.assertEqual(list(self.client.stream("count", 30, credits=1)), [*range(30), None])
        for wrong in (0, -1, True, "3", 1.5):
            self.assertRaises(ValueError, self.client.stream, "count", 1, credits=wrong)

    def test_a_stream_that_is_dropped_cancels_its_job(self):
        self.serve()
        for number in self.client.stream("count", 100_000):
            if number == 10:
                break
        self.assertTrue(self.cancelled.wait(20), "the handler goes on")
        [inbox] = self.client._inboxes.values()
        wait_for(lambda: not inbox._replies, "its answers are still waited for")

    def test_a_client_that_is_closed_cancels_the_jobs_of_its_streams(self):
        self.serve()
        stream = self.client.stream("count", 100_000)
        self.assertEqual(next(stream), 0)
        self.client.close()
        self.assertTrue(self.cancelled.wait(20), "the handler goes on")
        self.assertRaises(ClientClosed, lambda: list(stream))

    def test_a_client_that_is_closed_cancels_the_jobs_of_streams_that_were_dropped(self):
        self.serve()
        stream = self.client.stream("count", 100_000)
        self.assertEqual(next(stream), 0)
        del stream
        self.client.close()
        self.assertTrue(self.cancelled.wait(20), "the handler goes on")

    def test_a_cancel_that_redis_did_not_hear_is_said_by_the_next_connection(self):
        stream = self.client.stream("raw", timeout=60)
        self.server.kill()
        stream.close()
        self.server.start()
        wait_for(lambda: self.redis.exists("{q}:!cancelled"), "it is not cancelled", 30)

    def test_more_credits_than_there_may_be_are_as_many_as_there_may_be(self):
        stream = self.client.stream("raw", credits=5_000_000)
        self.assertEqual(json.loads(self.redis.blpop("q", 10)[1])[4]["credits"], 1_000_000)
        self.assertEqual(stream._reply.window, 1_000_000)
        stream = self.client.stream("raw", meta={"credits": 5_000_000})
        self.assertEqual(json.loads(self.redis.blpop("q", 10)[1])[4]["credits"], 5_000_000, "meta is the user's own")
        self.assertEqual(stream._reply.window, 0, "out of bounds it counts as absent")

    def test_what_redis_has_forgotten_is_said_again_on_the_next_connection(self):
        self.serve()
        stream = self.client.stream("count", 100_000)
        for _ in range(700):
            next(stream)
        self.assertIn(self.flow(), range(500, 701))
        self.redis.delete(*self.redis.keys("{q}:!flow:*"))
        self.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_for(lambda: self.flow() == 700, "it is not said again")
        stream.close()

    def test_a_slow_consumer_says_what_it_has_used_before_it_is_given_up(self):
        self.serve()
        with mock.patch("tempest.client.SAY_SECONDS", 0.0):
            stream = self.client.stream("count", 100_000)
            self.stands_still()
            next(stream)
            self.assertEqual(self.flow(), 1)
            wait_for(lambda: self.sent == 1001, "the worker does not go on")
            stream.close()

    def test_a_worker_that_knows_no_credits_sends_on(self):
        stream = self.client.stream("raw")
        _, data = self.redis.blpop("q", 10)
        action, _, inbox, job_id, meta = json.loads(data)
        self.assertEqual(meta["credits"], 1000)
        answers = [json.dumps([action, job_id, [n], {"more": True, "seq": n, "token": "t"}]) for n in range(5000)]
        self.redis.rpush("{q}:in:" + inbox, *answers, json.dumps([action, job_id, [], {"seq": 5000, "token": "t"}]))
        self.assertEqual(list(stream), list(range(5000)))

    def test_without_credits_the_job_has_none(self):
        self.client.stream("raw", credits=None)
        _, data = self.redis.blpop("q", 10)
        self.assertNotIn("credits", json.loads(data)[4])
        four = Client(self.server.url, queue="q", four_elements=True)
        self.addCleanup(four.close)
        four.stream("raw")
        _, data = self.redis.blpop("q", 10)
        self.assertEqual(len(json.loads(data)), 4)

    def test_what_waits_is_given_before_the_error_of_a_worker_that_gave_up(self):
        stream = self.client.stream("raw")
        _, data = self.redis.blpop("q", 10)
        action, _, inbox, job_id, _ = json.loads(data)
        error = {"code": "stalled", "message": "the caller holds 1 answers"}
        self.redis.rpush("{q}:in:" + inbox, json.dumps([action, job_id, [0], {"more": True, "token": "t"}]),
                         json.dumps([action, job_id, [], {"seq": 1, "token": "t", "error": error}]))
        self.assertEqual(next(stream), 0)
        with self.assertRaises(RemoteError) as caught:
            next(stream)
        self.assertEqual(caught.exception.code, "stalled")


if __name__ == "__main__":
    unittest.main()
