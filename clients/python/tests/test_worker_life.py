"""What a worker leaves in Redis when it is killed, stopped, fenced, cut off, or when its functions are flushed."""
import os
import signal
import time
import unittest
from itertools import takewhile

from redis_server import RedisServer, text, wait_for
from tempest import Client
from worker_process import WorkerProcess


class WorkerLife(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=15)
        self.addCleanup(self.client.close)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", *arguments)
        self.addCleanup(worker.kill)
        return worker

    def processes(self):
        return text(self.redis.hgetall("{q}:!procs"))

    def running(self):
        """The payloads in the run hashes of all processes."""
        return [text(value) for process in self.processes()
                for field, value in self.redis.hgetall("{q}:!run:" + process).items() if field not in (b"#", b"@", b"!")]

    def hold(self, *words):
        for word in words:
            self.client.push("hold", word)
        wait_for(lambda: self.redis.llen("held") >= len(words), "not begun")

    def test_kill_9_leaves_the_job_in_the_run_hash_and_ends_the_beat(self):
        worker = self.start()
        self.hold("a")
        children = wait_for(lambda: beat_processes(worker.process.pid), "there is no beat process")
        worker.kill()
        self.assertEqual(len(self.running()), 1)
        self.assertIn('"hold"', self.running()[0])
        wait_for(lambda: not any(alive(child) for child in children), "the beat outlives its worker")

    def test_sigterm_finishes_what_runs_and_gives_the_rest_back(self):
        worker = self.start("--concurrency", "2")
        self.hold("a", "b")
        self.client.push_many([("note", ["left"])] * 3)
        worker.signal(signal.SIGTERM)
        wait_for(lambda: any("stopping" in line for line in worker.log), "it does not stop")
        self.redis.rpush("release:a", "")
        self.redis.rpush("release:b", "")
        self.assertEqual(worker.wait(), 0)
        self.assertEqual((self.processes(), self.redis.llen("q"), self.redis.llen("noted")), ({}, 3, 0))
        self.assertEqual(self.redis.hget("{q}:!counts", "settled"), b"2")
        self.assertEqual(self.redis.keys("{q}:!run:*") + self.redis.keys("{q}:!land:*") + self.redis.keys("{q}:!cid:*"), [])

    def test_a_second_signal_gives_back_at_once(self):
        worker = self.start()
        self.hold("a")
        worker.signal(signal.SIGINT)
        wait_for(lambda: any("stopping" in line for line in worker.log), "it does not stop")
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.assertLess(time.monotonic() - began, 20, "the grace is 25 seconds")
        self.assertEqual((self.processes(), self.redis.llen("q")), ({}, 1))

    def test_the_grace_period_ends(self):
        worker = self.start("--grace", "0.5")
        self.hold("a")
        worker.signal()
        self.assertEqual(worker.wait(5), 0)
        self.assertEqual(self.redis.llen("q"), 1)

    def test_an_idle_worker_stops_at_once(self):
        worker = self.start()
        wait_for(lambda: self.redis.info("clients")["blocked_clients"] == 3, "it does not park")
        worker.signal()
        self.assertEqual(worker.wait(), 0)
        # It does not wait until they have waited: their waits are ended, or their connections.
        ended = [self.redis.info("commandstats").get(f"cmdstat_client|{way}", {}).get("calls", 0) for way in ("unblock", "kill")]
        self.assertGreaterEqual(sum(ended), 3)

    def test_the_beat_goes_on_while_a_handler_holds_the_gil(self):
        self.start()
        job = self.client.stream("hog", 4)
        wait_for(lambda: self.redis.llen("held") == 1, "not begun")
        (process,) = self.processes()
        before = int(self.redis.hget("{q}:!procs", process))
        # However slow the machine is: it has to beat before the handler has ended.
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > before + 1 or not self.running(), "no beat", 60)
        self.assertEqual(len(self.running()), 1, "the handler had ended by then")
        self.assertEqual(list(job), [4])

    def test_a_beat_process_that_died_is_replaced(self):
        worker = self.start()
        (child,) = wait_for(lambda: beat_processes(worker.process.pid), "there is no beat process")
        os.kill(child, signal.SIGKILL)
        wait_for(lambda: beat_processes(worker.process.pid) not in ([], [child]), "no other beat process")
        (process,) = self.processes()
        before = int(self.redis.hget("{q}:!procs", process))
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > before, "it does not beat")

    def test_a_fenced_worker_begins_anew(self):
        worker = self.start()
        self.hold("a")
        (old,) = self.processes()
        # As others do who see that its beat stands still: its jobs go back, and it is no more.
        self.redis.execute_command("FCALL", "tempest1_goodbye", 1, "q", old, "high", "default", "low")
        (new,) = wait_for(self.processes, "it does not begin anew")
        self.assertNotEqual(old, new)
        self.assertEqual(self.redis.llen("q"), 1, "the only slot is taken: the job waits")
        self.redis.rpush("release:a", "", "")
        wait_for(lambda: self.redis.hget("{q}:!counts", "settled") == b"1", "it was not run again")
        self.assertEqual(self.redis.llen("held"), 2)
        self.assertEqual(self.client.call("echo", 1), [1])
        self.assertIsNone(worker.process.poll())

    def test_a_fenced_process_is_never_used_again(self):
        self.start()
        self.hold("a")
        (old,) = self.processes()
        with self.redis.monitor() as monitor:
            self.redis.hdel("{q}:!procs", old)
            (new,) = wait_for(self.processes, "it does not begin anew")
            self.redis.rpush("release:a", "", "")
            self.assertEqual(self.client.call("echo", 1), [1])
            self.redis.echo("seen")
            said = list(takewhile(lambda command: command != "ECHO seen", (seen["command"] for seen in monitor.listen())))
        self.assertNotEqual(old, new)
        self.assertEqual([command for command in said if f"{old} new" in command or f"{old} again" in command], [])
        # What it held goes back and runs again; the first answer is dropped.
        self.assertFalse(self.redis.exists("{q}:!run:" + old))
        self.assertEqual(self.redis.hget("{q}:!counts", "returned"), b"1")

    def test_a_flushed_redis_is_joined_again(self):
        self.start()
        self.assertEqual(self.client.call("echo", 1), [1])
        self.redis.flushall()
        self.redis.execute_command("FUNCTION", "FLUSH")
        self.assertEqual(self.client.call("echo", 2), [2])
        wait_for(lambda: self.redis.sismember("tempest:queues", "q"), "the queue is not on the list again")

    def test_flushed_functions_are_loaded_again(self):
        self.start()
        before = self.processes()
        self.redis.execute_command("FUNCTION", "FLUSH")
        self.assertEqual(self.client.call("echo", 1), [1])
        self.assertEqual(list(self.processes()), list(before))

    def test_a_restarted_redis_is_found_again(self):
        self.start()
        self.assertEqual(self.client.call("echo", 1), [1])
        self.server.kill()
        self.server.start()
        wait_for(self.processes, "the worker does not come back")
        self.assertEqual(self.client.call("echo", 2), [2])

    def test_broken_connections_lose_nothing(self):
        self.start("--concurrency", "4")
        for round in range(5):
            ids = self.client.push_many([("note", [f"{round}.{n}"]) for n in range(100)])
            self.assertEqual(len(ids), 100)
            self.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wanted = {f"{round}.{n}" for round in range(5) for n in range(100)}
        wait_for(lambda: set(text(self.redis.lrange("noted", 0, -1))) == wanted, "jobs were lost", 60)
        wait_for(lambda: not self.running(), "claims were not settled")

    def test_a_lost_reply_of_a_claim_is_recovered(self):
        self.start()
        (process,) = wait_for(self.processes, "nobody there")
        # As if a claim had run and its reply been lost: the number has moved on, and a job is in the hash.
        self.redis.hset("{q}:!run:" + process, mapping={"#": 1000, "@": 1000, "default.1000": '["note",["found"],null,"id"]'})
        self.client.push("note", "next")
        wait_for(lambda: set(self.redis.lrange("noted", 0, -1)) == {b"found", b"next"}, "the claim was not recovered")
        wait_for(lambda: not self.running(), "the claim was not settled")


def beat_processes(parent):
    """The ids of the children of a process whose program is Python."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/cmdline", "rb") as command:
                    if int(stat.read().rpartition(")")[2].split()[1]) == parent and b"tempest.beat" in command.read():
                        found.append(int(entry))
            except (OSError, ValueError):
                pass
    return found


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
