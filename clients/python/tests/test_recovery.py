"""Workers that die, hang or are stopped, and what the others make of it: real processes, a Redis of their own."""
import json
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from redis_server import RedisServer, text, wait_for
from tempest import Client, RemoteError
from worker_process import WorkerProcess

LEASE = 1.2  # short enough to wait for, long enough for a machine that is busy with other things


class Recovery(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=20)
        self.addCleanup(self.client.close)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", "--lease", str(LEASE), *arguments)
        self.addCleanup(worker.kill)
        return worker

    def watcher(self):
        """A worker that claims nothing, and observes the others."""
        worker = self.start("--name", "watcher")
        worker.signal(signal.SIGTSTP)
        wait_for(lambda: "quiet" in self.states(), "it does not become quiet")
        return worker

    def states(self):
        return [json.loads(record)["state"] for record in self.redis.hvals("tempest:nodes")]

    def count(self, name):
        return int(self.redis.hget("{q}:!counts", name) or 0)

    def processes(self):
        return text(self.redis.hkeys("{q}:!procs"))

    def held(self, n):
        wait_for(lambda: self.redis.llen("held") >= n, f"{n} jobs were not begun")

    def test_what_a_killed_worker_held_is_run_by_another(self):
        other = self.start("--concurrency", "2")
        worker = self.start("--concurrency", "3")
        # Both hold jobs, and both have parked connections; the killed one's fall to the other.
        for word in "abcde":
            self.client.push("hold", word)
        self.held(5)
        began = time.monotonic()
        worker.kill()
        wait_for(lambda: self.count("reaped") == 1, "it was not reaped", LEASE + 3)
        self.assertGreater(time.monotonic() - began, LEASE * 0.5)
        self.assertEqual(len(self.processes()), 1)
        wait_for(lambda: self.states() == ["running"], "the record of the dead node stays")
        wait_for(lambda: any("a process is dead: its jobs are back in the queue" in line and "jobs=3" in line for line in other.log), "the log does not say so")
        for word in "abcde":
            self.redis.rpush(f"release:{word}", "", "")
        wait_for(lambda: self.count("settled") == 5, "not all was run")
        self.assertEqual((self.count("recovered"), self.count("crashed"), self.redis.llen("held")), (3, 3, 8))
        self.assertEqual(self.redis.keys("{q}:!run:*") + self.redis.keys("{q}:!cid:*") + self.redis.keys("{q}:!land:*"),
                         [f"{{q}}:!run:{self.processes()[0]}".encode(), f"{{q}}:!cid:{self.processes()[0]}".encode()])

    def test_a_worker_keeps_its_lease_while_a_handler_holds_the_gil(self):
        self.start()
        self.watcher()
        job = self.client.stream("hog", 4)  # more than three leases
        self.held(1)
        (process,) = [each for each in self.processes() if not each.startswith("watcher")]
        began, before = time.monotonic(), int(self.redis.hget("{q}:!procs", process))
        self.assertEqual(list(job), [4])
        took, beats = time.monotonic() - began, int(self.redis.hget("{q}:!procs", process)) - before
        self.assertGreater(took, 3 * LEASE)
        self.assertGreater(beats, took / LEASE * 3, "about ten beats a lease, fewer on a busy machine")
        self.assertEqual((self.count("reaped"), self.count("stale")), (0, 0))

    def test_a_stopped_worker_loses_its_jobs_and_begins_anew(self):
        worker = self.start("--name", "stopped")
        self.watcher()
        self.client.push("hold", "a")
        self.held(1)
        (old,) = [each for each in self.processes() if each.startswith("stopped")]
        worker.signal(signal.SIGSTOP)
        try:
            wait_for(lambda: self.count("reaped") == 1, "it was not reaped", LEASE + 3)
            self.assertEqual(self.redis.llen("q"), 1)
            self.redis.rpush("release:a", "")
        finally:
            worker.signal(signal.SIGCONT)
        self.held(2)
        self.redis.rpush("release:a", "")
        wait_for(lambda: self.count("settled") == 1, "the job was not run again")
        new = [each for each in self.processes() if each.startswith("stopped")]
        self.assertEqual((len(new), old in new), (1, False))
        wait_for(lambda: sorted(self.states()) == ["quiet", "running"], "its record is not there again")
        self.assertTrue(worker.said("fenced: what it ran is dropped"))
        self.assertIsNone(worker.process.poll())

    def test_a_redis_that_stood_still_costs_nobody_its_lease(self):
        workers = [self.start("--name", f"w{n}") for n in range(3)]
        before = set(self.processes())
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            # It is the time that passes that is tested: two leases in which nobody can beat.
            wait_for(lambda: all(worker.said("cannot use Redis; trying again") for worker in workers), "nobody noticed")
            stopped = time.monotonic()
            wait_for(lambda: time.monotonic() > stopped + 2 * LEASE, "")
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        beats = {process: int(self.redis.hget("{q}:!procs", process)) for process in before}
        wait_for(lambda: all(int(self.redis.hget("{q}:!procs", process) or 0) > beats[process] + 20 for process in before),
                 "they do not beat again")
        self.assertEqual((set(self.processes()), self.count("reaped")), (before, 0))

    def test_a_job_that_crashes_its_processes_is_poison_and_its_caller_learns_it(self):
        watcher = self.watcher()
        call = ThreadPoolExecutor(1).submit(self.client.call, "crash")
        wait_for(lambda: self.redis.llen("q") == 1, "not called")
        self.client.push("hold", "bystander", level="low")
        for crash in range(1, 5):
            worker = self.start("--concurrency", "2")
            wait_for(lambda: self.redis.llen("crashed") == crash, f"crash {crash} did not happen")
            worker.process.wait(10)
            wait_for(lambda: self.count("reaped") == crash, f"{crash} were not reaped")
            if crash == 2:
                # Both jobs are to be run alone now; the bystander comes first, and does no harm.
                self.assertEqual(self.redis.llen("{q}:!suspect"), 2)
                self.redis.rpush("release:bystander", "", "")
        with self.assertRaises(RemoteError) as caught:
            call.result(10)
        self.assertEqual(caught.exception.code, "poison")
        ((_, record),) = self.redis.xrange("{q}:!dead")
        self.assertEqual((record[b"reason"], record[b"tries"]), (b"poison", b"3"))
        self.assertEqual((self.redis.llen("{q}:!suspect"), self.count("settled")), (0, 1), "the bystander was run")
        self.assertTrue(worker.said("a job that crashed its process runs alone"))
        self.assertEqual(watcher.log and [line for line in watcher.log if "Traceback" in line], [])

    def test_a_job_that_runs_alone_has_the_process_for_itself(self):
        worker = self.start("--concurrency", "3")
        self.client.push("hold", "first")
        self.held(1)
        # The only worker keeps the clock: it begins nothing more, and runs the job once it is idle.
        self.redis.rpush("{q}:!suspect", 'default:["hold",["alone"],null,"id"]')
        self.redis.publish("{q}:!news", "suspect")
        (process,) = self.processes()
        wait_for(lambda: worker.said("waits to run alone"), "it makes no room")
        self.client.push_many([("note", [str(n)]) for n in range(9)])
        self.redis.rpush("release:first", "")
        self.held(2)
        self.assertEqual(self.redis.hget("{q}:!run:" + process, "!").decode().split(".")[0], "default")
        beats = int(self.redis.hget("{q}:!procs", process))
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > beats + 5, "no beat")
        self.assertEqual((self.running(process), self.redis.llen("{q}:!suspect")), (1, 0))
        self.assertEqual((self.redis.llen("q"), self.redis.llen("noted")), (9, 0), "nothing runs beside it")
        self.redis.rpush("release:alone", "")
        wait_for(lambda: self.redis.llen("noted") == 9, "it does not go on")
        self.assertFalse(self.redis.hexists("{q}:!run:" + process, "!"))

    def running(self, process):
        return len([field for field in text(self.redis.hkeys("{q}:!run:" + process)) if field not in ("#", "@", "!")])

    def test_a_suspect_of_a_paused_level_holds_nobody_up(self):
        self.start()
        self.redis.execute_command("FCALL", "tempest1_pause", 1, "q", "low")
        self.redis.rpush("{q}:!suspect", 'low:["note",["alone"],null,"id"]')
        self.client.push_many([("note", [str(n)]) for n in range(50)])
        wait_for(lambda: self.redis.llen("noted") == 50, "the others were held up")
        self.redis.execute_command("FCALL", "tempest1_resume", 1, "q", "low")
        wait_for(lambda: self.redis.llen("noted") == 51, "it was not run after resume", 35)
