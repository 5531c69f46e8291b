"""Answers of several elements, and of none: returned, yielded, sent, and as a caller gets them."""
import unittest

from redis_server import RedisServer
from served import Served
from tempest import Client, Elements


def sends(context):
    context.send("one")
    context.send(2, "two")
    context.send(Elements(3))
    context.send()
    return Elements()


def yields(context):
    yield Elements(200, {}, "head")
    yield [1, 2]
    return Elements("last", 1)


async def waits(context):
    return Elements(1, 2)


class SeveralElements(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.stop)
        cls.served = Served(cls.server, {
            "sends": sends, "yields": yields, "waits": waits, "list": lambda context: [1, 2],
            "three": lambda context: Elements(200, {"a": "b"}, "body"), "none": lambda context: Elements()})
        cls.addClassCleanup(cls.served.stop)

    def test_what_is_returned_are_the_args(self):
        self.assertEqual(self.served.answers("three"), ([[200, {"a": "b"}, "body"]], {}))
        self.assertEqual(self.served.answers("none"), ([[]], {}))
        self.assertEqual(self.served.answers("list"), ([[[1, 2]]], {}), "a list is one element, as it was")
        self.assertEqual(self.served.answers("waits"), ([[1, 2]], {}))

    def test_what_is_sent_and_yielded(self):
        args, meta = self.served.answers("sends")
        self.assertEqual((args, meta["seq"]), ([["one"], [2, "two"], [3], [], []], 4))
        args, meta = self.served.answers("yields")
        self.assertEqual((args, meta["seq"]), ([[200, {}, "head"], [[1, 2]], ["last", 1]], 2))

    def test_a_caller_gets_several_elements_as_a_list(self):
        with Client(self.server.url, queue="q", timeout=10) as client:
            self.assertEqual(client.call("three"), [200, {"a": "b"}, "body"])
            self.assertIsNone(client.call("none"))
            self.assertEqual(list(client.stream("yields")), [[200, {}, "head"], [1, 2], ["last", 1]])


if __name__ == "__main__":
    unittest.main()
