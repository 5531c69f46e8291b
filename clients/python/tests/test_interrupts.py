"""Exceptions out of signal handlers, such as time-outs by an alarm and Ctrl-C, in the middle of calls."""
import random
import signal
import unittest

from redis_server import RedisServer
from tempest import Client
from worker_process import WorkerProcess

CALLS = 400


class Alarm(Exception):
    pass


def ring(*_):
    raise Alarm


class Interrupts(unittest.TestCase):
    def test_a_call_that_a_signal_ends_spoils_no_other_redis_py_2624(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        server = RedisServer()
        self.addCleanup(server.stop)
        worker = WorkerProcess(server.url, "q", "--concurrency", "2")
        self.addCleanup(worker.kill)
        before = signal.signal(signal.SIGALRM, ring)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with Client(server.url, queue="q", timeout=10) as client:
            client.call("echo", "first")
            ended = 0
            for number in range(CALLS):
                try:
                    try:
                        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00005, 0.002))
                        self.assertEqual(client.call("echo", number), [number], f"seed {seed}")
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except Alarm:
                    ended += 1
            self.assertGreater(ended, 0)
            self.assertEqual(client.call("echo", "last"), ["last"], f"seed {seed}: after {ended} alarms")


if __name__ == "__main__":
    unittest.main()
