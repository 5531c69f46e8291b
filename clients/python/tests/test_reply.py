"""The order of a job's answers, and what becomes of those of another attempt."""
import time
import unittest

import checkout  # noqa: F401 -- says where tempest is
from tempest import CallTimeout, ClientClosed, RemoteError
from tempest.envelope import Answer
from tempest.reply import Reply


def answer(value, **meta):
    return Answer("a", "id", [value], meta)


class ReplyOrder(unittest.TestCase):
    def take(self, reply):
        return reply.take(time.monotonic()).args[0]

    def test_answers_are_given_in_the_order_of_seq_each_once(self):
        reply = Reply(whole=False)
        for seq in (1, 0, 0, 1):
            reply.offer(answer(seq, more=True, seq=seq, token="t"))
        self.assertTrue(reply.offer(answer(2, seq=2, token="t")))
        self.assertEqual([self.take(reply) for _ in range(3)], [0, 1, 2])
        self.assertFalse(reply.offer(answer(2, seq=2, token="t")), "an answer after the last")

    def test_a_later_token_replaces_answers_that_nobody_used(self):
        reply = Reply(whole=False)
        reply.offer(answer("old", more=True, token="t1"))
        reply.offer(answer("new", more=True, token="t2"))
        self.assertFalse(reply.offer(answer("older", more=True, seq=1, token="t1")))
        reply.offer(answer("last", seq=1, token="t2"))
        self.assertEqual([self.take(reply), self.take(reply)], ["new", "last"])

    def test_two_attempts_are_never_spliced(self):
        reply = Reply(whole=False)
        reply.offer(answer(0, more=True, token="t1"))
        self.assertEqual(self.take(reply), 0)
        reply.offer(answer(1, more=True, seq=1, token="t1"))
        reply.offer(answer(0, more=True, token="t2"))
        with self.assertRaises(RemoteError) as caught:
            self.take(reply)
        self.assertEqual(caught.exception.code, "interrupted")

    def test_whoever_wants_one_answer_gets_the_last(self):
        reply = Reply(whole=True)
        reply.offer(answer(0, more=True, token="t"))
        reply.offer(answer(1, seq=1, token="t"))
        self.assertEqual(self.take(reply), 1)

    def test_an_error_without_seq_is_still_the_last(self):
        reply = Reply(whole=False)
        reply.offer(answer(0, more=True, token="t"))
        self.assertEqual(self.take(reply), 0)
        reply.offer(Answer("a", "id", [], {"token": "t", "error": {"code": "c", "message": "m", "details": 5}}))
        with self.assertRaises(RemoteError) as caught:
            self.take(reply)
        self.assertEqual((caught.exception.code, caught.exception.message, caught.exception.details), ("c", "m", 5))

    def test_meta_of_wrong_types_is_ignored(self):
        odd = Answer("a", "id", [1], {"more": 1, "seq": -1, "token": 5, "error": "x"})
        self.assertEqual((odd.more, odd.seq, odd.token, odd.error.code), (False, 0, None, "handler"))

    def test_waiting_ends_at_the_deadline_and_at_the_close(self):
        reply = Reply(whole=True)
        self.assertRaises(CallTimeout, self.take, reply)
        reply.close()
        self.assertRaises(ClientClosed, self.take, reply)
