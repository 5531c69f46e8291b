"""Jobs that are to be run once: workers that die, stop or leave under them. Real processes, a Redis of their own."""
import json
import signal
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from redis_server import RedisServer, text, wait_for
from tempest import Client, RemoteError, functions
from tempest.addresses import Address
from tempest.errors import RedisRefused, RedisUnavailable
from tempest.link import Link
from tempest.membership import Membership
from tempest.outcome import push_elsewhere
from tempest.undertaker import Undertaker
from worker_process import WorkerProcess

LEASE = 1.2


class Once(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=20)
        self.addCleanup(self.client.close)
        self.calls = ThreadPoolExecutor(4)
        self.addCleanup(self.calls.shutdown)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", "--lease", str(LEASE), *arguments)
        self.addCleanup(worker.kill)
        return worker

    def call(self, *args, **options):
        return self.calls.submit(self.client.call, *args, **options)

    def held(self):
        return sorted(text(self.redis.lrange("held", 0, -1)))

    def dead(self):
        return [record for _, record in self.redis.xrange("{q}:!dead")]

    def assert_interrupted(self, call):
        with self.assertRaises(RemoteError) as caught:
            call.result(20)
        self.assertEqual(caught.exception.code, "interrupted")
        self.assertIn("may have been carried out", caught.exception.message)

    def test_what_a_killed_worker_had_begun_is_not_run_again_and_its_caller_is_told(self):
        worker = self.start("--concurrency", "3")
        call = self.call("hold", "called", once=True)
        self.client.push("hold", "pushed", once=True)
        self.client.push("hold", "twice")
        wait_for(lambda: len(self.held()) == 3, "not all was begun")
        worker.kill()
        self.start("--concurrency", "3")
        self.assert_interrupted(call)
        wait_for(lambda: self.held() == ["called", "pushed", "twice", "twice"], "the job that may run twice was not run again")
        self.redis.rpush("release:twice", "", "")
        wait_for(lambda: self.redis.hget("{q}:!counts", "settled") == b"1", "it was not settled")
        self.assertEqual(self.held(), ["called", "pushed", "twice", "twice"])
        self.assertEqual({record[b"reason"] for record in self.dead()}, {b"interrupted"})
        self.assertEqual(sorted(json.loads(record[b"job"])[1][0] for record in self.dead()), ["called", "pushed"])
        self.assertEqual((self.redis.hget("{q}:!counts", "crashed"), self.redis.keys("{q}:!begun:*")), (b"1", []))

    def begun_by_the_dead(self, name="dead"):
        """A process that has begun the only job that waits, and does nothing more; a lease long enough that nobody observes its end."""
        wait_for(lambda: self.redis.llen("q") == 1, "not called")
        functions.ensure(self.link())
        self.function("hello", name, "new", "lease/60000")
        self.function("claim", name, 1, 1, 1000000, "default")
        self.function("begin", name, "default.1")

    def function(self, name, *arguments):
        return self.redis.execute_command("FCALL", f"tempest1_{name}", 1, "q", *arguments)

    def test_callers_are_told_though_the_process_that_reaped_died_before_it_told_them(self):
        call = self.call("hold", "called", once=True)
        self.begun_by_the_dead()
        moved, left, _, ((record, _)) = self.function("reap", "dead", "*", "told")
        self.assertEqual((moved, left, self.redis.zrange("{q}:!untold:dead", 0, -1)), (1, 1, [record]))
        began = time.monotonic()
        worker = self.start()
        self.assert_interrupted(call)
        self.assertLess(time.monotonic() - began, 10)
        wait_for(lambda: not self.redis.exists("{q}:!untold"), "nobody said that it was told")
        wait_for(lambda: worker.said("told callers of jobs that died with a process queue=q process=dead callers=1"), "the log does not say so")
        self.assertEqual((self.held(), self.redis.hget("{q}:!counts", "reaped")), ([], b"1"))

    def test_callers_are_told_of_what_the_keeper_of_the_clock_found_in_a_grave(self):
        call = self.call("hold", "called", once=True)
        self.begun_by_the_dead()
        # A reaper that died in the middle: the process is in its grave, and what it held is not taken back.
        self.redis.hdel("{q}:!procs", "dead")
        self.redis.zadd("{q}:!grave", {"dead": self.redis.time()[0] * 1000})
        self.start()
        self.assert_interrupted(call)
        wait_for(lambda: not self.redis.exists("{q}:!untold"), "nobody said that it was told")

    def test_callers_who_cannot_be_told_now_are_told_later_and_the_others_at_once(self):
        self.redis.set("{q}:in:box", "no list")
        self.redis.rpush("q", b'["hold",["a"],"box","1",{"once":true}]', b'["hold",["b"],"other","2",{"once":true}]',
                         b'["hold",["c"],null,"3",{"once":true}]')
        functions.ensure(self.link())
        self.function("hello", "dead", "new", "lease/300")
        self.function("claim", "dead", 1, 3, 1000000, "default")
        self.function("begin", "dead", "default.1", "default.2", "default.3")
        worker = self.start()
        wait_for(lambda: self.redis.llen("{q}:in:other") == 1, "the other was not told")
        wait_for(lambda: self.redis.zcard("{q}:!untold:dead") == 1, "not one alone is untold")
        wait_for(lambda: worker.said('could not be told; another worker tries again queue=q process=dead callers=1 error="WRONGTYPE'), "the log does not say so")
        self.assertEqual(self.redis.hget("{q}:!untold", "dead#"), b"0", "a try that Redis refused was counted")
        self.redis.delete("{q}:in:box")
        wait_for(lambda: self.redis.llen("{q}:in:box") == 1, "it was not told later", 10)
        self.assertEqual(json.loads(self.redis.lindex("{q}:in:box", 0))[3]["error"]["code"], "interrupted")
        wait_for(lambda: not self.redis.exists("{q}:!untold"), "nobody said that it was told")
        self.assertEqual(self.redis.llen("{q}:in:other"), 1, "told once")

    def test_while_redis_is_full_one_observer_tries_in_each_round_and_no_tries_are_used_up(self):
        self.redis.rpush("q", b'["hold",["a"],"box","1",{"once":true}]')
        self.begun_by_the_dead()
        workers = [self.start() for _ in range(3)]
        self.redis.config_set("maxmemory", 1)
        self.function("reap", "dead", "*", "told")  # by a process that dies before it comes back: this one is a try
        began = time.monotonic()
        full = 'callers=1 error="OOM'
        wait_for(lambda: sum(full in line for worker in workers for line in list(worker.log)) >= 2, "nobody tried again", 15)
        self.assertGreater(time.monotonic() - began, 5.5, "all tried in the same round")
        wait_for(lambda: self.redis.hget("{q}:!untold", "dead#") == b"1", "a try that Redis refused was counted")
        self.redis.config_set("maxmemory", 0)
        wait_for(lambda: self.redis.llen("{q}:in:box") == 1, "it was not told later", 10)
        wait_for(lambda: not self.redis.exists("{q}:!untold"), "nobody said that it was told")

    def test_an_answer_that_arrived_is_not_pushed_again_because_what_follows_it_is_refused(self):
        self.redis.acl_setuser("teller", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-hexists", "-expire"])
        self.addCleanup(self.redis.acl_deluser, "teller")
        link = self.link()
        link.call("AUTH", "teller", "any")
        push_elsewhere(link, Address("elsewhere", "box", "q"), b"answer")
        self.assertEqual(self.redis.lrange("{q}:in:box", 0, -1), [b"answer"])
        self.redis.acl_setuser("teller", commands=["-rpush"])
        with self.assertRaises(RedisRefused):
            push_elsewhere(link, Address("elsewhere", "box", "q"), b"answer")

    def test_many_dead_whose_callers_are_being_told_hold_the_beat_for_a_moment_only(self):
        undertaker = Undertaker(self.server.url, lambda word: None)
        forever = threading.Event()
        self.addCleanup(forever.set)
        for number in range(200):
            undertaker.bury("q", f"dead{number}", 1)
        for dead in undertaker._dead.values():
            dead.telling = threading.Thread(target=forever.wait, daemon=True)
            dead.telling.start()
        waits = []
        with mock.patch("tempest.undertaker._Dead.wait", lambda dead, seconds: waits.append(seconds)):
            undertaker.work(self.link())
        self.assertEqual(waits, [0.01], "for one of them, and not for each")

    def test_a_caller_who_is_told_twice_hears_it_once(self):
        call = self.call("hold", "called", once=True)
        wait_for(lambda: self.redis.llen("q") == 1, "not called")
        _, _, inbox, job = json.loads(self.redis.lpop("q"))[:4]
        answer = json.dumps(["hold", job, [], {"error": {"code": "interrupted", "message": "it may have been carried out"}}])
        self.redis.rpush("{q}:in:" + inbox, answer, answer)
        self.assert_interrupted(call)
        self.start()
        self.assertEqual(self.client.call("echo", 1), [1])

    def link(self):
        link = Link(self.server.url)
        self.addCleanup(link.close)
        return link

    def test_in_all_codecs_and_however_json_writes_the_key(self):
        worker = self.start("--concurrency", "4")
        for codec in "json", "msgpack", "tnetstring":
            self.client.push("hold", codec, codec=codec, once=True)
        self.redis.rpush("q", rb'["hold",["escaped"],null,"some-id",{"\u006fnc\u0065":true}]')
        wait_for(lambda: len(self.held()) == 4, "not all was begun")
        worker.kill()
        self.start("--concurrency", "4")
        wait_for(lambda: len(self.dead()) == 4, "not all were interrupted")
        self.assertEqual({record[b"reason"] for record in self.dead()}, {b"interrupted"})
        self.assertEqual(len(self.held()), 4)

    def test_what_else_than_true_means_nothing(self):
        worker = self.start("--concurrency", "4")
        for value in (False, 1, "true", None):
            self.client.push("hold", "x", meta={"once": value})
        wait_for(lambda: len(self.held()) == 4, "not all was begun")
        self.assertEqual(self.redis.keys("{q}:!begun:*"), [])
        worker.kill()

    def test_a_handler_that_the_grace_cuts_off_is_interrupted_and_others_go_back(self):
        worker = self.start("--concurrency", "2", "--grace", "0.3")
        call = self.call("hold", "once", once=True)
        self.client.push("hold", "back")
        wait_for(lambda: len(self.held()) == 2, "not all was begun")
        worker.signal(signal.SIGTERM)
        self.assert_interrupted(call)
        # Only now: a handler that ends before its job goes back has settled it.
        wait_for(lambda: self.redis.llen("q") == 1, "the job did not go back")
        self.redis.rpush("release:once", "")
        self.redis.rpush("release:back", "")
        worker.wait()
        self.assertEqual(self.redis.llen("q"), 1)
        self.assertIn(b'"back"', self.redis.lindex("q", 0))
        self.assertEqual([record[b"reason"] for record in self.dead()], [b"interrupted"])

    def test_a_handler_that_ends_within_the_grace_has_answered(self):
        worker = self.start("--grace", "10")
        call = self.call("hold", "once", once=True)
        wait_for(lambda: self.held(), "it was not begun")
        worker.signal(signal.SIGTERM)
        self.redis.rpush("release:once", "")
        self.assertEqual(call.result(20), "once")
        worker.wait()
        self.assertEqual(self.dead(), [])

    def test_a_worker_that_was_taken_for_dead_answers_no_more(self):
        worker = self.start("--name", "stopped")
        call = self.call("hold", "once", once=True)
        wait_for(lambda: self.held(), "it was not begun")
        other = self.start()
        worker.signal(signal.SIGSTOP)
        try:
            self.assert_interrupted(call)
        finally:
            worker.signal(signal.SIGCONT)
        self.redis.rpush("release:once", "")
        wait_for(lambda: worker.said("fenced: what it ran is dropped"), "it did not notice")
        other.signal(signal.SIGTERM)
        other.wait()
        self.assertEqual(self.client.call("echo", 1), [1])  # by the one that has begun anew
        self.assertEqual((self.held(), len(self.dead())), (["once"], 1))

    def test_a_failure_of_the_handler_is_no_interruption(self):
        self.start()
        self.client.push("flaky", ["a"], 3, once=True)
        wait_for(lambda: self.redis.llen("tried") == 3, "it was not tried again")
        wait_for(lambda: self.redis.hget("{q}:!counts", "settled") == b"3", "it was not settled")
        self.assertEqual((self.dead(), self.redis.keys("{q}:!begun:*")), ([], []))

    def test_one_call_marks_all_of_a_claim_and_without_such_jobs_there_is_none(self):
        calls, ready = [], threading.Event()

        def listen():
            with self.redis.monitor() as monitor:
                ready.set()
                for command in monitor.listen():
                    if "tempest1_begin" in command["command"] or "tempest1_claim" in command["command"]:
                        calls.append(command["command"])
                    if command["command"].startswith("ECHO"):  # other words may be in the library, which is loaded meanwhile
                        return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        self.assertTrue(ready.wait(10))
        self.client.push_many([("note", ["plain"])] * 8)
        worker = self.start("--concurrency", "8")
        wait_for(lambda: self.redis.llen("noted") == 8, "the plain jobs were not run")
        self.assertEqual([call for call in calls if "begin" in call], [])
        worker.signal(signal.SIGTERM)
        worker.wait()
        self.client.push_many([("note", ["once"])] * 8, once=True)
        self.start("--concurrency", "8")
        wait_for(lambda: self.redis.llen("noted") == 16, "the others were not run")
        self.redis.echo("that is all")
        thread.join(10)
        begins = [call for call in calls if "begin" in call]
        self.assertEqual(len(begins), 1, begins)
        self.assertEqual(begins[0].count("default."), 8)


class Torn(Link):
    """Loses the reply to the next `begin`, which Redis has carried out."""
    armed = True

    def pipeline(self, commands):
        replies = super().pipeline(commands)
        if self.armed and any("tempest1_begin" in map(str, command) for command in commands):
            self.armed = False
            self.close()
            raise RedisUnavailable("cut by the test")
        return replies


class LostReplies(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.link = Torn(self.server.url)
        self.addCleanup(self.link.close)
        self.membership = Membership("q", ["default"], [], "test", LEASE)
        self.membership.join(self.link)
        self.redis.rpush("q", '["hold",["a"],null,"id",{"once":true}]')
        self.claims = self.membership.claim(self.link, 1, ["default"])[0]
        with self.assertRaises(RedisUnavailable):
            self.membership.begin(self.link, self.claims)
        for claim in self.claims:
            self.membership.ended(claim.field)

    def test_a_job_whose_mark_was_not_confirmed_goes_back_and_is_claimed_anew(self):
        self.assertEqual(self.membership.recover(self.link), [])
        self.assertEqual((self.redis.llen("q"), self.redis.keys("{q}:!begun:*")), (1, []))
        (again,) = self.membership.claim(self.link, 1, ["default"])[0]
        self.assertEqual(again.payload, self.claims[0].payload)
        self.assertNotEqual(again.field, self.claims[0].field)
        self.assertEqual(self.membership.begin(self.link, [again]), {again.field})

    def test_a_worker_that_leaves_then_gives_back_what_it_never_ran(self):
        self.membership.leave(self.link)
        self.assertEqual((self.redis.llen("q"), self.redis.xlen("{q}:!dead"), self.redis.keys("{q}:!begun:*")), (1, 0, []))

    def test_a_claim_that_is_gone_is_not_begun(self):
        self.redis.hdel(f"{{q}}:!run:{self.membership.process}", "default.1")
        self.assertEqual(self.membership.begin(self.link, self.claims), set())


if __name__ == "__main__":
    unittest.main()
