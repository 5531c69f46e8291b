"""What users of other queues have reported, held against this one. The names of the reports are in the tests."""
import binascii
import contextvars
import enum
import functools
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import tempest
from redis_server import RedisServer, wait_for
from served import Served
from tempest import CallerStalled, Client, RedisRefused, RemoteError, Worker
from tempest import http, json_codec, msgpack_codec, tnetstring
from worker_process import WorkerProcess

visitor = contextvars.ContextVar("visitor", default="nobody")


class Color(str, enum.Enum):
    RED = "red"


class Safe(str):
    """As templates mark their texts: its text is itself."""

    def __str__(self):
        return self


class Count(int):
    def __int__(self):
        return 99


class Blob(bytes):
    def __bytes__(self):
        return b"other"


class Values(unittest.TestCase):
    def test_subclasses_of_text_are_their_text_django_tasks_23_rapidpro_1035(self):
        for codec in (json_codec, msgpack_codec, tnetstring):
            for odd, plain in ((Color.RED, "red"), (Safe("x<"), "x<"), (Count(7), 7), ({Color.RED: Safe("a")}, {"red": "a"}), ([Safe("b")], ["b"])):
                with self.subTest(codec=codec.__name__, value=odd):
                    self.assertEqual(codec.encode(odd), codec.encode(plain))
        self.assertEqual(msgpack_codec.encode(Blob(b"mine")), msgpack_codec.encode(b"mine"))

    def test_errors_come_out_of_a_pool_as_they_went_in_celery_unpickleable(self):
        error = pickle.loads(pickle.dumps(CallerStalled(3, 30.0)))
        self.assertEqual((str(error), error.code), (str(CallerStalled(3, 30.0)), "stalled"))


