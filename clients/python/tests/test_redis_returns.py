"""A Redis that was killed and is there again, and has forgotten its last writes, or still loads: what idle workers and callers make of it."""
import os
import shutil
import signal
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile

import redis
from keeping_proxy import KeepingProxy
from redis_server import RedisServer, text, wait_for
from served import Served
from tempest import Client, RedisUnavailable
from tempest.dispatcher import Dispatcher
from worker_process import WorkerProcess


class ForgetfulRedis(RedisServer):
    """Can be put back to an earlier moment, as a loss of power does with what was not on the disk yet."""

    def __init__(self):
        # All that it has acknowledged is in the file, though perhaps not on the disk: kill -9 loses nothing of it.
        super().__init__("--appendonly", "yes", "--appendfsync", "no")

    @property
    def file(self):
        return os.path.join(self.folder, "appendonlydir")

    def remember(self):
        shutil.copytree(self.file, self.file + ".remembered")

    def forget(self):
        """It is killed, and has forgotten all since `remember`."""
        self.kill()
        shutil.rmtree(self.file)
        os.rename(self.file + ".remembered", self.file)
        self.start()


class RedisReturns(unittest.TestCase):
    def setUp(self):
        self.server = ForgetfulRedis()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client

    def start(self, url=None, lease=10):
        worker = WorkerProcess(url or self.server.url, "q", "--concurrency", "2", "--lease", str(lease))
        self.addCleanup(worker.kill)
        return worker

    def idle_worker(self, url=None):
        """A worker that has settled a job and is idle; Redis remembers the moment before the settle."""
        worker = self.start(url)
        self.redis.rpush("q", '["hold",["a"],null,"id"]')
        self.begun(1)
        # With a slot left it claims and parks beside the job, so that nothing is to be done after the settle.
        wait_for(lambda: len(self.parked()) == 3, "it does not park")
        self.server.remember()
        self.redis.rpush("release:a", "")
        self.settled()
        return worker

    def begun(self, times):
        wait_for(lambda: self.redis.llen("held") == times, "not begun")

    def parked(self):
        return [client["id"] for client in self.redis.client_list() if client["name"].startswith("tempest:") and "b" in client["flags"]]

    def settled(self):
        # Asks twice: what Redis has replied to the worker it has sent by then.
        wait_for(lambda: self.redis.hget("{q}:!counts", "settled") == b"1" and not self.held(), "not settled")

    def held(self):
        return [field for process in text(self.redis.hkeys("{q}:!procs"))
                for field in text(self.redis.hkeys("{q}:!run:" + process)) if field not in ("#", "@", "!")]

    def runs_again(self):
        self.begun(2)
        self.redis.rpush("release:a", "")
        self.settled()

    def test_an_idle_worker_runs_what_a_redis_that_was_killed_says_it_holds(self):
        self.idle_worker()
        before = self.redis.hkeys("{q}:!procs")
        self.server.forget()
        self.runs_again()
        self.assertEqual(self.redis.hkeys("{q}:!procs"), before)

    def test_a_quiet_worker_without_parked_connections_gives_back_what_such_a_redis_says_it_holds(self):
        worker = self.idle_worker()
        worker.signal(signal.SIGTSTP)
        wait_for(lambda: not self.parked(), "it parks on")
        self.server.forget()
        wait_for(lambda: self.redis.llen("q") == 1, "the job does not come back")
        self.assertEqual(self.held(), [])

    def test_a_worker_whose_own_connection_was_kept_finds_out_that_redis_is_another_one(self):
        proxy = KeepingProxy(self.server)
        self.addCleanup(proxy.close)
        worker = self.idle_worker(proxy.url)
        wait_for(proxy.all_is_answered, "the worker waits for a reply")
        self.server.forget()
        self.runs_again()
        self.assertFalse(worker.said("trying again"), "its connection was to be kept")

    def test_a_worker_that_may_not_ask_who_redis_is_compares_when_a_connection_has_had_trouble(self):
        self.redis.execute_command("ACL", "SETUSER", "default", "-info")
        self.start(lease=1)
        wait_for(lambda: len(self.parked()) == 3, "it does not park")
        (process,) = text(self.redis.hkeys("{q}:!procs"))
        # Its beat has connections of its own, of which it is told as they come to be.
        wait_for(lambda: int(self.redis.hget("{q}:!procs", process)) > 20, "it does not beat")
        self.redis.hset("{q}:!run:" + process, "default.1000", '["hold",["a"],null,"id"]')
        self.redis.rpush("held", "not yet")
        self.redis.client_kill_filter(_id=self.parked()[0])
        self.runs_again()

    def test_a_worker_that_becomes_quiet_on_a_new_connection_says_hello_before_it_adopts(self):
        served = Served(self.server, {})
        self.addCleanup(served.stop)
        wait_for(lambda: len(self.parked()) == 3, "it does not park")
        (dispatcher,) = [thread for thread in threading.enumerate() if isinstance(thread, Dispatcher)]
        with self.redis.monitor() as monitor:
            self.redis.client_kill_filter(_id=dispatcher._link.identity.rpartition("/")[2])
            served.worker.quiet()
            wait_for(lambda: b"quiet" in self.redis.hvals("tempest:nodes")[0], "it does not become quiet")
            self.redis.echo("seen")
            said = list(takewhile(lambda command: command != "ECHO seen", (seen["command"] for seen in monitor.listen())))
        said = [word for command in said for word in ("hello", "adopt") if f"tempest1_{word}" in command]
        self.assertEqual(said[:3], ["hello", "hello", "adopt"])  # the second says that it knows no actions


class RedisLoads(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client

    def restart_loading(self):
        """It reads its file for as long as the test likes: 20 s at most, a moment for each key, after which it answers who asks."""
        for n in range(1000):
            self.redis.set(f"filling:{n}", os.urandom(2048))
        self.redis.save()
        self.server.kill()
        self.server.launch("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
        wait_for(self.loads, "it does not load")

    def loads(self):
        try:
            return self.server.listens() and not self.redis.ping()
        except redis.ConnectionError as error:
            return isinstance(error, redis.BusyLoadingError)

    def finish_loading(self):
        self.redis.config_set("key-load-delay", 0)
        wait_for(self.server.answers, "it does not end")

    def client(self, **options):
        client = Client(self.server.url, queue="q", **options)
        self.addCleanup(client.close)
        return client

    def test_whoever_asks_is_told_that_redis_is_away(self):
        self.restart_loading()
        client = self.client(patience=0)
        for ask in (lambda: client.push("echo"), lambda: client.push("echo", after=60), lambda: client.push_many([("echo", [])]),
                    lambda: client.cancel("id"), lambda: client.publish("news", 1), lambda: client.call("echo", timeout=0.3)):
            self.assertRaises(RedisUnavailable, ask)

    def test_a_call_waits_for_its_inbox_until_redis_has_loaded(self):
        worker = WorkerProcess(self.server.url, "q")
        self.addCleanup(worker.kill)
        self.restart_loading()
        with self.assertLogs("tempest", "WARNING") as log:
            call = ThreadPoolExecutor(1).submit(self.client(timeout=30).call, "echo", 1)
            wait_for(lambda: any("LOADING" in line or "loading" in line for line in log.output), "no try")
        self.finish_loading()
        self.assertEqual(call.result(30), [1])


if __name__ == "__main__":
    unittest.main()
