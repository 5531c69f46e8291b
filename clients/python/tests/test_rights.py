"""Redis ACLs: everything works with exactly the rights that protocol/queues.md lists, and a right that is missing is said.

Redis keeps a log of what it has refused. It finds what nobody would see otherwise: work that went on without.
"""
import json
import os
import re
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import checkout
from redis_server import RedisServer, wait_for
from rights import denials, make_user, rights, table
from tagged import load
from tempest import CallTimeout, Client, RedisRefused, RemoteError, Worker
from tempest import rights as sentences
from tempest.keys import new_id

PROGRAM = Path(__file__).with_name("rights_program.py")
SESSION = "s" * 43


class Bench(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.server.load_functions()
        self.redis = self.server.client
        self.folder = Path(self.server.folder)
        self.redis.execute_command("ACL", "LOG", "RESET")

    def user(self, who, *queues, name=None):
        return make_user(self.server, name or who.replace(" ", "-"), rights(who, *queues or ("q",)))

    def client(self, who, *queues, timeout=20):
        client = Client(self.user(who, *queues), queue="q", timeout=timeout)
        self.addCleanup(client.close)
        return client

    def admin(self):
        client = Client(self.server.url, queue="q", timeout=20)
        self.addCleanup(client.close)
        return client

    def worker(self, url, *arguments):
        worker = Program(url, self.folder, *arguments)
        self.addCleanup(worker.kill)
        return worker

    def began(self, word):
        wait_for((self.folder / word).exists, f"{word} was not begun", 20)

    def go(self, word):
        (self.folder / f"{word}.go").touch()

    def count(self, name):
        return int(self.redis.hget("{q}:!counts", name) or 0)

    def nothing_was_refused(self):
        self.assertEqual(denials(self.server), [])


class Program:
    """rights_program.py in a process of its own."""

    def __init__(self, url, folder, *arguments):
        self.log = []
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder), *arguments], stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "REDIS_URL": url})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_for(lambda: self.said("tempest worker ready"), "the worker is not ready", 20)

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def said(self, words):
        return any(words in line for line in self.log)

    def end(self, seconds=20):
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        self.process.stderr.close()


class Producers(Bench):
    def test_a_producer_pushes_jobs_and_says_when_they_expire(self):
        client = self.client("producer")
        for level in "high", "default", "low":
            client.push("echo", 1, level=level, expires=60)
        client.push_many([("echo", [1]), ("echo", [2])])
        self.nothing_was_refused()

    def test_a_producer_of_delayed_jobs_pushes_some_for_later_for_soon_and_for_now(self):
        client = self.client("producer of delayed jobs")
        self.redis.hset("{q}:!clock", "keeper", "p.1")
        for seconds in 60, 0.5, 0:
            client.push("echo", 1, after=seconds)
        for level in "high", "default", "low":
            client.push("echo", 1, level=level)
        self.assertEqual((self.redis.zcard("{q}:!delayed"), self.redis.llen("q")), (2, 2))
        self.nothing_was_refused()

    def test_a_publisher_publishes_events_that_are_kept_and_others(self):
        client = self.client("publisher of events")
        client.publish("news", {"a": 1})
        client.publish("news", "now", keep=0)
        client.end_streams("news")
        self.nothing_was_refused()


