"""Routes: the vectors, and workers of other processes that hand jobs on to each other."""
import json
import signal
import unittest

from redis_server import RedisServer, text, wait_for
from tagged import load, to_bytes
from tempest import BadRoute, Client, RemoteError, envelope, routes
from tempest.codecs import detect
from worker_process import WorkerProcess


class RouteVectors(unittest.TestCase):
    vectors = load("routes.json")

    def each(self, kind, check):
        self.assertTrue(self.vectors[kind], "no vectors")
        for entry in self.vectors[kind]:
            with self.subTest(entry["name"]):
                check(entry)

    def job(self, meta):
        return envelope.parse_job(json.dumps(["x", [], "in", "j", meta]).encode())

    def journey(self, entry):
        return routes.journey_of(envelope.parse_job(to_bytes(entry["job"])), entry["queue"])

    def jobs(self, onward):
        return [(job.queue, job.level, job.payload) for job in onward]

    def wanted(self, entry):
        return [(job["queue"], job["level"], to_bytes(job["job"])) for job in entry["jobs"]]

    def args(self, data):
        return detect(to_bytes(data)).decode(to_bytes(data))

    def test_valid(self):
        self.each("valid", lambda entry: routes.journey_of(self.job(entry["meta"]), "q"))

    def test_invalid(self):
        self.each("invalid", lambda entry: self.assertRaises(BadRoute, routes.journey_of, self.job(entry["meta"]), "q"))

    def test_onward(self):
        self.each("onward", lambda entry: self.assertEqual(
            self.jobs(self.journey(entry).onward(self.args(entry["args"]), entry["fresh"])), self.wanted(entry)))

    def test_gathered(self):
        def check(entry):
            after, args = self.journey(entry).gathered([to_bytes(result) for result in entry["results"]])
            if "jobs" in entry:
                self.assertEqual(self.jobs(after.onward(args, entry["fresh"])), self.wanted(entry))
            elif "args" in entry:
                self.assertEqual((after.route, after.gather, args), ([], None, self.args(entry["args"])))
            else:
                gather = after.gather
                self.assertEqual({"queue": gather.queue, "id": gather.id, "index": gather.index, "count": gather.count,
                                  "result": entry["gather"]["result"]}, entry["gather"])
                self.assertEqual((after.route, after.job.codec.encode(args)), ([], to_bytes(entry["gather"]["result"])))
        self.each("gathered", check)

    def test_answer_ids(self):
        self.each("answer_ids", lambda entry: self.assertEqual(
            routes.answer_id(envelope.parse_job(to_bytes(entry["job"]))), entry["job_id"]))


class RoutedJobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.redis = cls.server.client
        cls.workers = [WorkerProcess(cls.server.url, "q", "x", "--concurrency", "4", "--unknown-patience", "0"),
                       WorkerProcess(cls.server.url, "y", "--unknown-patience", "0")]
        cls.client = Client(cls.server.url, queue="q", timeout=40)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        for worker in cls.workers:
            worker.kill()
        cls.server.stop()

    def setUp(self):
        self.redis.delete("noted", "held", "{q}:!dead", "{x}:!dead", "{y}:!dead")

    def inbox(self, name, queue="q"):
        return json.loads(self.redis.blpop(f"{{{queue}}}:in:{name}", 40)[1])

    def noted(self, count):
        wait_for(lambda: self.redis.llen("noted") >= count, f"{count} were not noted", 30)
        return sorted(text(self.redis.lrange("noted", 0, -1)))

    def count(self, name):
        return int(self.redis.hget("{q}:!counts", name) or 0)

    def failure(self, *args, **options):
        with self.assertRaises(RemoteError) as caught:
            self.client.call(*args, **options)
        return caught.exception

    def test_in_sequence_through_queues_and_back(self):
        for codec in ("json", "msgpack", "tnetstring"):
            answer = self.client.call("echo", 1, "b", codec=codec, route=[
                "echo", {"action": "echo", "queue": "y"}, {"action": "echo", "queue": "x", "level": "low"}])
            self.assertEqual(answer, [[[[1, "b"]]]])
        self.assertEqual(self.client.late, 0)

    def test_in_parallel_and_joined(self):
        answer = self.client.call("echo", 1, route=[["echo", {"action": "echo", "queue": "y", "route": ["echo"]}, "echo"], "echo"])
        self.assertEqual(answer, [[[1]], [[[1]]], [[1]]])

    def test_in_parallel_at_the_end(self):
        self.assertEqual(self.client.call("echo", 1, route=[["echo", {"action": "echo", "queue": "y"}]]), [[[1]], [[1]]])

    def test_in_parallel_in_parallel(self):
        inner = {"action": "echo", "queue": "y", "route": [["echo", "echo"]]}
        self.assertEqual(self.client.call("echo", 1, route=[[inner, "echo"], "echo"]), [[[[[1]]], [[[1]]]], [[1]]])

    def test_nobody_waits(self):
        self.client.push("first", "a", route=[["first", {"action": "first", "queue": "y"}], "both"])
        self.assertEqual(self.noted(1), ["a a"])

    def test_only_the_last_step_sends_several_answers(self):
        found = list(self.client.stream("count", 2, route=["count_words", {"action": "count", "queue": "y"}]))
        self.assertEqual(found, [0, 1, "end"])

    def test_a_failure_in_the_middle_is_answered(self):
        self.assertEqual(self.failure("echo", 1, route=[{"action": "refuse_any", "queue": "y"}, "note"]).code, "not_found")
        self.assertEqual(self.failure("echo", 1, route=[{"action": "nobody", "queue": "y"}]).code, "unknown_action")
        self.assertFalse(self.redis.exists("noted"))

    def test_the_first_failure_of_several_is_answered_once(self):
        late = self.client.late
        route = [["refuse_any", {"action": "refuse_any", "queue": "y"}, "nobody", "echo"], "note"]
        self.assertIn(self.failure("echo", 1, route=route).code, ("not_found", "unknown_action"))
        keys = wait_for(lambda: self.redis.keys("*:!gather:*"), "nothing was gathered")
        wait_for(lambda: not self.redis.llen("q") and not self.redis.llen("y") and self.idle(), "they still run", 30)
        self.assertEqual((self.client.late, self.redis.exists("noted")), (late, 0))
        self.assertTrue(keys)

    def refused(self):
        """Commands that Redis had no room for."""
        return int("".join(char for char in str(self.redis.info("errorstats").get("errorstat_OOM", 0)) if char.isdigit()))

    def idle(self):
        return not [field for key in self.redis.keys("*:!run:*") for field in text(self.redis.hkeys(key)) if field not in ("#", "@")]

    def test_attempts_begin_anew_with_each_step(self):
        self.redis.delete("tried")
        answer = self.client.call("flaky", ["w"], 3, route=["wordlist", {"action": "flaky_too", "queue": "y"}])
        self.assertEqual(answer, 2)

    def test_a_bad_route_is_not_begun(self):
        self.redis.rpush("q", json.dumps(["note", ["w"], "b1", "j", {"route": [{"action": "a", "queue": "{x}"}]}]))
        answer = self.inbox("b1")
        self.assertEqual((answer[1], answer[3]["error"]["code"]), ("j", "bad_route"))
        self.assertIn("route[0].queue", answer[3]["error"]["message"])
        ((_, dead),) = self.redis.xrange("{q}:!dead")
        self.assertEqual((dead[b"reason"], self.redis.exists("noted")), (b"bad_route", 0))

    def test_a_queue_that_refuses_ends_the_route(self):
        self.redis.set("broken", "no list")
        self.assertEqual(self.failure("echo", 1, route=[{"action": "echo", "queue": "broken"}]).code, "bad_route")
        self.client.push("echo", 1, route=[["echo", {"action": "echo", "queue": "broken"}]])
        self.assertEqual(wait_for(lambda: self.redis.xrange("{q}:!dead"), "it is not dead")[0][1][b"reason"], b"bad_route")

    def test_results_that_nobody_can_read_end_the_route(self):
        gather = {"id": "hostile", "queue": "q", "index": 0, "count": 2, "job_id": 7}
        self.redis.execute_command("FCALL", "tempest1_gather", 1, "q", "hostile", 1, 2, b"{no array")
        self.redis.rpush("q", json.dumps(["echo", [], "b2", "j", {"gather": gather}]))
        answer = self.inbox("b2")
        self.assertEqual((answer[1], answer[3]["error"]["code"]), (7, "bad_route"))

    def test_an_answer_that_cannot_be_written_fails_the_step(self):
        self.assertEqual(self.failure("set", route=["echo"]).code, "bad_answer")

    def test_a_full_redis_holds_the_route_up_and_lets_it_go_on(self):
        refused = self.refused()
        self.client.push("hold", "full", route=[{"action": "note", "queue": "y"}])
        self.redis.blpop("held", 10)
        self.addCleanup(self.redis.config_set, "maxmemory", "0")
        with self.redis.pipeline() as together:
            together.rpush("release:full", 1).execute_command("CONFIG", "SET", "maxmemory", "1")
            together.execute()
        settled = self.count("settled")
        wait_for(lambda: self.refused() > refused, "nothing was refused")
        self.assertEqual((self.redis.exists("noted"), self.count("settled")), (0, settled))
        self.redis.config_set("maxmemory", "0")
        self.assertEqual(self.noted(1), ["full"])

    def test_a_worker_that_dies_between_gather_and_push_is_replaced(self):
        # What it would have left: all results are gathered, it came last, and its job still runs under its name.
        gather = {"id": "gone", "queue": "q", "index": 1, "count": 2, "job_id": "j9", "route": [{"action": "echo", "queue": "y"}]}
        job = json.dumps(["echo", ["b"], "b3", "gone.1", {"gather": gather}])
        for index, result in enumerate(('["a"]', '[["b"]]')):
            self.redis.execute_command("FCALL", "tempest1_gather", 1, "q", "gone", index, 2, result)
        self.redis.execute_command("FCALL", "tempest1_hello", 1, "q", "dead.1", "new", "lease/3000")
        self.redis.hset("{q}:!run:dead.1", mapping={"#": 1, "@": 1, "default.1": job})
        answer = self.inbox("b3")
        self.assertEqual(answer[1:3], ["j9", [["a", ["b"]]]])

    def test_killed_in_the_middle_of_a_route(self):
        worker = WorkerProcess(self.server.url, "z", "--lease", "0.5", "--concurrency", "2")
        try:
            self.client.push("echo", "w", queue="z", route=[["hold_again", "hold_again"], {"action": "both", "queue": "q"}])
            self.redis.blpop("held", 10)
            self.redis.blpop("held", 10)
            worker.signal(signal.SIGKILL)
        finally:
            worker.kill()
        heir = WorkerProcess(self.server.url, "z", "--concurrency", "2")
        self.addCleanup(heir.kill)
        self.redis.blpop("held", 20)
        self.redis.rpush("release:again", 1, 1)
        self.redis.blpop("held", 20)
        self.assertEqual(self.noted(1), ["again again"])


class CallersRoutes(unittest.TestCase):
    def test_what_a_caller_may_write(self):
        step = {"action": "a", "queue": "q", "route": ["b", ("c", {"action": "d"})]}
        self.assertEqual(routes.route_meta(["x", step, ["y", step]])[0], {"action": "x"})
        self.assertEqual(routes.route_meta([step])[0]["route"], [{"action": "b"}, [{"action": "c"}, {"action": "d"}]])
        for route in ("a", ["\n"], [[]], [{"queue": "q"}], [1], ["a"] * 65, [{"action": "a", "queue": "a b"}]):
            self.assertRaises(BadRoute, routes.route_meta, route)
