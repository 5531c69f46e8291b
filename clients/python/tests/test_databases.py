"""Two databases of one Redis server: what is published in one is heard in all, and must concern only those of its own."""
import json
import types
import unittest

import redis
from redis_server import RedisServer, text, wait_for
from served import Served
from tempest import Client, NameRefused, functions
from worker_process import WorkerProcess


class Databases(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis, self.clients = {}, {}
        for number in (0, 5):
            self.redis[number] = redis.Redis(unix_socket_path=self.server.socket, db=number)
            self.addCleanup(self.redis[number].connection_pool.disconnect)
            self.clients[number] = Client(self.url(number), queue="q", timeout=15)
            self.addCleanup(self.clients[number].close)

    def url(self, number):
        return f"unix://{self.server.socket}?db={number}"

    def start(self):
        """A worker in each, both of which listen."""
        for number in (0, 5):
            self.addCleanup(WorkerProcess(self.url(number), "q", "--concurrency", "2").kill)
        for channel in ("tempest:control", "tempest:control@5", "{q}:!news", "{q}:!news@5"):
            wait_for(lambda: self.redis[0].pubsub_numsub(channel)[0][1] == 1, f"not one listens to {channel}")
        for number in (0, 5):
            wait_for(lambda: self.redis[number].hlen("tempest:nodes") == 1, f"no record in database {number}")

    def state(self, number):
        (record,) = self.redis[number].hvals("tempest:nodes")
        return json.loads(record)["state"]

    def cancelled(self, number):
        return int(self.redis[number].hget("{q}:!counts", "cancelled") or 0)

    def test_an_order_is_heard_in_its_own_database(self):
        self.start()
        for number, channel in ((5, "tempest:control@5"), (0, "tempest:control")):
            self.assertEqual([self.state(each) for each in (0, number)], ["running"] * 2)
            self.assertEqual(self.redis[number].publish(channel, json.dumps({"to": "*", "do": "quiet"})), 1)
            wait_for(lambda: self.state(number) == "quiet", "it is not quiet")

    def test_a_running_job_is_cancelled_in_its_own_database(self):
        self.start()
        for number in (0, 5):
            self.redis[number].rpush("q", json.dumps(["patient", ["a"], None, "one"]))
            wait_for(lambda: self.redis[number].llen("held") == 1, "not begun")
        self.assertEqual(self.clients[5].cancel("one"), 1)
        wait_for(lambda: self.cancelled(5) == 1, "not cancelled")
        self.assertEqual(self.cancelled(0), 0)
        self.assertEqual(self.clients[0].cancel("one"), 1)
        wait_for(lambda: self.cancelled(0) == 1, "not cancelled")

    def test_a_worker_hears_at_once_that_it_is_to_tick(self):
        self.start()
        (process,) = text(self.redis[5].hkeys("{q}:!procs"))
        wait_for(lambda: self.redis[5].hget("{q}:!clock", "keeper") == process.encode(), "nobody keeps the clock")
        self.assertEqual(self.redis[5].hget("{q}:!clock", "database"), b"5")
        self.assertIsNone(self.redis[0].hget("{q}:!clock", "database"))
        with self.redis[0].pubsub(ignore_subscribe_messages=True) as listener:
            listener.psubscribe("*")
            wait_for(lambda: self.redis[0].pubsub_numpat() == 1, "nobody listens")
            self.clients[5].push("note", "soon", after=0.5)
            message = wait_for(lambda: listener.get_message(timeout=1), "nothing was published")
            self.assertEqual((message["channel"], message["data"]), (b"{q}:!news@5", f"tick {process}".encode()))
        wait_for(lambda: self.redis[5].llen("noted") == 1, "not run")

    def test_events_go_to_the_fronts_of_their_database(self):
        # An earlier library, which knows no databases, is replaced before anything is published.
        earlier = functions.source().replace(f"REVISION = {functions.revision()}", "REVISION = 7").replace(
            "channel_in(database, channel)", "channel")
        self.redis[0].execute_command("FUNCTION", "LOAD", "REPLACE", earlier)
        with self.redis[0].pubsub(ignore_subscribe_messages=True) as followed:
            followed.subscribe("news", "news@5")
            wait_for(lambda: len(self.redis[0].pubsub_channels()) == 2, "not subscribed")
            for number, channel in ((5, b"news@5"), (0, b"news"), (5, b"news@5")):
                self.assertEqual(self.clients[number].publish("news", number, keep=1), 1)
                message = wait_for(lambda: followed.get_message(timeout=1), "nothing was published")
                self.assertEqual((message["channel"], json.loads(message["data"])[1]), (channel, number))
            self.assertEqual(self.clients[5].end_streams("news"), 1)
        self.assertEqual([self.redis[number].xlen("tempest:channel:news") for number in (0, 5)], [1, 1])
        self.assertRaises(NameRefused, self.clients[0].publish, "news@5", 1)

    def test_a_stream_with_credits_goes_on_as_its_answers_are_used(self):
        def count(context):
            for number in range(200):
                context.send(number)
            return "end"

        served = Served(types.SimpleNamespace(client=self.redis[5], url=self.url(5)), {"count": count})
        self.addCleanup(served.stop)
        inbox, found = served.job("count", meta={"credits": 4}, job_id="flow"), []
        while not found or found[-1] != ["end"]:
            found.append(served.answer(inbox)[0])
            self.redis[5].execute_command("FCALL", "tempest1_credit", 1, "q", "flow", len(found))
        self.assertEqual(found, [[number] for number in range(200)] + [["end"]])
