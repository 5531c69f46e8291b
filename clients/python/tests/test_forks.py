"""Children of os.fork, and clients that nobody closes: neither disturbs anybody, and nothing of them stays."""
import gc
import os
import sys
import threading
import unittest
from contextlib import nullcontext

from redis_server import RedisServer, text, wait_for
from tempest import Client, RedisUnavailable
from worker_process import WorkerProcess


class Forks(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=20)
        self.addCleanup(self.client.close)

    def start(self, *arguments):
        worker = WorkerProcess(self.server.url, "q", *arguments)
        self.addCleanup(worker.kill)
        return worker

    def fork(self, work):
        """The child's process number; it ends with status 0 if the work raised nothing."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            os.write(2, f"in the child: {error!r}\n".encode())
        finally:
            os._exit(status)

    def reap(self, pids):
        ended = {}

        def all_ended():
            for pid in pids:
                if pid not in ended:
                    found, status = os.waitpid(pid, os.WNOHANG)
                    if found:
                        ended[pid] = os.waitstatus_to_exitcode(status)
            return len(ended) == len(pids)

        wait_for(all_ended, "a child hangs", 30)
        self.assertEqual(list(ended.values()), [0] * len(pids))

    def test_parent_and_children_use_one_client_and_none_disturbs_another(self):
        self.start("--concurrency", "2")
        self.assertEqual(self.client.call("echo", "parent"), ["parent"])

        def work():
            for number in range(30):
                self.client.push("echo", number, queue="pushed")
                if self.client.call("echo", os.getpid(), number) != [os.getpid(), number]:
                    raise AssertionError("the answer is another's")
            self.client.publish("news", "of a child")
            self.client.close()

        children = [self.fork(work) for _ in range(4)]
        for number in range(30):
            self.client.push("echo", number, queue="pushed")
            self.assertEqual(self.client.call("echo", number), [number])
        self.reap(children)
        self.assertEqual(self.redis.llen("pushed"), 150)
        self.assertEqual(self.client.call("echo", "parent"), ["parent"])

    def test_a_child_that_is_made_while_a_thread_pushes_does_not_wait_for_that_thread(self):
        over, pushed = threading.Event(), []

        def push():
            while not over.is_set():
                pushed.append(self.client.push("echo", 1))

        pusher = threading.Thread(target=push)
        pusher.start()
        try:
            wait_for(lambda: pushed, "nothing was pushed")
            self.reap([self.fork(lambda: self.client.push("echo", 2)) for _ in range(30)])
        finally:
            over.set()
            pusher.join()
        self.assertEqual(self.redis.llen("q"), len(pushed) + 30)

    def test_a_child_knows_nothing_of_an_outage_that_its_parent_has_met(self):
        client = Client(self.server.url, queue="q", patience=0)
        self.addCleanup(client.close)
        self.server.kill()
        self.assertRaises(RedisUnavailable, client.push, "echo")
        self.server.start()

        def push():
            with self.assertNoLogs("tempest", "INFO") if sys.version_info >= (3, 10) else nullcontext():
                client.push("echo", 1)

        # A thread of the parent is about to say something of it.
        with client._shared.outage._lock:
            child = self.fork(push)
        self.reap([child])
        self.assertEqual(self.redis.llen("q"), 1)

    def test_a_child_that_comes_back_from_its_handler_ends_as_any_program_does(self):
        self.start()
        for way, status in ("exit", 3), ("exit_text", 1), ("return", 0), ("raise", 1), ("send", 0):
            with self.subTest(way):
                self.assertEqual(self.client.call("fork_back", way), status)
        self.assertEqual(self.client.call("echo", 1), [1])

    def test_clients_that_nobody_closes_leave_no_threads_connections_and_inboxes(self):
        self.start()
        self.assertEqual(self.client.call("echo", 0), [0])
        self.assertEqual(list(self.client.stream("count", 1)), [0, "end"])  # for which the worker has a connection of its own
        threads, connections = threading.active_count(), len(self.redis.client_list())
        for number in range(20):
            self.assertEqual(Client(self.server.url, queue="q").call("echo", number, timeout=20), [number])
        stream = Client(self.server.url, queue="q").stream("count", 3, timeout=20)
        gc.collect()
        self.assertEqual(list(stream), [0, 1, 2, "end"])
        del stream
        gc.collect()
        wait_for(lambda: threading.active_count() <= threads, "their threads go on")
        wait_for(lambda: len(self.redis.client_list()) <= connections, "their connections stay")
        wait_for(lambda: len([each for each in text(self.redis.hkeys("{q}:!inboxes")) if "#" not in each]) == 1, "their inboxes stay")


if __name__ == "__main__":
    unittest.main()
