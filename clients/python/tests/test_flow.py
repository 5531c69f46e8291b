"""Credits: a worker sends no more than its caller can hold, and gives up one that uses nothing."""
import unittest
from unittest import mock

from redis_server import RedisServer, wait_for
from served import Served
from tempest import CallerStalled, JobCancelled, RedisUnavailable
from tempest.flow import Flow

COUNT = 20


def count(context):
    for number in range(COUNT):
        context.send(number)
    return "end"


class CreditsOfACaller(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.served = Served(self.server, {"count": count})
        self.addCleanup(self.served.stop)

    def asked(self):
        return self.redis.info("commandstats").get("cmdstat_fcall", {}).get("calls", 0)

    def stands_at(self, inbox, length):
        """The worker has sent so many answers and asks on; no more come meanwhile."""
        key = self.served.inbox(inbox)
        wait_for(lambda: self.redis.llen(key) >= length, f"there are no {length} answers")
        before = self.asked()
        wait_for(lambda: self.asked() >= before + 10, "the worker does not ask")
        self.assertEqual(self.redis.llen(key), length)

    def use(self, job_id, used):
        self.redis.execute_command("FCALL", "tempest1_credit", 1, "q", job_id, used)

    def test_the_worker_waits_until_its_answers_are_used(self):
        inbox = self.served.job("count", meta={"credits": 3}, job_id="flow")
        self.stands_at(inbox, 3)
        self.use("flow", 1)
        self.stands_at(inbox, 4)
        self.use("flow", 12)
        self.stands_at(inbox, 15)
        self.use("flow", COUNT)
        found = [self.served.answer(inbox) for _ in range(COUNT + 1)]
        self.assertEqual([args for args, _ in found], [[number] for number in range(COUNT)] + [["end"]])

    def test_the_last_answer_waits_for_nothing(self):
        args, _ = self.served.answers("count", meta={"credits": COUNT})
        self.assertEqual(args[-1], ["end"])

    def test_without_credits_nothing_waits(self):
        for credits in (None, 0, -1, "3", 1.0, True):
            args, _ = self.served.answers("count", meta={"credits": credits})
            self.assertEqual(len(args), COUNT + 1, credits)

    def test_a_job_that_is_cancelled_waits_no_longer(self):
        inbox = self.served.job("count", meta={"credits": 1}, job_id="gone")
        self.stands_at(inbox, 1)
        self.redis.execute_command("FCALL", "tempest1_cancel", 1, "q", "gone", 60000)
        self.served.answer(inbox)
        args, meta = self.served.answer(inbox)
        self.assertEqual((args, meta["error"]["code"], meta["seq"]), ([], "cancelled", 1))

    def test_a_caller_on_another_queue_counts_there(self):
        self.served.job("count", meta={"credits": 2}, inbox="box@other", job_id="far")
        self.redis.execute_command("FCALL", "tempest1_credit", 1, "other", "far", COUNT)
        wait_for(lambda: self.redis.llen("{other}:in:box") == COUNT + 1, "not all came")


class FlowByItself(unittest.TestCase):
    """By a clock that goes on only while the flow pauses."""

    def flow(self, credits, *said, check=lambda: None):
        words = list(said)

        def used():
            word = words.pop(0) if len(words) > 1 else words[0]
            if isinstance(word, Exception):
                raise word
            return word
        return Flow(credits, used, check, self.pauses.append)

    def setUp(self):
        self.pauses = []
        clock = mock.patch("tempest.flow.time.monotonic", lambda: sum(self.pauses))
        clock.start()
        self.addCleanup(clock.stop)

    def test_a_caller_that_uses_nothing_is_given_up(self):
        with self.assertRaises(CallerStalled) as caught:
            self.flow(2, 0).wait(2)
        self.assertEqual((caught.exception.code, caught.exception.message), ("stalled", "the caller holds 2 answers and has used none "
                                                                             "of them for 30 s"))
        self.assertTrue(30 <= sum(self.pauses) < 30.1)

    def test_progress_begins_the_patience_anew(self):
        self.assertRaises(CallerStalled, self.flow(1, *[0] * 700, 1).wait, 2)
        self.assertTrue(40 < sum(self.pauses) < 70, sum(self.pauses))

    def test_it_asks_with_longer_and_longer_pauses_between_5_and_50_ms(self):
        self.flow(1, *[0] * 8, 1).wait(1)
        self.assertEqual(len(self.pauses), 8)
        self.assertTrue(all(0.0025 <= pause <= 0.05 for pause in self.pauses), self.pauses)
        self.assertGreater(self.pauses[-1], self.pauses[0])

    def test_while_redis_is_away_no_time_runs(self):
        self.flow(1, *[RedisUnavailable("away")] * 100, 1).wait(1)
        self.assertEqual(sum(self.pauses), 50)

    def test_a_job_that_is_to_end_says_so(self):
        def check():
            raise JobCancelled("over")
        self.assertRaises(JobCancelled, self.flow(1, 0, check=check).wait, 1)


if __name__ == "__main__":
    unittest.main()