def timed(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner


def given(function):
    """Gives its function one argument more than the job has."""
    @functools.wraps(function)
    def inner(context, *args):
        return function(context, "database", *args)
    return inner


class Handlers(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

    def serve(self, **handlers):
        served = Served(self.server, handlers, concurrency=1)
        self.addCleanup(served.stop)
        return served

    def test_an_asynchronous_function_behind_a_decorator_runs(self):
        @timed
        async def save(context, word):
            return f"saved {word}"

        class Saver:
            async def __call__(self, context, word):
                return f"kept {word}"

        @http.endpoint
        @timed
        async def page(request):
            return http.text(request.path)

        served = self.serve(save=save, keep=Saver(), page=page)
        self.assertEqual(served.answers("save", "a")[0], [["saved a"]])
        self.assertEqual(served.answers("keep", "b")[0], [["kept b"]])
        self.assertEqual(served.answers("page", {"method": "GET", "url": "/x", "headers": {}})[0][0][2], "/x")

    def test_an_asynchronous_generator_behind_a_decorator_fails_and_is_not_taken_for_done(self):
        @timed
        async def parts(context):
            yield 1

        self.assertEqual(self.serve(parts=parts).answers("parts")[1]["error"]["code"], "handler")

    def test_a_decorator_that_gives_arguments_is_asked_for_its_own_celery_10281_gradio_10666(self):
        @given
        def store(context, database, word):
            return f"{database} {word}"

        self.assertEqual(self.serve(store=store).answers("store", "w")[0], [["database w"]])

    def test_what_one_job_sets_the_next_does_not_see_sidekiq_5089_lago_3794(self):
        def greet(context, name):
            before = visitor.get()
            visitor.set(name)
            return before

        def greets(context, name):
            yield visitor.get()
            visitor.set(name)

        served = self.serve(greet=greet, greets=greets)
        for name in ("anna", "bert", "carl"):
            self.assertEqual(served.answers("greet", name)[0], [["nobody"]])
            self.assertEqual(served.answers("greets", name)[0][0], ["nobody"])

    def test_a_function_that_no_job_can_call_is_refused_at_once(self):
        worker = Worker("q", redis_url=self.server.url)
        with self.assertRaisesRegex(TypeError, "can never be called"):
            @worker.handler("x")
            def needs(*, word):
                return word


class Children(unittest.TestCase):
    def test_signals_end_a_child_of_a_handler_and_not_the_worker_procrastinate_1062_rq_709(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        worker = WorkerProcess(server.url, "q")
        self.addCleanup(worker.kill)
        with Client(server.url, queue="q", timeout=20) as client:
            for word, code in (("TERM", -15), ("INT", 1), ("TSTP", None)):
                self.assertEqual(client.call("child", word), code, word)
            self.assertEqual(client.call("echo", 1), [1])
        wait_for(lambda: not worker.said("stopping"), "the worker took a signal of its child for its own")


class Beats(unittest.TestCase):
    """crossbar#1323, dramatiq#164: frozen and embedded programs, where sys.executable is no Python but the program itself."""

    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

    def run_worker(self, before="", **environment):
        source = f"""
import os, sys
os.write(2, b"started\\n")
import tempest
{before}
worker = tempest.Worker("q", redis_url={self.server.url!r})
worker.handler("echo")(lambda word: word)
worker.run()
"""
        path = str(Path(tempest.__file__).parent.parent)
        return subprocess.run([sys.executable, "-c", source], stderr=subprocess.PIPE, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": path, **environment})

    def test_a_frozen_program_is_told_to_name_a_python(self):
        ended = self.run_worker("sys.frozen = True")
        self.assertEqual((ended.returncode, ended.stderr.splitlines().count("started")), (1, 1))
        self.assertIn("TEMPEST_PYTHON", ended.stderr)

    def test_a_program_that_would_start_itself_does_so_no_further_than_its_children(self):
        with tempfile.TemporaryDirectory() as folder:
            itself = Path(folder, "program")
            itself.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"$TEMPEST_TEST_PROGRAM\"\n")
            itself.chmod(0o755)
            program = f"import sys; sys.stderr.write('again\\n'); import tempest; sys.executable = {str(itself)!r}; " \
                      f"worker = tempest.Worker('q', redis_url={self.server.url!r}); worker.run()"
            ended = self.run_worker(f"sys.executable = {str(itself)!r}", TEMPEST_TEST_PROGRAM=program)
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(ended.stderr.splitlines().count("again"), 5)
        self.assertIn("ended 5 times", ended.stderr)
        self.assertIn("started in place of a worker's beat process", ended.stderr)

    def test_another_python_can_be_named(self):
        worker = WorkerProcess(self.server.url, "q", TEMPEST_PYTHON=sys.executable)
        self.addCleanup(worker.kill)
        ended = self.run_worker(TEMPEST_PYTHON="/bin/false")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("`/bin/false -I -c …` ended 5 times, at last with status 1", ended.stderr)


class Evictions(unittest.TestCase):
    def test_a_redis_that_throws_jobs_away_is_warned_of_at_the_start_rq_1280_bullmq_2215(self):
        for policy, memory, warns in ("allkeys-lru", "100mb", True), ("allkeys-random", "0", False), ("noeviction", "100mb", False), \
                ("volatile-lru", "100mb", False):
            with self.subTest(policy, memory=memory):
                server = RedisServer("--maxmemory", memory, "--maxmemory-policy", policy)
                self.addCleanup(server.stop)
                worker = WorkerProcess(server.url, "q")
                self.addCleanup(worker.kill)
                words = f"maxmemory-policy is {policy}; set it to noeviction"
                if warns:
                    wait_for(lambda: worker.said(words), "it does not warn")
                with Client(server.url, queue="q", timeout=20) as client:
                    self.assertEqual(client.call("echo", 1), [1])
                self.assertEqual(worker.said(words), warns)


class Loops(unittest.TestCase):
    def test_what_an_async_handler_keeps_can_be_used_by_the_next_arq_480_celery_event_loop_is_closed(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        worker = WorkerProcess(server.url, "q")
        self.addCleanup(worker.kill)
        with Client(server.url, queue="q", timeout=20) as client:
            self.assertEqual([client.call("keeps", number) for number in range(5)], list(range(5)))
            self.assertEqual(client.call("twice_async", 4), 8)
            # What would stop the loop is the end of its job alone.
            for _ in range(2):
                with self.assertRaises(RemoteError):
                    client.call("leaves", timeout=20)
                self.assertEqual(client.call("twice_async", 5), 10)
            self.assertEqual(client.call("keeps", 7), 7)
        worker.signal()
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(server.client.lrange("noted", 0, -1), [b"the task was ended"])
        self.assertFalse(worker.said("Task was destroyed"))


class Producers(unittest.TestCase):
    def test_what_no_worker_could_run_is_refused_before_anything_is_sent(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        with Client(server.url, queue="q", timeout=20) as client:
            for action in (None, b"add", "", "a\nb", "\x7f", "x" * 256, "é" * 128, 7):
                with self.assertRaises(ValueError, msg=repr(action)):
                    client.push(action, 1)
                with self.assertRaises(ValueError, msg=repr(action)):
                    client.push_many([("good", []), (action, [1])])
                with self.assertRaises(ValueError, msg=repr(action)):
                    client.call(action, 1)
            for queue in ("", "a b", b"q", "ü"):
                for use in (client.push, client.call):
                    with self.assertRaises(ValueError, msg=repr(queue)):
                        use("echo", queue=queue)
                with self.assertRaises(ValueError, msg=repr(queue)):
                    client.cancel("1", queue=queue)
            for seconds in (-1, -1.0, float("nan"), "5", True):
                for use in (client.call, client.stream):
                    with self.assertRaises(ValueError, msg=repr(seconds)):
                        use("echo", timeout=seconds)
                with self.assertRaises(ValueError, msg=repr(seconds)):
                    Client(server.url, timeout=seconds)
            for seconds in (-1, -1.0, float("nan"), float("inf"), 1e300, "5", True):
                with self.assertRaises(ValueError, msg=repr(seconds)):
                    client.cancel("1", keep=seconds)
                with self.assertRaises(ValueError, msg=repr(seconds)):
                    client.push("echo", after=seconds)
            with self.assertRaisesRegex(ValueError, "seconds"):
                client.push("echo", at=1_800_000_000)
            self.assertEqual([key for key in server.client.keys("*") if b"!" not in key and b"tempest:" not in key], [])
            worker = WorkerProcess(server.url, "p")
            self.addCleanup(worker.kill)
            # Longer than a lock of Python can wait, and for ever.
            for seconds in (1e10, 1e300, float("inf"), None):
                self.assertEqual(client.call("echo", 1, queue="p", timeout=seconds, run_timeout=seconds, expires=seconds), [1])


class Clusters(unittest.TestCase):
    """bull#2679. Two nodes of a Redis Cluster, each with a half of the slots."""

    def setUp(self):
        self.nodes = []
        for _ in range(2):
            port = free_port()
            self.nodes.append(RedisServer("--port", str(port), "--cluster-port", str(free_port()), "--cluster-enabled", "yes",
                                          "--cluster-require-full-coverage", "no"))
            self.nodes[-1].port = port
            self.addCleanup(self.nodes[-1].stop)
        one, other = (node.client for node in self.nodes)
        one.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
        other.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        bus = other.execute_command("CONFIG GET", "cluster-port")
        bus = int(bus["cluster-port"] if isinstance(bus, dict) else bus[1])
        one.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[1].port, bus)
        wait_for(lambda: all(b"cluster_slots_assigned:16384" in raw(node.client, "CLUSTER INFO") for node in self.nodes),
                 "the nodes do not meet")

    def test_a_queue_of_this_node_works_and_one_of_another_says_what_is_wrong(self):
        nodes_slot = slot("tempest:nodes")
        here = self.nodes[1] if nodes_slot < 8192 else self.nodes[0]  # the node that does not have the workers' records
        names = [f"q{number}" for number in range(100)]
        ours = next(name for name in names if (slot(name) < 8192) == (here is self.nodes[0]))
        theirs = next(name for name in names if (slot(name) < 8192) != (here is self.nodes[0]))
        worker = WorkerProcess(here.url, ours)
        self.addCleanup(worker.kill)
        with Client(here.url, timeout=20) as client:
            self.assertEqual(client.call("echo", 1, queue=ours), [1])
            with self.assertRaisesRegex(RedisRefused, "this is a Redis Cluster"):
                client.push("echo", 1, queue=theirs)


def raw(client, *command):
    reply = client.execute_command(*command)
    return reply if isinstance(reply, bytes) else "\n".join(f"{key}:{value}" for key, value in reply.items()).encode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def slot(key):
    return binascii.crc_hqx(key.encode(), 0) % 16384


class Clocks(unittest.TestCase):
    def test_redis_time_is_asked_again_by_a_new_connection_and_after_a_second_celery_clock_drift(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        worker = WorkerProcess(server.url, "q")
        self.addCleanup(worker.kill)
        with Client(server.url, queue="q", timeout=10) as client:
            self.assertEqual(client.call("echo", 1), [1])
            # Another Redis, whose clock is an hour ahead, has taken the place of the one that was asked.
            client._clock.set(client._clock.now - 3_600_000, time.monotonic())
            for each in server.client.client_list():
                if each["cmd"] == "rpush":
                    server.client.client_kill_filter(_id=each["id"])
            self.assertEqual(client.call("echo", 2), [2])
            # Its clock was set.
            client._clock.set(client._clock.now - 3_600_000, time.monotonic() - 1.1)
            self.assertEqual(client.call("echo", 3), [3])


if __name__ == "__main__":
    unittest.main()
