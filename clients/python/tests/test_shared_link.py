"""One connection for all threads of a client: who waits for Redis holds up nobody for longer than that one has time."""
import logging
import socket
import threading
import time
import unittest
from unittest import mock

from redis_server import RedisServer, wait_for
from served import Log
from tempest import Client, RedisUnavailable
from tempest.link import Link
from tempest.outage import Outage
from tempest.shared_link import SharedLink


class Queue:
    """What stands for an inbox."""

    queue = "q"


class Turns(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.shared = SharedLink(self.server.url)
        self.addCleanup(self.shared._link.close)
        self.inside, self.over = threading.Event(), threading.Event()

    def hold(self):
        """A thread that waits for Redis until the test says that it has answered."""
        def wait(link):
            self.inside.set()
            self.over.wait(60)
        thread = threading.Thread(target=self.shared.use, args=(wait, time.monotonic() + 60))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.over.set)
        self.assertTrue(self.inside.wait(20))
        return thread

    def test_who_has_no_more_time_is_told_that_nothing_was_sent(self):
        self.hold()
        with mock.patch("tempest.shared_link.TURN_SECONDS", 0.1):
            with self.assertRaises(RedisUnavailable) as caught:
                self.shared.use(lambda link: self.fail("it is not its turn"), time.monotonic())
        self.assertIn("nothing was sent: other threads", str(caught.exception))

    def test_what_is_said_of_a_stream_waits_for_nobody_and_is_said_by_who_uses_the_connection(self):
        thread = self.hold()
        said = []
        for used in 1, 2:
            self.shared.say(lambda link, *words: said.append(words), Queue(), "job", used)
        self.assertEqual(said, [])
        self.over.set()
        thread.join(20)
        self.assertEqual(said, [("q", "job", 1), ("q", "job", 2)])
        self.shared.say(lambda link, *words: said.append(words), Queue(), "job", 3)
        self.assertEqual(said[2:], [("q", "job", 3)])

    def test_a_closed_one_ends_what_others_wait_for_and_says_nothing_more(self):
        sleeping = threading.Thread(target=self.assertRaises, args=(
            RedisUnavailable, self.shared.use, lambda link: link.call("BLPOP", "nothing", 0), time.monotonic() + 60))
        sleeping.start()
        wait_for(lambda: self.server.client.info("clients")["blocked_clients"] == 1, "it does not wait")
        self.shared.close()
        with mock.patch("tempest.shared_link.TURN_SECONDS", 0.1):
            self.shared.part([])
        sleeping.join(20)
        self.assertFalse(sleeping.is_alive())
        said = []
        self.shared.say(lambda link, *words: said.append(words), Queue(), "job", 1)
        self.assertEqual(said, [])
        self.assertFalse(self.shared._link.is_open)

    def test_a_handler_of_the_log_may_use_the_client(self):
        client = Client(self.server.url, queue="q", patience=0)
        self.addCleanup(client.close)

        class Pushes(logging.Handler):
            said = []

            def emit(self, record):
                self.said.append(record.getMessage())
                try:
                    client.push("note", record.getMessage())
                except RedisUnavailable:
                    pass

        handler = Pushes()
        logging.getLogger("tempest").addHandler(handler)
        self.addCleanup(logging.getLogger("tempest").removeHandler, handler)
        self.server.kill()
        pushing = threading.Thread(target=self.assertRaises, args=(RedisUnavailable, client.push, "a"), daemon=True)
        pushing.start()
        pushing.join(30)
        self.assertFalse(pushing.is_alive(), "it waits for itself")
        self.assertEqual([line.partition(" error=")[0] for line in handler.said], ["cannot use Redis; trying again"])


class Greetings(unittest.TestCase):
    def test_a_redis_that_takes_the_connection_and_says_nothing_is_given_up_after_the_seconds(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            link = Link(f"redis://127.0.0.1:{listener.getsockname()[1]}", idle=0.0, patience=60.0)
            began = time.monotonic()
            self.assertRaises(RedisUnavailable, link.greet, 0.2)
            self.assertLess(time.monotonic() - began, 30, "it had a minute for each other reply")

    def test_the_limit_is_for_the_greeting_alone_and_holds_for_no_later_reply(self):
        for idle in 0.0, 60.0:
            with RedisServer() as server, self.subTest(idle):
                link = Link(server.url, idle=idle)
                link.greet(0.2)
                self.assertIsNone(link.call("BLPOP", "nothing", 0.5))
                link.close()

    def test_a_socket_that_was_closed_meanwhile_is_a_broken_connection(self):
        for way in (lambda connection: connection._sock.close(), lambda connection: connection.disconnect()):
            with RedisServer() as server:
                link = Link(server.url, idle=60.0)
                link.greet(1.0)
                way(link._connection)
                link.hurry(5.0)
                self.assertRaises(RedisUnavailable, link.call, "PING")
                self.assertEqual(link.call("PING"), b"PONG")
                link.close()


class Outages(unittest.TestCase):
    def setUp(self):
        self.log = Log()
        logger = logging.getLogger("tempest")
        logger.addHandler(self.log)
        logger.setLevel(logging.INFO)
        self.addCleanup(logger.setLevel, logging.NOTSET)
        self.addCleanup(logger.removeHandler, self.log)
        self.outage = Outage()

    def words(self):
        return [line.partition("=")[0].rpartition(" ")[0] for line in self.log.lines]

    def test_who_has_given_up_does_not_keep_the_others_from_saying_that_redis_is_back(self):
        self.outage.lost("client", "gone")
        self.outage.lost("inbox", "gone")
        self.outage.rest("client")
        self.outage.back("inbox")
        self.assertEqual(self.words(), ["cannot use Redis; trying again", "Redis is back"])
        self.outage.back("client")
        self.assertEqual(len(self.words()), 2, "once")

    def test_who_has_given_up_and_tries_again_counts_again(self):
        self.outage.lost("client", "gone")
        self.outage.rest("client")
        self.outage.lost("client", "still gone")
        self.outage.lost("inbox", "gone")
        self.outage.back("inbox")
        self.assertEqual(self.words(), ["cannot use Redis; trying again"])
        self.outage.back("client")
        self.assertEqual(self.words()[1:], ["Redis is back"])

    def test_where_nobody_was_without_redis_nothing_is_said(self):
        self.outage.back("client")
        self.outage.lost("client", "gone")
        self.outage.back("client")
        self.outage.lost("inbox", "seen late")  # of the same outage
        self.outage.back("inbox")
        self.outage.back("client")
        self.assertEqual(self.words(), ["cannot use Redis; trying again", "Redis is back"])

    def test_a_client_that_gave_up_and_is_idle_says_that_redis_is_back_when_its_inbox_finds_it(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        client = Client(server.url, queue="q", patience=0)
        self.addCleanup(client.close)
        stream = client.stream("nobody", timeout=60)
        server.kill()
        self.assertRaises(RedisUnavailable, client.push, "a")
        (inbox,) = client._inboxes.values()
        wait_for(lambda: inbox.name in client._shared.outage._lost, "the inbox does not notice")
        server.start()
        wait_for(lambda: self.log.said("Redis is back"), "nobody says it", 30)
        client.push("a")
        stream.close()
        self.assertEqual(self.words(), ["cannot use Redis; trying again", "Redis is back"])


if __name__ == "__main__":
    unittest.main()
