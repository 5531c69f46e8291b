"""Events for browsers: what a client publishes, against a Redis of its own."""
import json
import unittest

from redis_server import RedisServer, wait_for
from tempest import Client, CodecError, NameRefused, RedisRefused


class Publishing(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url)
        self.addCleanup(self.client.close)
        self.followed = self.redis.pubsub(ignore_subscribe_messages=True)
        self.addCleanup(self.followed.close)
        self.followed.subscribe("news:1")
        wait_for(lambda: self.redis.pubsub_channels() == [b"news:1"], "not subscribed")

    def heard(self):
        found = []
        wait_for(lambda: found.append(self.followed.get_message()) or found[-1], "nothing was published")
        return found[-1]["data"].decode()

    def test_an_event_is_published_and_kept(self):
        self.assertEqual(self.client.publish("news:1", {"a": "é"}, event="price"), 1)
        (entry_id, fields), = self.redis.xrange("tempest:channel:news:1")
        self.assertEqual(fields, {b"message": '["price",{"a":"é"}]'.encode()})
        self.assertEqual(json.loads(self.heard()), ["price", {"a": "é"}, {"id": entry_id.decode()}])
        for number in range(5):
            self.client.publish("news:1", number, keep=3)
        self.assertEqual(self.redis.xlen("tempest:channel:news:1"), 3)

    def test_what_is_not_kept_and_the_end_have_no_id(self):
        self.assertEqual(self.client.publish("news:1", "text", keep=0), 1)
        self.assertEqual(self.heard(), '["","text"]')
        self.assertEqual(self.client.end_streams("news:1"), 1)
        self.assertEqual(self.heard(), '["$unsubscribe"]')
        self.assertFalse(self.redis.exists("tempest:channel:news:1"))
        self.assertEqual(self.client.publish("other", 1), 0)

    def test_nothing_is_published_that_browsers_would_not_get(self):
        for channel in ("", "a b", "a*", "x" * 129, "a\n", None):
            self.assertRaises(NameRefused, self.client.publish, channel, 1)
        for event in ("a\nb", "a\r", "\0", 1):
            self.assertRaises(NameRefused, self.client.publish, "news:1", 1, event)
        self.assertRaises(CodecError, self.client.publish, "news:1", float("nan"))
        self.assertRaises(RedisRefused, self.client.publish, "news:1", 1, keep=-1)
        self.assertIsNone(self.followed.get_message())


if __name__ == "__main__":
    unittest.main()