class Callers(Bench):
    def setUp(self):
        super().setUp()
        self.worker(self.server.url)
        self.caller = self.client("caller")

    def test_a_caller_calls_streams_delays_and_cancels(self):
        caller = self.caller
        self.assertEqual(caller.call("echo", 1), [1])
        self.assertEqual(list(caller.stream("count", 5)), [0, 1, 2, 3, 4, "end"])
        self.assertRaises(CallTimeout, caller.call, "hold", "late", timeout=1.0)
        caller.push("echo", after=0.05)
        caller.push("echo", after=600)
        job = caller.push("hold", "cancelled")
        self.began("cancelled")
        self.assertEqual(caller.cancel(job), 1)
        wait_for(lambda: self.count("cancelled") == 1, "nothing was cancelled")
        self.assertFalse(caller.tell("q", "nobody", "1", ["frame"]))
        inbox = next(name.decode() for name in self.redis.hkeys("{q}:!inboxes") if b"#" not in name)
        self.assertTrue(caller.tell("q", inbox, "1", ["frame"]))
        # As long as it waits, so that a second one is begun.
        before = self.count("settled")
        wait_for(lambda: self.caller.call("echo", 2) == [2] and self.count("settled") > before, "it does not go on")
        caller.close()
        self.assertEqual(self.redis.exists("{q}:!inboxes"), 0)
        self.nothing_was_refused()

    def test_a_connection_that_was_cut_is_made_anew(self):
        self.assertEqual(self.caller.call("echo", 1), [1])
        self.redis.client_kill_filter(user="caller")
        self.assertEqual(wait_for(lambda: self._called(), "it does not come back"), [2])
        self.nothing_was_refused()

    def _called(self):
        try:
            return self.caller.call("echo", 2, timeout=5)
        except Exception:
            return None


