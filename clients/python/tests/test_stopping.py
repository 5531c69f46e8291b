"""A worker that is to stop while Redis is away, or hangs, ends in time: within its grace, and without anything to do within seconds."""
import signal
import time
import unittest

from redis_server import RedisServer, wait_for
from tempest import Client
from worker_process import WorkerProcess


class Stopping(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", "p", *arguments)
        self.addCleanup(worker.kill)
        return worker

    def take_away(self, how):
        if how == "gone":
            self.server.kill()
        else:
            self.server.process.send_signal(signal.SIGSTOP)
            self.addCleanup(self.server.process.send_signal, signal.SIGCONT)

    def ended_after(self, worker, seconds):
        self.assertEqual(worker.wait(seconds), 0, "".join(worker.log))

    def test_a_worker_with_nothing_to_do_ends_within_seconds(self):
        for how in "gone", "hanging":
            with self.subTest(how):
                worker = self.start("--grace", "60")
                self.take_away(how)
                worker.signal()
                self.ended_after(worker, 25)
            self.setUp()

    def test_a_worker_at_work_ends_with_its_grace(self):
        for how in "gone", "hanging":
            with self.subTest(how):
                worker = self.start("--grace", "3", "--concurrency", "2")
                with Client(self.server.url, queue="q") as client:
                    client.push("deaf", 1)
                    client.push("deaf", 60)
                wait_for(lambda: self.server.client.hget("{q}:!counts", "claimed") == b"2", "not both began")
                self.take_away(how)
                began = time.monotonic()
                worker.signal()
                self.ended_after(worker, 3 + 20)
                self.assertGreater(time.monotonic() - began, 2.9, "it had three seconds")
            self.setUp()

    def test_a_second_signal_ends_a_worker_whose_results_redis_does_not_take(self):
        worker = self.start("--grace", "60")
        with Client(self.server.url, queue="q") as client:
            client.push("deaf", 0.5)
        wait_for(lambda: self.server.client.hget("{q}:!counts", "claimed") == b"1", "it did not begin")
        self.take_away("gone")
        worker.signal()
        wait_for(lambda: worker.said("stopping"), "it does not stop")
        worker.signal()
        self.ended_after(worker, 25)

    def test_a_worker_leaves_all_its_queues_also_one_that_may_not_end_connections(self):
        admin = self.server.client
        admin.execute_command("ACL", "SETUSER", "me", "on", ">mine", "~*", "&*", "+@all", "-client", "-info")
        for url in self.server.url, f"unix://me:mine@{self.server.socket}":
            with self.subTest(url):
                worker = WorkerProcess(url, "q", "p", "r")
                self.addCleanup(worker.kill)
                wait_for(lambda: admin.hlen("tempest:nodes") == 1, "it is not on record")
                worker.signal()
                self.ended_after(worker, 40)
                self.assertEqual([admin.hlen(f"{{{queue}}}:!procs") for queue in "qpr"], [0, 0, 0], "".join(worker.log))
                self.assertEqual(admin.hlen("tempest:nodes"), 0)
                self.assertFalse(worker.said("Traceback"))


if __name__ == "__main__":
    unittest.main()
