"""What users of other queues have reported, held against this one. The names of the reports are in the tests."""
import contextvars
import enum
import functools
import pickle
import unittest

from redis_server import RedisServer, wait_for
from served import Served
from tempest import CallerStalled, Client, Worker
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


if __name__ == "__main__":
    unittest.main()