class Workers(Bench):
    def setUp(self):
        super().setUp()
        self.url = self.user("worker with sessions", "q", "other", name="worker")
        self.boss = self.admin()

    def check(self):
        self.nothing_was_refused()

    def job(self, action, *args, meta=None, inbox=None, queue="q", job_id=None):
        inbox = inbox or new_id()
        self.redis.rpush(queue, json.dumps([action, list(args), inbox, job_id or new_id(), meta or {}]))
        return inbox

    def answer(self, inbox, queue="q"):
        found = self.redis.blpop(f"{{{queue}}}:in:{inbox}", 20)
        self.assertIsNotNone(found, "no answer")
        return json.loads(found[1])[2]

    def test_a_worker_answers_tries_again_and_buries(self):
        worker, boss = self.worker(self.url, "--lease", "2"), self.boss
        self.assertEqual([boss.call("echo", n, level=level) for n, level in enumerate(("high", "default", "low"))], [[0], [1], [2]])
        self.assertEqual(list(boss.stream("count", 3)), [0, 1, 2, "end"])
        self.assertEqual((boss.call("flaky", 3), boss.call("again")), (3, 2))
        self.assertEqual(boss.call("echo", "once", once=True), ["once"])
        self.assertEqual(boss.call("echo", 1, route=["echo", ["echo", "echo"], {"action": "echo", "queue": "q"}]), [[[[1]]], [[[1]]]])
        with self.assertRaises(RemoteError):
            boss.call("echo", 9, route=[["flaky", "echo"], "echo"], attempts=1)
        # Dead jobs: more than one, and one that is too old to be kept.
        self.redis.xadd("{q}:!dead", {"job": "x", "level": "default", "reason": "poison", "detail": "", "by": "p", "tries": "1"}, id="1-1")
        self.redis.hset("{q}:!counts", "dead_bytes", 1)
        for _ in range(2):
            with self.assertRaises(RemoteError):
                boss.call("flaky", 9, attempts=2)
            boss.push("flaky", 9, attempts=1)
        self.redis.rpush("q", "no job at all")
        wait_for(lambda: self.count("dead") == 3, "not all are dead", 20)
        self.assertEqual(self.redis.xrange("{q}:!dead", "1-1", "1-1"), [])
        # An answer to another queue, to nobody there, and one that waits for credits.
        self.job("echo", 7, inbox="box@other")
        self.assertEqual(self.answer("box", "other"), [[7]])
        inbox = self.job("count", 5, meta={"credits": 2}, job_id="flow")
        self.answer(inbox)
        self.redis.execute_command("FCALL", "tempest1_credit", 1, "q", "flow", 6)
        self.assertEqual([self.answer(inbox) for _ in range(5)][-1], ["end"])
        visits = self.job("session", meta={"session": SESSION})
        self.assertEqual(self.answer(visits), [["anna", {"user": "anna"}]])
        self.assertEqual(worker.end(), 0)
        self.check()

    def test_a_worker_delays_promotes_and_sweeps(self):
        self.redis.hset("{q}:!inboxes", mapping={"gone": 5, "gone#": 0})
        self.redis.hset("{q}:!idle", "gone", "5/2")
        self.redis.zadd("{q}:!cancelled", {"long ago": 1})
        self.redis.zadd("{q}:!grave", {"p.1": 1, "p.2": 9e15})
        self.redis.sadd("{q}:!levels", "high")
        self.redis.rpush("{q}:!land:p.2:high", '["echo",[1],null,"landed"]')
        self.worker(self.url)
        wait_for(lambda: not self.redis.exists("{q}:!idle") and not self.redis.hexists("{q}:!inboxes", "gone"), "no inbox was swept")
        wait_for(lambda: self.count("settled") == 1, "what landed was not found")
        self.boss.push("echo", 1, after=0.3)
        self.boss.push("echo", 1, after=1.5)
        wait_for(lambda: self.count("settled") == 3, "not promoted", 20)
        self.redis.zadd("{q}:!delayed", {"no job of ours": 1})
        wait_for(lambda: not self.redis.exists("{q}:!delayed"), "it stays", 20)
        self.check()

    def test_a_worker_is_paused_and_cancels(self):
        self.worker(self.url, "--concurrency", "2")
        running = self.boss.push("hold", "running")
        self.began("running")
        self.redis.execute_command("FCALL", "tempest1_pause", 1, "q", "default")
        waiting = self.boss.push("echo", "waits")
        self.boss.push("echo", "high", level="high")
        wait_for(lambda: self.count("settled") == 1, "the other level is not served")
        self.boss.cancel(waiting)
        self.boss.cancel(running)
        wait_for(lambda: self.count("cancelled") == 1, "it was not told")
        self.redis.execute_command("FCALL", "tempest1_resume", 1, "q")
        wait_for(lambda: self.count("cancelled") == 2, "it was not skipped")
        self.check()

    def test_jobs_of_unknown_actions_wait_for_a_worker_that_knows_them_or_are_given_up(self):
        self.worker(self.url, "--without", "rare")
        # Else nobody has been there before the job, and it waits for those that may come back.
        wait_for(lambda: self.redis.hexists("{q}:!clock", "swept"), "nobody keeps the clock")
        self.boss.push("rare", "first")
        wait_for(lambda: self.redis.exists("{q}:!unknown"), "it does not wait")
        self.worker(self.url)
        wait_for(lambda: self.count("settled") == 1, "it was not run", 20)
        self.assertEqual(self.count("dead"), 0)
        self.boss.push("unheard", "of")
        wait_for(lambda: self.redis.exists("{q}:!unknown"), "it does not wait")
        # It has waited for long, and nobody was there who knew it; beside it is something that is no kind.
        for key in self.redis.keys("{q}:!unknown:*"):
            self.redis.zadd(key, {member: 1 for member in self.redis.zrange(key, 0, -1)})
        self.redis.hset("{q}:!known", "default:unheard", 1)
        self.redis.zadd("{q}:!unknown", {"no kind": 1, "default:unheard": 1})
        wait_for(lambda: self.count("dead") == 1, "it was not given up", 20)
        self.check()

    def test_the_jobs_of_a_worker_that_was_killed_are_taken_back(self):
        other = self.user("worker", "q", name="other")
        killed = self.worker(other, "--lease", "1")
        caller = threading.Thread(target=lambda: self._interrupted())
        caller.start()
        self.addCleanup(caller.join, 30)
        self.began("once")
        self.boss.push("hold", "crash")
        self.began("crash")
        killed.process.kill()
        # The first crash counts, with the next it is to be run alone.
        self.redis.xadd("{q}:!dead", {"job": "x", "level": "default", "reason": "interrupted"})
        (self.folder / "crash").unlink()
        second = self.worker(other, "--lease", "1")
        self.began("crash")
        caller.join(30)
        self.assertEqual(self.error.code, "interrupted")
        second.process.kill()
        (self.folder / "crash").unlink()
        third = self.worker(self.url, "--lease", "1")
        fourth = self.worker(self.url, "--lease", "1")
        self.began("crash")
        # Alone; and once more, which makes it dead.
        holder = next(key for key in self.redis.keys("{q}:!run:*") if self.redis.hexists(key, "!"))
        for worker in third, fourth:
            if worker.process.pid in self._pids(holder):
                worker.process.kill()
        (self.folder / "crash").unlink()
        self.began("crash")
        self.go("crash")
        wait_for(lambda: self.count("settled") >= 1, "it does not end", 20)
        self.check()

    def _pids(self, key):
        process = key.decode().partition("!run:")[2]
        nodes = [json.loads(record) for record in self.redis.hgetall("tempest:nodes").values()]
        return [node["pid"] for node in nodes if process in node["queues"].values()]

    def _interrupted(self):
        try:
            self.boss.call("hold", "once", once=True, timeout=60)
        except RemoteError as error:
            self.error = error

    def test_a_worker_whose_connections_are_cut_or_that_is_fenced_goes_on(self):
        self.worker(self.url)
        self.boss.push("hold", "cut")
        self.began("cut")
        for _ in range(3):
            self.redis.client_kill_filter(user="worker")
            self.assertEqual(self.boss.call("echo", 1), [1])
        self.go("cut")
        wait_for(lambda: self.count("settled") == 4, "it was not settled")
        for process in self.redis.hkeys("{q}:!procs"):
            self.redis.execute_command("FCALL", "tempest1_reap", 1, "q", process, "*", "told")
        self.assertEqual(self.boss.call("echo", 2), [2])
        self.redis.flushall()
        self.assertEqual(self.boss.call("echo", 3), [3])
        self.check()

    def test_orders_of_operators_are_heard_and_what_still_runs_goes_back(self):
        first, second = self.worker(self.url, "--grace", "0.3"), self.worker(self.url, "--grace", "0.3")
        self.boss.push("hold", "runs")
        self.began("runs")
        wait_for(lambda: self.redis.hlen("tempest:nodes") == 2 and self.redis.smembers("tempest:queues") == {b"q"}, "they are not on record")
        wait_for(lambda: self.redis.pubsub_numsub("tempest:control") == [(b"tempest:control", 2)], "they do not listen")
        self.redis.publish("tempest:control", json.dumps({"to": "*", "do": "quiet"}))
        wait_for(lambda: all(b'"quiet"' in record for record in self.redis.hvals("tempest:nodes")), "they are not quiet")
        self.redis.publish("tempest:control", json.dumps({"to": "*", "do": "stop"}))
        self.assertEqual([worker.process.wait(20) for worker in (first, second)], [0, 0])
        self.assertEqual((self.redis.llen("q"), self.redis.hlen("tempest:nodes"), self.redis.exists("{q}:!procs")), (1, 0, 0))
        self.check()


