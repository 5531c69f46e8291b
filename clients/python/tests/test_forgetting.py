"""A Redis that forgets its last second, as one with `appendfsync everysec` does when it is killed: no answer is lost by it."""
import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from redis_server import RedisServer, wait_for
from tempest import Client


class Forgetting(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.redis = self.server.client
        self.client = Client(self.server.url, queue="q", timeout=10)
        self.addCleanup(self.client.close)
        self.pool = ThreadPoolExecutor(8)
        self.addCleanup(self.pool.shutdown)

    def calls(self, *words):
        """Begins a call for each word. Their futures, and the jobs in the order of the words."""
        futures = [self.pool.submit(self.client.call, "echo", word) for word in words]
        jobs = sorted((json.loads(self.redis.blpop("q", 10)[1]) for _ in words), key=lambda job: job[1])
        return futures, jobs

    def inbox(self, job):
        return "{q}:in:" + job[2]

    def answer(self, job, **meta):
        return json.dumps([job[0], job[3], job[1], {"token": "t", **meta}])

    def forget(self, inbox, position, *answers):
        """Redis is another one all of a sudden: it knows this reader at `position`, and these answers after it."""
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset("{q}:!inboxes", inbox.rpartition(":")[2] + "#", position)
            pipe.delete(inbox)
            pipe.rpush(inbox, *answers)
            pipe.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            pipe.execute()

    def test_new_answers_in_the_places_of_forgotten_ones_arrive(self):
        futures, old = self.calls("a", "b", "c")
        for job in old:
            self.redis.rpush(self.inbox(job), self.answer(job))
        self.assertEqual([future.result() for future in futures], ["a", "b", "c"])
        futures, new = self.calls("d", "e", "f")
        # It knows the first answer, which is read a second time, and none of the others.
        self.forget(self.inbox(new[0]), 0, *[self.answer(job) for job in [old[0], *new]])
        self.assertEqual([future.result() for future in futures], ["d", "e", "f"])
        wait_for(lambda: self.redis.llen(self.inbox(new[0])) == 0, "what was read stays")

    def test_a_stream_goes_on_and_gives_nothing_twice(self):
        stream = self.client.stream("echo", "x")
        first = self.pool.submit(next, stream)
        job = json.loads(self.redis.blpop("q", 10)[1])
        parts = [json.dumps([job[0], job[3], [n], {"token": "t", "seq": n, **({"more": True} if n < 5 else {})}]) for n in range(6)]
        self.redis.rpush(self.inbox(job), *parts[:3])
        self.assertEqual([first.result(), next(stream), next(stream)], [0, 1, 2])
        rest = self.pool.submit(list, stream)
        self.forget(self.inbox(job), 0, parts[0], parts[1], *parts[3:])
        self.assertEqual(rest.result(), [3, 4, 5])


if __name__ == "__main__":
    unittest.main()
