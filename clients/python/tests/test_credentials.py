"""A Redis that does not let somebody in says so at once: nobody waits for it."""
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from redis_server import RedisServer, wait_for
from tempest import Client, RedisRefused, RedisUnavailable, Worker
from worker_process import WorkerProcess


class Credentials(unittest.TestCase):
    def setUp(self):
        self.redis = RedisServer()
        self.addCleanup(self.redis.stop)
        self.redis.load_functions()
        self.redis.client.execute_command("ACL", "SETUSER", "me", "on", ">mine", "~*", "&*", "+@all")

    def urls(self, *users):
        return [f"unix://{user}{self.redis.socket}" for user in users]

    def check(self, *urls):
        for url in urls:
            with self.subTest(url):
                worker = Worker("q", redis_url=url)
                worker.handler("a")(lambda: 1)
                self.assertRaises(RedisRefused, worker.run)
                client = Client(url)
                self.addCleanup(client.close)
                self.assertRaises(RedisRefused, client.push, "a")
                began = time.monotonic()
                self.assertRaises(RedisRefused, client.call, "a", timeout=20)
                self.assertLess(time.monotonic() - began, 15, "it could wait for 20 seconds")

    def test_a_caller_without_the_right_to_listen_learns_it_at_once_and_may_get_it(self):
        self.redis.client.execute_command("ACL", "SETUSER", "caller", "on", "nopass", "~*", "&*", "+@all", "-fcall")
        with Client(f"unix://caller:x@{self.redis.socket}", queue="q") as client:
            with self.assertRaises(RedisRefused) as caught:
                client.call("echo", 1, timeout=20)
            self.assertEqual(caught.exception.word, "NOPERM")
            self.assertIn("fcall", str(caught.exception))
            self.redis.client.execute_command("ACL", "SETUSER", "caller", "+fcall")
            worker = WorkerProcess(self.redis.url, "q")
            self.addCleanup(worker.kill)
            self.assertEqual(client.call("echo", 1, timeout=20), [1])

    def test_a_password_that_is_exchanged_under_a_worker_loses_nothing(self):
        admin, url = self.redis.client, f"unix://me:mine@{self.redis.socket}"
        worker = WorkerProcess(url, "q", "--concurrency", "2", "--lease", "60")
        self.addCleanup(worker.kill)
        with Client(self.redis.url, queue="q") as client, ThreadPoolExecutor(1) as calls:
            call = calls.submit(client.call, "hold", "called", timeout=60)
            client.push("hold", "pushed")
            wait_for(lambda: admin.llen("held") == 2, "not both began")
            admin.execute_command("ACL", "SETUSER", "me", "resetpass", ">another")
            for each in admin.client_list():
                if each["user"] == "me" and each["cmd"] != "blpop":  # what the handlers themselves wait for
                    admin.client_kill_filter(_id=each["id"])
            admin.rpush("release:called", "")
            admin.rpush("release:pushed", "")
            wait_for(lambda: worker.said("WRONGPASS"), "the worker does not say why it waits")
            self.assertFalse(call.done())
            admin.execute_command("ACL", "SETUSER", "me", ">mine")
            self.assertEqual(call.result(60), "called")
            wait_for(lambda: admin.hget("{q}:!counts", "settled") == b"2", "not both were settled")
            self.assertEqual((admin.llen("held"), admin.exists("{q}:!dead")), (2, 0))

    def test_whoever_is_not_let_in_learns_it_at_once(self):
        self.check(*self.urls("me:wrong@", "nobody:mine@", ":password@"))
        # From here on even the default user needs one.
        self.redis.client.config_set("requirepass", "right")
        self.check(*self.urls("", ":wrong@", "me:right@"))

    def test_an_error_names_what_was_read(self):
        for variables, name in (({"REDIS_URL": "{}"}, "REDIS_URL"), ({"REDISCLOUD_URL": "{}"}, "REDISCLOUD_URL"), ({}, "the URL of Redis")):
            for url, says in ((f"unix://me:wrong@{self.redis.socket}", f"the password in {name}: "), ("redis://127.0.0.1:1", f"Check {name}")):
                with mock.patch.dict(os.environ, {variable: url for variable in variables}, clear=True):
                    with Client(None if variables else url, patience=0) as client, self.assertRaises((RedisRefused, RedisUnavailable)) as caught:
                        client.push("a")
                self.assertIn(says, str(caught.exception))

    def test_the_password_of_services_of_2012_counts_alone_where_redis_does_not_know_their_user(self):
        self.redis.client.config_set("requirepass", "sesame")
        stranger = f"unix://redistogo:sesame@{self.redis.socket}"
        # A supervisor hands it on as REDIS_URL.
        worker = WorkerProcess(stranger, "q", REDISTOGO_URL=stranger)
        self.addCleanup(worker.kill)
        for variables in ({"REDISTOGO_URL": stranger}, {"REDISCLOUD_URL": stranger}, {"REDIS_URL": stranger, "REDISTOGO_URL": stranger}):
            with self.subTest(variables), mock.patch.dict(os.environ, variables, clear=True), Client(queue="q") as client:
                self.assertEqual(client.call("echo", 1, timeout=20), [1])
                self.assertEqual(client.call("echo", 2, timeout=20), [2])
        self.assertTrue(worker.said("Redis does not know the user of REDIS_URL"), worker.log)
        worker.signal()
        self.assertEqual(worker.wait(), 0)
        with mock.patch.dict(os.environ, {"REDIS_URL": stranger}, clear=True), Client() as client:
            with self.assertRaises(RedisRefused):
                client.push("a")
        known = f"unix://me:mine@{self.redis.socket}"
        with mock.patch.dict(os.environ, {"REDISTOGO_URL": known}, clear=True), Client() as client:
            client.push("a")
        wrong = f"unix://me:wrong@{self.redis.socket}"
        with mock.patch.dict(os.environ, {"REDISTOGO_URL": wrong}, clear=True), Client() as client:
            with self.assertRaisesRegex(RedisRefused, "REDISTOGO_URL"):
                client.push("a")

    def test_a_database_that_is_not_there_is_refused_at_once(self):
        self.check(f"unix://{self.redis.socket}?db=99")


if __name__ == "__main__":
    unittest.main()
