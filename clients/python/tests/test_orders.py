"""What operators see of a worker and tell it: its record and notes in Redis, quiet and stop by signal and by message."""
import json
import os
import re
import signal
import unittest

from redis_server import RedisServer, text, wait_for
from tempest import Client
from worker_process import WorkerProcess


class Orders(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=15)
        self.addCleanup(self.client.close)

    def start(self, *arguments, **environment):
        worker = WorkerProcess(self.server.url, "q", *arguments, **environment)
        self.addCleanup(worker.kill)
        return worker

    def nodes(self):
        return {node: json.loads(record) for node, record in text(self.redis.hgetall("tempest:nodes")).items()}

    def node(self, state):
        """The id and the record of the only node, once it is in that state."""
        wait_for(lambda: [record["state"] for record in self.nodes().values()] == [state], f"it is not {state}")
        ((node, record),) = self.nodes().items()
        return node, record

    def tell(self, to, do):
        wait_for(lambda: self.redis.pubsub_numsub("tempest:control")[0][1] >= 1, "nobody listens")
        self.redis.publish("tempest:control", json.dumps({"to": to, "do": do}))

    def held(self, n):
        wait_for(lambda: self.redis.llen("held") == n, f"not {n} begun")

    def test_a_node_says_who_it_is(self):
        worker = self.start("q2", "--concurrency", "3", "--name", "ignored", TEMPEST_PROCESS="child of Tempest")
        node, record = self.node("running")
        started = record.pop("started")
        self.assertLess(abs(started / 1000 - self.redis.time()[0]), 30)
        self.assertTrue(node.startswith("child-of-Tempest."), node)
        queues = record.pop("queues")
        self.assertEqual(record, {"name": "child-of-Tempest", "kind": "worker", "language": "python", "version": "0.1.0",
                                  "host": os.uname().nodename, "pid": worker.process.pid, "concurrency": 3, "state": "running"})
        self.assertEqual(queues, {queue: self.redis.hkeys(f"{{{queue}}}:!procs")[0].decode() for queue in ("q", "q2")})
        self.assertTrue(all(process.startswith("child-of-Tempest.") for process in queues.values()))
        self.redis.hdel("{q}:!procs", queues["q"])
        wait_for(lambda: self.node("running")[1]["queues"]["q"] != queues["q"], "the record names the P that was fenced")
        worker.signal()
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(self.nodes(), {})

    def test_notes_say_what_runs(self):
        self.start("--concurrency", "2")
        first = self.client.push("hold", "a", level="low")
        self.held(1)
        self.client.push("hold", "b")
        self.held(2)
        (process,) = text(self.redis.hkeys("{q}:!procs"))
        note = wait_for(lambda: self.note(process, 2), "no note of both")
        job, action, level, started = note["running"][0]
        self.assertEqual((job, action, level), (first, "hold", "low"))
        self.assertLess(abs(started / 1000 - self.redis.time()[0]), 30)
        self.redis.rpush("release:a", "")
        self.redis.rpush("release:b", "")
        self.assertEqual(wait_for(lambda: self.note(process, 0), "no note of the end"), {"running": [], "count": 0})

    def note(self, process, count):
        note = json.loads(self.redis.hget("{q}:!notes", process) or "{}")
        return note if note.get("count") == count else None

    def quiet(self, worker, order):
        self.client.push("hold", "a")
        self.held(1)
        order()
        self.node("quiet")
        self.client.push_many([("note", [str(n)]) for n in range(5)])
        self.redis.rpush("release:a", "")
        wait_for(lambda: self.redis.hget("{q}:!counts", "settled") == b"1", "what ran did not end")
        (process,) = text(self.redis.hkeys("{q}:!procs"))
        beats = int(self.redis.hget("{q}:!procs", process))
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > beats + 1, "it does not beat")
        self.assertEqual((self.redis.llen("q"), self.redis.llen("noted"), self.redis.keys("{q}:!land:*")), (5, 0, []))
        self.assertEqual([json.loads(job)[1] for job in self.redis.lrange("q", 0, -1)], [[str(n)] for n in range(5)])
        worker.signal()
        self.assertEqual(worker.wait(), 0)

    def test_sigtstp_makes_it_quiet(self):
        worker = self.start("--concurrency", "2")
        self.quiet(worker, lambda: worker.signal(signal.SIGTSTP))

    def test_a_message_makes_it_quiet(self):
        worker = self.start("--concurrency", "2")
        node, record = self.node("running")
        self.tell("somebody else", "stop")
        self.tell(node, "nonsense")
        self.redis.publish("tempest:control", b"\xff[")
        self.quiet(worker, lambda: self.tell(record["name"], "quiet"))

    def test_a_message_stops_it_and_twice_does_not_hurry(self):
        worker = self.start()
        self.client.push("hold", "a")
        self.held(1)
        node, _ = self.node("running")
        self.tell(node, "stop")
        self.node("stopping")
        self.tell("*", "stop")
        self.client.push("note", "left")
        (process,) = text(self.redis.hkeys("{q}:!procs"))
        beats = int(self.redis.hget("{q}:!procs", process))
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > beats + 1, "it does not beat while it drains")
        self.redis.rpush("release:a", "")
        self.assertEqual(worker.wait(), 0)
        self.assertEqual((self.redis.hget("{q}:!counts", "settled"), self.redis.llen("q"), self.nodes()), (b"1", 1, {}))
        self.assertEqual(self.redis.keys("{q}:!procs") + self.redis.keys("{q}:!notes") + self.redis.keys("{q}:!leases"), [])

    def test_a_quiet_worker_that_is_fenced_stays_quiet(self):
        worker = self.start()
        worker.signal(signal.SIGTSTP)
        self.node("quiet")
        (old,) = text(self.redis.hkeys("{q}:!procs"))
        self.redis.hdel("{q}:!procs", old)
        wait_for(lambda: text(self.redis.hkeys("{q}:!procs")) not in ([], [old]), "it does not begin anew")
        self.client.push("note", "left")
        self.node("quiet")
        self.assertEqual(self.redis.llen("q"), 1)

    def test_a_redis_that_refuses_writes_is_waited_for(self):
        worker = self.start()
        self.assertEqual(self.client.call("echo", 1), [1])
        self.redis.execute_command("REPLICAOF", "127.0.0.1", "1")  # READONLY, and MASTERDOWN for what reads
        self.redis.config_resetstat()
        before = self.redis.time()
        # Many, because all that this worker does is refused once at the beginning, one right after the other.
        wait_for(lambda: self.refusals() >= 12, "nothing was refused")
        after = self.redis.time()
        rate = self.refusals() / (after[0] - before[0] + (after[1] - before[1]) / 1e6)
        self.assertLess(rate, 100, "it asks again and again")
        self.redis.execute_command("REPLICAOF", "NO", "ONE")
        self.assertEqual(self.client.call("echo", 2), [2])
        self.assertIsNone(worker.process.poll())

    def refusals(self):
        return sum(int(re.search(r"count=?'?:? ?(\d+)", str(stat))[1]) for stat in self.redis.info("errorstats").values())

    def test_a_fenced_handler_learns_that_it_is_no_longer_wanted(self):
        worker = self.start("--concurrency", "2")
        for action in ("patient", "sleepy"):
            self.client.push(action, action, timeout=60)
        self.held(2)
        (old,) = text(self.redis.hkeys("{q}:!procs"))
        self.redis.execute_command("FCALL", "tempest1_pause", 1, "q")
        self.redis.execute_command("FCALL", "tempest1_reap", 1, "q", old, "*")
        wait_for(lambda: self.redis.llen("woken") == 1, "the task was not cancelled")
        self.redis.execute_command("FCALL", "tempest1_resume", 1, "q")
        # Both slots are free again, for both handlers have ended: the jobs are begun a second time.
        self.held(4)
        self.assertEqual(self.redis.hget("{q}:!counts", "settled"), None)
        self.assertTrue(worker.said("fenced: what it ran is dropped"))
