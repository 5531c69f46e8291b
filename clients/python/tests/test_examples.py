"""The two example programs as a user starts them."""
import json
import os
import subprocess
import sys
import unittest

import checkout
from redis_server import RedisServer, wait_for
from tempest import Client


class Examples(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client

    def start(self, path, *arguments):
        process = subprocess.Popen([sys.executable, str(checkout.ROOT / path), *arguments], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**os.environ, "REDIS_URL": self.server.url})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def test_wordcount(self):
        self.start("clients/python/examples/wordcount.py", "one", "two", "--concurrency", "2", "--levels", "high,default")
        with Client(self.server.url, queue="two", timeout=10) as client:
            self.assertEqual(client.call("wordcount", "b A a\r\nÄ\tä é😀 B\u00a0c\n", level="high"), {
                "language": "python", "lines": 2, "words": 7, "characters": 18,
                "top": [["a", 2], ["b", 1], ["b\u00a0c", 1], ["Ä", 1], ["ä", 1], ["é😀", 1]]})
            nothing = {"language": "python", "lines": 0, "words": 0, "characters": 0, "top": []}
            self.assertEqual(client.call("wordcount", ""), nothing)
            self.assertEqual(client.call("echo", 1, "x"), [1, "x"])

    def test_the_raw_worker(self):
        self.start("examples/raw-python/worker.py", "raw")
        for job in [b"\xff", b"hello", b"[" * 100_000, b'{"a":1}', b'["add",[1,2],"bad inbox","j"]', b'["add",[1,2],7,"j"]']:
            self.redis.rpush("{raw}:high", job)
        self.redis.rpush("{raw}:low", '["add",[1,2],"in",5,{"x":1}]')
        self.redis.rpush("raw", '["wordcount",["a b"],"in","i1"]')
        self.redis.rpush("raw", '["add",[1],"in","i2"]', '["nope",[],"in","i3"]', '["add",[1,2],null,"i4"]')
        wait_for(lambda: self.redis.llen("{raw}:in:in") == 4, "not all was answered")
        answers = [json.loads(answer) for answer in self.redis.lrange("{raw}:in:in", 0, -1)]
        self.assertEqual({answer[1]: answer[2] for answer in answers}, {"i1": [2], 5: [3], "i2": [], "i3": []})
        self.assertEqual({answer[1]: answer[3]["error"]["code"] for answer in answers if len(answer) == 4},
                         {"i2": "handler", "i3": "unknown_action"})
        self.assertTrue(0 < self.redis.ttl("{raw}:in:in") <= 300)

    def test_the_raw_worker_refuses_routes_and_answers_into_other_queues(self):
        self.start("examples/raw-python/worker.py", "raw")
        self.redis.rpush("raw", '["add",[1,2],"in@other","i1"]', '["add",[1,2],"in@other","i2",{"route":[{"action":"add"}]}]',
                         '["add",[1,2],"in@other","i3",{"gather":null}]', '["add",[1,2],"in@o/ther","i4"]', '["add",[1,2],"in","i5",[]]',
                         '["add",[1,2],"in@other","i6"]')
        wait_for(lambda: self.redis.llen("{other}:in:in") == 4, "not all was answered")
        answers = [json.loads(answer) for answer in self.redis.lrange("{other}:in:in", 0, -1)]
        self.assertEqual([(answer[1], answer[2], answer[3]["error"]["code"] if len(answer) == 4 else None) for answer in answers],
                         [("i1", [3], None), ("i2", [], "bad_route"), ("i3", [], "bad_route"), ("i6", [3], None)])
        self.assertFalse(self.redis.exists("{raw}:in:in"))
