"""What a settler makes of Redis' refusals, with replies that the test writes itself."""
import logging
import unittest
from unittest import mock

import checkout  # noqa: F401 -- says where tempest is
from served import Log
from tempest.addresses import Address
from tempest.errors import RedisRefused, RedisUnavailable
from tempest.membership import Claim, Membership
from tempest.outage import Outage
from tempest.outcome import Outcome
from tempest.settler import Settler


class Refusals(unittest.TestCase):
    def setUp(self):
        self.log = Log()
        logger = logging.getLogger("tempest")
        logger.addHandler(self.log)
        self.addCleanup(logger.removeHandler, self.log)
        self.membership = Membership("q", ["default"], [], "p", 10.0)
        self.settler = Settler("redis://127.0.0.1:1", lambda membership: None, Outage())

    def outcome(self, address=None):
        return Outcome(Claim(self.membership, "default.1", "default", b"job"), "nonsense", address, b"answer")

    def settle(self, outcome, *replies):
        """The outcomes that have to wait, and the words of each settle; what Redis says to each is in `replies`."""
        said, left = [], list(replies)

        def call(link, name, queue, process, *arguments):
            said.append(arguments[1].decode().split(" ")[0])
            reply = left.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply

        with mock.patch("tempest.settler.functions.call", call):
            return self.settler._settle_all([outcome]), said

    def deaths(self):
        return [line for line in self.log.lines if line.startswith("a job is dead")]

    def test_that_a_job_is_dead_is_said_once_and_when_redis_has_it(self):
        bad = RedisRefused("BADARG", "no such outcome")
        outcome = self.outcome()
        with self.assertRaises(RedisUnavailable):
            self.settle(outcome, bad, RedisUnavailable("gone"))
        self.assertEqual(self.deaths(), [])
        self.assertFalse(outcome.is_over)
        self.assertEqual(self.settle(outcome, bad, [1]), ([], ["nonsense", "dead"]))
        self.assertEqual(len(self.deaths()), 1)
        self.assertIn("reason=refused", self.deaths()[0])
        self.assertTrue(outcome.is_over)

    def test_one_that_cannot_be_dead_either_waits_and_nothing_is_said_of_it(self):
        outcome = self.outcome()
        late, _ = self.settle(outcome, RedisRefused("BADARG", "no such outcome"), RedisRefused("NOPERM", "no right"))
        self.assertEqual(late, [outcome])
        self.assertEqual(self.deaths(), [])

    def test_one_whose_answer_has_to_wait_for_room_elsewhere_waits_too(self):
        outcome = self.outcome(Address("elsewhere", "box", "other"))
        with mock.patch("tempest.settler.push_elsewhere", side_effect=[None, None]):
            late, said = self.settle(outcome, RedisRefused("BADARG", "no such outcome"), [1])
        self.assertEqual((late, said), ([], ["nonsense", "dead"]))
        outcome = self.outcome(Address("elsewhere", "box", "other"))
        with mock.patch.object(self.settler, "_settle", side_effect=[RedisRefused("BADARG", ""), ["it waits"]]):
            self.assertEqual(self.settler._settle_all([outcome]), [outcome])
        self.assertFalse(outcome.is_over)


if __name__ == "__main__":
    unittest.main()
