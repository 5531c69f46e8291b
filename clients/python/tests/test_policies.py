"""The parts that decide without Redis: who is dead, when to try again, which level is next, what a push may say of a job."""
import gc
import logging
import os
import unittest
import weakref
from collections import Counter
from datetime import datetime, timezone
from types import SimpleNamespace
from unittest import mock

import checkout  # noqa: F401 -- says where tempest is
from tempest.backoff import Backoff
from tempest.beat import Beat
from tempest.clock import RedisClock
from tempest.codecs import named
from tempest.dispatcher import Dispatcher
from tempest.envelope import Job, encode_job, parse_job
from tempest.errors import RedisRefused, Retry
from tempest.execution import Bench, execute
from tempest.handlers import Handler, Policy
from tempest.membership import CLAIM_MOST, Claim, Membership
from tempest.news import order_in
from tempest.observer import Observer
from tempest.options import due_in, job_meta
from tempest.retries import Plan, again, caller_waits, is_late
from tempest.running import Running
from tempest.voice import Voice
from tempest.weights import Shares


class Observing(unittest.TestCase):
    def looks(self, *looks, lease=10.0):
        """Feeds (time, counter) looks; the times at which P was named dead."""
        observer = Observer()
        return [at for at, counter in looks if observer.looked(at, at, [("p", counter, lease)])]

    def test_a_counter_that_stands_still_for_a_lease_is_dead(self):
        self.assertEqual(self.looks(*[(float(at), 7) for at in range(25)]), [float(at) for at in range(10, 25)])

    def test_each_beat_begins_the_countdown_anew(self):
        self.assertEqual(self.looks(*[(float(at), at // 9) for at in range(60)]), [])

    def test_a_gap_between_looks_counts_for_nothing(self):
        self.assertEqual(self.looks(*[(float(at), 7) for at in range(9)], (30.0, 7), (31.0, 7)), [])
        self.assertEqual(self.looks(*[(at * 2.5, 7) for at in range(50)]), [], "looks too far apart never count")
        self.assertEqual(self.looks(*[(at * 2.0, 7) for at in range(6)]), [10.0])

    def test_a_failed_look_begins_all_countdowns_anew(self):
        observer = Observer()
        for at in range(10):
            observer.looked(at, at, [("p", 7, 10.0)])
        observer.restart()
        self.assertEqual([at for at in range(10, 22) if observer.looked(at, at, [("p", 7, 10.0)])], [20, 21])

    def test_a_slow_reply_is_no_time_that_counts(self):
        observer = Observer()
        # It may have been read at 1.0, and the next at 1.1 as well: that gap may have been a long one.
        observer.looked(0.0, 1.0, [("p", 7, 1.0)])
        self.assertEqual([observer.looked(1.0 + n / 10, 1.0 + n / 10, [("p", 7, 1.0)]) for n in range(1, 11)], [[]] * 10)
        self.assertEqual(observer.looked(2.15, 2.16, [("p", 7, 1.0)]), [("p", 7)])


class Retrying(unittest.TestCase):
    def plan(self, meta=None, respond_to=None, **policy):
        job = Job("a", [], respond_to, "id", meta or {})
        return job, Policy(**policy), Plan.of(job, Policy(**policy))

    def test_who_says_how_often(self):
        self.assertEqual(self.plan()[2].attempts, 25)
        self.assertEqual(self.plan(respond_to="in")[2].attempts, 1)
        self.assertEqual(self.plan(respond_to="in", attempts=3)[2].attempts, 3)
        self.assertEqual(self.plan({"attempts": 2, "attempt": 2, "timeout": 70}, attempts=3, timeout=9)[2],
                         Plan(2, 2, 15_000, 86_400_000, 70))
        for wrong in (0, -1, True, "3", 2.0, None, 2**60, 2**53, 10**12):
            self.assertEqual(self.plan({"attempts": wrong, "attempt": wrong, "backoff": wrong, "timeout": wrong}, attempts=3)[2],
                             Plan(1, 3, 15_000, 86_400_000, None))

    def test_the_delay_doubles_up_to_the_longest(self):
        for attempt, whole in [(1, 1000), (2, 2000), (4, 8000), (7, 10_000), (10**6, 10_000)]:
            plan = self.plan({"attempt": attempt, "backoff": [1000, 10_000]})[2]
            delays = [plan.delay() for _ in range(200)]
            self.assertTrue(whole / 2 - 1 <= min(delays) < whole * 0.6 and whole * 0.9 < max(delays) <= whole, (attempt, delays))

    def test_when_there_is_no_other_attempt(self):
        job, policy, plan = self.plan({"attempts": 3, "attempt": 2})
        self.assertIsNotNone(plan.next_delay(job, policy, ValueError(), 0))
        self.assertEqual(plan.next_delay(job, policy, Retry(after=1.5), 0), 1500)
        self.assertIsNone(plan.next_delay(job, policy, SystemExit(), 0), "not what retry_on names")
        job, policy, plan = self.plan({"attempts": 3, "attempt": 3})
        self.assertIsNone(plan.next_delay(job, policy, Retry(after=1), 0))
        job, policy, plan = self.plan({"deadline": 1000}, respond_to="in", attempts=3)
        self.assertIsNone(plan.next_delay(job, policy, Retry(after=1), 500), "the caller would be gone")
        self.assertEqual(plan.next_delay(job, policy, Retry(after=0.4), 500), 400)

    def test_a_handler_that_asks_gets_25_attempts_unless_somebody_has_said_how_many(self):
        for respond_to in (None, "in"):
            job, policy, plan = self.plan({"attempt": 24}, respond_to)
            self.assertEqual(plan.next_delay(job, policy, Retry(after=1), 0), 1000)
            for meta, rules in (({"attempt": 25}, {}), ({"attempts": 1}, {}), ({}, {"attempts": 1})):
                job, policy, plan = self.plan(meta, respond_to, **rules)
                self.assertIsNone(plan.next_delay(job, policy, Retry(after=1), 0), (meta, rules))

    def test_nothing_is_longer_than_365_days(self):
        year, ever = 31_536_000_000, float("inf")
        job, policy, plan = self.plan(None, None, backoff=(ever, ever), timeout=ever, attempts=10**9)
        self.assertEqual((plan.first, plan.longest, plan.timeout), (year, year, year))
        self.assertEqual(plan.next_delay(job, policy, Retry(after=ever), 0), year)
        job, policy, plan = self.plan({"attempt": 1_000_000}, None, attempts=10**9)
        self.assertIsNone(plan.next_delay(job, policy, ValueError(), 0), "the next number would count as the first")
        self.assertRaises(ValueError, Retry, float("nan"))

    def test_the_next_attempt_is_in_the_same_codec(self):
        for codec in ("json", "msgpack", "tnetstring"):
            payload = encode_job(Job("a", [1, b"\xff", "é"], "in", 5, {"x": [None]}, named(codec)))
            job = parse_job(again(payload, 2, "e" * 900))
            self.assertEqual((job.codec.name, job.args, job.respond_to, job.job_id), (codec, [1, b"\xff", "é"], "in", 5))
            self.assertEqual(job.meta, {"x": [None], "attempt": 2, "last_error": "e" * 500})

    def test_what_comes_too_late(self):
        def job(**meta):
            return Job("a", [], "in", "id", meta)
        self.assertEqual([is_late(job(**meta), 1000) for meta in ({}, {"expires_at": 999}, {"deadline": 999}, {"expires_at": 1000},
                                                                  {"expires_at": "1"})], [False, True, True, False, False])
        self.assertEqual([caller_waits(job(**meta), 1000) for meta in ({"expires_at": 1}, {"deadline": 999}, {"deadline": 1000})],
                         [True, False, True])


class Asking(unittest.TestCase):
    def test_shares_are_exact_and_mixed(self):
        shares = Shares(["high", "default", "low"], {"high": 6, "default": 3, "low": 1})
        singles = [shares.next(1) for _ in range(10)]
        self.assertEqual([sum(level + "=1" in single for single in singles) for level in ("high", "default", "low")], [6, 3, 1])
        self.assertEqual(shares.next(10), ["high=6", "default=3", "low=1"])
        for weights in ({"high": 1}, {"high": 0, "default": 1, "low": 1}, {"high": 1.5, "default": 1, "low": 1}):
            self.assertRaises(ValueError, Shares, ["high", "default", "low"], weights)

    def test_when_a_job_is_due(self):
        self.assertEqual([due_in(None, None), due_in(1.5, None), due_in(None, 77)], [None, "+1500", "77"])
        self.assertEqual(due_in(None, datetime(2030, 1, 1, tzinfo=timezone.utc)), "1893456000000")
        for after, at in [(-1, None), (1, 1), (None, -1), (None, 1.5), ("1", None), (float("nan"), None)]:
            self.assertRaises(ValueError, due_in, after, at)

    def test_options_become_meta(self):
        self.assertEqual(job_meta({"a": 1}, 3, (0.5, 2), 1.5, 10, 5000),
                         {"a": 1, "attempts": 3, "backoff": [500, 2000], "timeout": 1500, "expires_at": 15_000})
        ever = float("inf")
        self.assertEqual(job_meta({}, 10**9, (1e300, ever), ever, ever, 5000),
                         {"attempts": 1_000_000, "backoff": [31_536_000_000] * 2, "timeout": 31_536_000_000, "expires_at": 31_536_005_000})
        for options in [(0, None, None), (True, None, None), (None, (2, 1), None), (None, None, -1)]:
            self.assertRaises(ValueError, job_meta, {}, *options, None, 0)

    def test_orders_for_others_and_hostile_ones_are_none(self):
        for to in ("n.1", "n", "*"):
            self.assertEqual(order_in(b'{"to":"%s","do":"quiet"}' % to.encode(), "n.1", "n"), "quiet")
        for data in (b'{"to":"m","do":"stop"}', b'{"to":"*","do":"die"}', b"[]", b"", b"\xff", b"[" * 4000, b"[" * 10**6,
                     b'{"to":["*"],"do":"stop"}', b'{"to":"*","do":["stop"]}'):
            self.assertIsNone(order_in(data, "n.1", "n"), data[:40])

    def test_a_voice_that_nobody_hears_never_waits(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        voice = Voice(writer)
        for n in range(20_000):
            voice.say({"tick": n}, instead_of="q")
            voice.flush()
        voice.say({"fenced": 1})
        self.assertTrue(voice.pending)
        heard = b""
        while b"19999" not in heard or b"fenced" not in heard:
            heard += os.read(reader, 65536)
            voice.flush()
        lines = heard.splitlines()
        self.assertIn(b'{"tick": 19999}', lines[-2:])
        self.assertIn(b'{"fenced": 1}', lines[-2:])
        self.assertLess(len(lines), 20_000)


class Claiming(unittest.TestCase):
    def test_what_a_claim_asks_for_is_what_is_shared_also_with_more_slots_than_a_claim_may_bring(self):
        levels, weights = ["high", "default", "low"], {"high": 5, "default": 3, "low": 1}
        asked = Counter()

        def claim(link, want, quotas):
            shared = {level: int(quota) for level, _, quota in (each.partition("=") for each in quotas)}
            self.assertEqual(sum(shared.values()), want)
            asked.update(shared)
            return [], set(), False

        station = SimpleNamespace(levels=levels, closed=set(), landed=True)
        shares = mock.MagicMock(__getitem__=mock.Mock(return_value=Shares(levels, weights)))
        dispatcher = SimpleNamespace(_slots=mock.MagicMock(room=1500), _shares=shares, _link=None, _take=lambda *_: None)
        for _ in range(9):
            Dispatcher._claim(dispatcher, station, SimpleNamespace(claim=claim))
        self.assertEqual(asked, {level: CLAIM_MOST * weight for level, weight in weights.items()})


class Listening(unittest.TestCase):
    """A beat whose news Redis refuses, time and again."""

    def beat(self, news):
        beat = Beat.__new__(Beat)
        beat._news, beat._watched, beat._control = news, {("q", "p"): None}, "control"
        beat._news_due, beat._is_deaf, beat._news_backoff = 0.0, False, Backoff()
        beat._voice = SimpleNamespace(said=[], say=lambda word: beat._voice.said.append(word))
        return beat

    def test_that_nothing_is_heard_is_said_again_only_after_something_was_heard(self):
        class News:
            database, is_refused = 0, True

            def follow(self, channels):
                return True  # a new connection each time

            def heard(self):
                if self.is_refused:
                    raise RedisRefused("NOPERM", "no channels")
                return []

            def listens_anew(self):
                return not self.is_refused

        news = News()
        beat = self.beat(news)
        for is_refused in True, True, True, False, True, True:
            news.is_refused, beat._news_due = is_refused, 0.0
            beat._listen()
        self.assertEqual([next(iter(word)) for word in beat._voice.said], ["log", "sweep", "log"])


class Executing(unittest.TestCase):
    def test_nothing_of_a_handler_that_failed_is_kept_when_its_run_is_over(self):
        class Held:
            pass

        held = []

        def run(context, *args):
            mine = Held()
            held.append(weakref.ref(mine))
            raise ValueError("on purpose")

        def unwritable(context, *args):
            mine = Held()
            held.append(weakref.ref(mine))
            context.send({1: mine})

        sender = mock.Mock()
        gc.disable()
        self.addCleanup(gc.enable)
        for function in run, unwritable:
            bench = Bench({"a": Handler.of(function, True)}, sender, Running(), RedisClock(), 0)
            for inbox in None, "box":
                payload = encode_job(Job("a", [], inbox, "id", {}, named("json")))
                with self.subTest(function.__name__, inbox=inbox), mock.patch.object(logging.getLogger("tempest"), "disabled", True):
                    outcome = execute(Claim(Membership("q", ["default"], ["a"], "p", 10.0), "default.1", "default", payload), bench)
                    self.assertIsNotNone(outcome)
                    if function is run or inbox:
                        self.assertIsNone(held[-1](), "the outcome, or a cycle, keeps it")


class Policies(unittest.TestCase):
    def test_what_is_the_same_for_each_job_is_worked_out_once(self):
        policy = Policy(backoff=(0.5, 2), timeout=0.0001, retry_on=(OSError,))
        self.assertEqual((policy.delays, policy.longest_run, policy.tries_again_on), ((500, 2000), 1, (Retry, OSError)))
        self.assertIs(policy.delays, policy.delays)
        self.assertIs(policy.tries_again_on, policy.tries_again_on)
        self.assertIsNone(Policy().longest_run)


if __name__ == "__main__":
    unittest.main()