class Documents(Bench):
    def test_the_users_in_the_documents_have_the_rights_of_the_table(self):
        text = (checkout.ROOT / "docs" / "redis-rights.md").read_text("utf-8")
        lines = [line for line in text.splitlines() if line.startswith("ACL SETUSER ")]
        roles = dict(re.findall(r"^\| ([a-z-]+) \| ([a-z ]+):", text, re.M))
        self.assertEqual(sorted(roles.values()), sorted(set(table()) - {"who", "each connection"}))
        for line in lines:
            words = line.split()
            self.redis.execute_command(*words)
            made = self.redis.execute_command("ACL", "GETUSER", words[2])
            make_user(self.server, "wanted", rights(roles.pop(words[2]), "mail"))
            wanted = self.redis.execute_command("ACL", "GETUSER", "wanted")
            # A flat list, or with redis-py 8 a map.
            users = [user if isinstance(user, dict) else dict(zip(user[::2], user[1::2])) for user in (made, wanted)]
            for user in users:
                del user[b"passwords"]
            self.assertEqual(*users, line)
        self.assertEqual(roles, {})


class MissingRights(Bench):
    def setUp(self):
        super().setUp()
        self.url = self.user("worker", name="bob")
        self.boss = self.admin()

    def change(self, *words):
        self.redis.execute_command("ACL", "SETUSER", "bob", *words)

    def test_what_redis_says_becomes_a_sentence_that_names_the_user_and_the_right(self):
        for entry in load("rights.json")["denials"]:
            self.assertEqual(sentences.denial(entry["reply"], entry["user"]), entry["message"])
        for reply in load("rights.json")["others"]:
            self.assertIsNone(sentences.denial(reply, "bob"), reply)

    def test_a_producer_or_caller_is_told_which_right_is_missing(self):
        client = Client(self.url, queue="q")
        self.addCleanup(client.close)
        for words, call, says in (
                ("-rpush", lambda: client.push("echo"), 'the Redis user "bob" may not run "rpush"'),
                ("+rpush resetkeys", lambda: client.push("echo"), 'the Redis user "bob" may not use a key of this command'),
                ("~* -zadd", lambda: client.push("echo", after=60), "may not run a command of the function tempest1_delay"),
                ("+zadd resetkeys ~q", lambda: client.push("echo", after=60), "may not use a key of the function tempest1_delay"),
                ("~* -hincrby", lambda: client.call("echo"), "may not run a command of the function tempest1_listen"),
                ("+hincrby resetchannels", lambda: client.publish("news", 1), "may not use a channel of the function tempest1_publish")):
            self.change(*words.split())
            with self.subTest(words), self.assertRaises(RedisRefused) as caught:
                call()
            self.assertEqual(caught.exception.word, "NOPERM")
            self.assertIn(says, str(caught.exception))
            self.assertIn("protocol/queues.md", str(caught.exception))

    def test_a_worker_that_lacks_a_right_at_its_start_ends_with_an_error_that_names_it(self):
        for right, says in (("fcall", 'may not run "fcall"'), ("hincrby", "may not run a command of the function tempest1_hello")):
            self.change(f"-{right}")
            worker = Worker("q", redis_url=self.url)
            worker.handler("echo")(print)
            with self.subTest(right), self.assertRaises(RedisRefused) as caught:
                worker.run()
            self.assertIn(says, str(caught.exception))
            self.change(f"+{right}")

    def test_a_right_that_is_taken_from_a_worker_at_work_is_an_error_again_and_again_and_nothing_is_lost(self):
        worker = self.worker(self.url)
        self.boss.push("hold", "taken")
        self.began("taken")
        self.change("-exists")
        self.go("taken")
        self.boss.push("echo", "waits")
        wait_for(lambda: sum("ERROR" in line and "a command of the function tempest1_" in line for line in worker.log) > 2, "it is not said again", 20)
        wait_for(lambda: worker.said("Redis refuses to settle jobs") and worker.said("the beat cannot do its work"), "settle or tick say nothing", 20)
        self.change("+exists")
        wait_for(lambda: self.count("settled") == 2, "something was lost", 20)
        self.assertFalse(self.redis.exists("{q}:!dead"))

    def test_a_right_to_block_that_is_missing_is_an_error_and_jobs_are_done_all_the_same(self):
        worker = self.worker(self.url)
        self.change("-blmove")
        wait_for(lambda: sum("ERROR" in line and "may not run" in line and "blmove" in line for line in worker.log) > 2, "it is not said", 20)
        self.assertEqual(self.boss.call("echo", 1), [1])

    def test_a_job_whose_settlement_needs_a_key_that_is_not_allowed_waits_for_it_and_is_not_dead(self):
        worker = self.worker(self.url)
        # All but {q}:!delayed.
        self.change("resetkeys", "~q", "~{q}:[^!]*", "~{q}:![^d]*", "~{q}:!de[^l]*", "~tempest:*")
        self.boss.push("flaky", 2)
        wait_for(lambda: worker.said("may not use a key of the function tempest1_settle"), "it is not said", 20)
        self.change("~{q}:*")
        wait_for(lambda: self.count("settled") == 2, "it does not go on", 20)
        self.assertEqual((self.count("retried"), self.redis.exists("{q}:!dead")), (1, 0))


if __name__ == "__main__":
    unittest.main()
