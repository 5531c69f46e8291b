"""How long clients wait for a Redis that is away (docs/redis-away.md)."""
import socket
import threading
import time
import unittest
from unittest import mock

from redis_server import RedisServer, wait_for
from tempest import CallTimeout, Client, RedisRefused, RedisUnavailable
from tempest.link import Link
from worker_process import WorkerProcess


class Away(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

    def client(self, **options):
        client = Client(self.server.url, queue="q", **options)
        self.addCleanup(client.close)
        return client

    def back_after(self, seconds):
        timer = threading.Timer(seconds, self.server.start)
        timer.start()
        self.addCleanup(timer.join)

    def test_a_push_and_a_call_wait_for_it(self):
        client = self.client(patience=20)
        client.push("warm")
        self.server.kill()
        began = time.monotonic()
        self.back_after(0.5)
        client.push("note", 1)
        self.assertGreater(time.monotonic() - began, 0.4)
        self.assertEqual(self.server.client.llen("q"), 1, "once")
        self.server.client.delete("q")
        worker = WorkerProcess(self.server.url, "q")
        self.addCleanup(worker.kill)
        self.server.kill()
        self.back_after(0.5)
        self.assertEqual(client.call("echo", 1, timeout=30), [1])

    def test_the_error_comes_after_the_patience_and_names_the_host(self):
        client = self.client(patience=0.7)
        self.server.kill()
        for ask in lambda: client.push("a"), lambda: client.push("a", after=60), lambda: client.call("a"), lambda: client.cancel("id"):
            began = time.monotonic()
            with self.assertRaises(RedisUnavailable) as caught:
                ask()
            self.assertGreaterEqual(time.monotonic() - began, 0.7)
            self.assertLess(time.monotonic() - began, 10)
            self.assertIn(self.server.socket, str(caught.exception))
            self.assertIn("is redis-server running there", str(caught.exception).lower())

    def test_a_call_waits_no_longer_than_its_timeout(self):
        client = self.client(patience=60)
        self.server.kill()
        began = time.monotonic()
        self.assertRaises(RedisUnavailable, client.call, "a", timeout=0.3)
        self.assertLess(time.monotonic() - began, 10)

    def test_without_patience_it_is_one_attempt(self):
        client = self.client(patience=0)
        client.push("a")
        self.assertRaises(CallTimeout, client.call, "nobody", timeout=1.0)
        self.server.kill()
        with mock.patch.object(Link, "greet", autospec=True, side_effect=Link.greet) as greet:
            self.assertRaises(RedisUnavailable, client.push, "a")
        self.assertEqual(greet.call_count, 1)
        self.assertRaises(ValueError, Client, patience=-1)

    def test_credentials_that_are_refused_fail_at_once(self):
        client = Client(f"unix://me:wrong@{self.server.socket}", patience=60)
        self.addCleanup(client.close)
        began = time.monotonic()
        self.assertRaises(RedisRefused, client.push, "a")
        self.assertLess(time.monotonic() - began, 10)

    def test_what_was_sent_is_not_sent_again(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            seen = []

            def serve():
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        while True:
                            data = connection.recv(65536)
                            if not data:
                                break
                            if b"RPUSH" in data:
                                seen.append(data)
                                break  # taken, and never answered
                            # Whatever it says first is well: as many replies as commands.
                            connection.sendall(b"+OK\r\n" * data.count(b"*"))

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            client = Client(f"redis://127.0.0.1:{listener.getsockname()[1]}", patience=5)
            with self.assertRaises(RedisUnavailable) as caught:
                client.push("a")
            self.assertIn("may or may not", str(caught.exception))
            client.close()
            wait_for(lambda: seen, "nothing was sent")
            self.assertEqual(len(seen), 1)
            listener.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    unittest.main()
