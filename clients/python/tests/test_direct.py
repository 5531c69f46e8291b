"""Answers that go straight to the nodes of node-tempest: the vectors, and a worker against nodes that are away, hostile or in doubt."""
import asyncio
import json
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest
from unittest import mock

import checkout  # noqa: F401 -- says where tempest is
from fake_node import OK, TEMPEST, FakeNode, free_port
from redis_server import RedisServer, wait_for
from served import Log, Served
from tagged import exact, from_tagged, load, to_bytes
from tempest import AllowedNetworks, Elements, EnvelopeError, HandlerError, Worker, direct_payload
from tempest.addresses import parse_address
from tempest.direct_line import DirectAnswer
from tempest.direct_link import NoNode, judge, parse_reply
from tempest.direct_rule import DirectRule
from tempest.direct_sender import DirectSender
from tempest.envelope import parse_answer, parse_job, reread_job
from tempest.membership import Claim, Membership
from tempest.redis_commands import is_command

VECTORS = load("direct.json")


def allowed(entry):
    return AllowedNetworks(entry["networks"], **({"any_host": entry["any_host"]} if "any_host" in entry else {}))


class Vectors(unittest.TestCase):
    def test_networks(self):
        for entry in VECTORS["networks"]:
            networks = allowed(entry)
            for host, expected in entry["targets"].items():
                with self.subTest(entry["name"], host=host):
                    target = networks.target(host)
                    self.assertEqual(target and {"name" if target.is_name else "address": target.host}, expected)

    def test_networks_that_are_refused(self):
        for entry in VECTORS["refused_networks"]:
            with self.subTest(entry):
                self.assertRaises(ValueError, allowed, entry)

    def test_commands(self):
        for name in VECTORS["commands"]:
            self.assertTrue(is_command(name) and is_command(name.upper()), name)
        for name in VECTORS["modules"]:
            self.assertTrue(is_command(f"{name}.x") and is_command(f"{name.upper()}.X"), name)

    def test_refusals(self):
        for entry in VECTORS["refusals"]:
            with self.subTest(entry):
                refusal = DirectRule(allowed(entry), entry["redis_port"])(entry["host"], entry["port"], entry["action"])
                self.assertEqual(refusal is None, entry["accepted"], refusal)

    def test_payloads(self):
        for entry in VECTORS["payloads"]:
            with self.subTest(entry["name"]):
                job, answer = reread_job(to_bytes(entry["job"])), parse_answer(to_bytes(entry["answer"]))
                words = direct_payload.words(answer, direct_payload.is_request(job), entry["reads_meta"])
                self.assertEqual(words and [word.decode() for word in words], entry["words"])

    def test_infos(self):
        for entry in VECTORS["infos"]:
            with self.subTest(entry["name"]):
                try:
                    node = "tempest" if judge(parse_reply(to_bytes(entry["reply"]))[0]) else "original"
                except NoNode:
                    node = None
                self.assertEqual(node, entry["node"])

    def test_arguments(self):
        rule = DirectRule(AllowedNetworks([]), None)
        for entry in VECTORS["arguments"]:
            with self.subTest(entry["name"]):
                self.assertEqual(exact(parse_job(to_bytes(entry["job"]), direct=rule).args), exact(from_tagged(entry["args"])))

    def test_without_the_option_a_single_argument_is_no_envelope(self):
        for entry in VECTORS["arguments"]:
            with self.subTest(entry["name"]):
                try:
                    args = parse_job(to_bytes(entry["job"])).args
                except EnvelopeError as error:
                    self.assertEqual(error.reason, "bad_envelope")
                else:
                    self.assertEqual(exact(args), exact(from_tagged(entry["args"])))


class DirectTests(unittest.TestCase):
    NETWORKS = ("127.0.0.1/32",)

    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.server.client.flushdb()

    def serve(self, networks=NETWORKS, concurrency=1, **options):
        """A worker with handlers that the tests need."""
        direct = None if networks is None else AllowedNetworks(list(networks), **options)

        def url(context, request):
            if request["url"] == "/fail":
                raise HandlerError("no_cat", "there is no cat")
            return [200, {"content-type": "text/plain"}, f"you asked for {request['url']}"]

        def parts(context):
            yield "a"
            yield "b"
            return "c"

        async def later(context, value):
            await asyncio.sleep(0)
            context.send(value)
            return value + 1

        def fails(context):
            raise RuntimeError("for the log")

        handlers = {"add": lambda context, a, b: a + b, "one": lambda context, *args: list(args), "url": url, "parts": parts,
                    "later": later, "fails": fails, "nan": lambda context: float("nan")}
        served = Served(self.server, handlers, concurrency, direct_answers=direct)
        self.addCleanup(served.stop)
        return served

    def node(self, *arguments, **options):
        node = FakeNode(*arguments, **options)
        self.addCleanup(node.stop)
        return node

    def push(self, action, args, port, job_id=1, host="127.0.0.1", meta=None):
        job = [action, args, None if port is None else f"{host}:{port}", job_id]
        self.server.client.rpush("q", json.dumps(job + [meta] if meta else job))

    def settled(self, count):
        def counted():
            return int(self.server.client.hget("{q}:!counts", "settled") or 0)
        wait_for(lambda: counted() >= count, f"not {count} are settled", 30)
        self.assertEqual(counted(), count)

    def dead(self):
        return [fields for _, fields in self.server.client.xrange("{q}:!dead")]

    def running(self):
        return [field for key in self.server.client.keys("{q}:!run:*") for field in self.server.client.hkeys(key) if b"." in field]


class Answers(DirectTests):
    def test_an_answer_is_a_command_named_after_the_action_and_a_page_takes_the_place_of_its_args(self):
        node = self.node()
        served = self.serve()
        self.push("add", [2, 3], node.port, 0)  # the original counts from 0
        self.push("url", [{"headers": {}, "method": "GET", "url": "/a"}], node.port, 8)
        self.push("url", [{"headers": {}, "method": "GET", "url": "/fail"}], node.port, 9)
        self.push("parts", [], node.port, 10)
        self.push("later", [5], node.port, 11)
        self.push("fails", [], node.port, 12)  # a failure that a node cannot be told of: the job is settled all the same
        self.push("nan", [], node.port, 13)
        self.push("add", ["x"], node.port, 14)
        self.settled(8)
        # Those of one job come in their order; one job may overtake another.
        self.assertEqual(sorted(node.answers, key=lambda words: int(words[1])), [
            ["add", "0", "[5]"], ["url", "8", '[200,{"content-type":"text/plain"},"you asked for /a"]'],
            ["url", "9", '[500,{"content-type":"text/plain; charset=utf-8"},"Internal Server Error\\n"]'],
            ["parts", "10", '["a"]'], ["parts", "10", '["b"]'], ["parts", "10", '["c"]'], ["later", "11", "[5]"], ["later", "11", "[6]"]])
        self.assertEqual((node.connections, node.infos), (1, [["info"]]))
        self.assertTrue(served.log.said("a node of the original cannot be told of a failure"))
        self.assertEqual(self.running(), [])

    def test_a_node_that_reads_meta_is_told_of_failures_and_of_the_place_of_each_part(self):
        node = self.node(info=TEMPEST)
        self.serve()
        self.push("parts", [], node.port, 1)
        self.push("url", [{"method": "GET", "url": "/fail"}], node.port, 2)
        self.push("unknown", [], node.port, 3, meta={"deadline": 1})
        self.settled(3)
        answers = sorted(node.answers, key=lambda words: words[1])
        self.assertEqual([words[:3] for words in answers],
                         [["parts", "1", '["a"]'], ["parts", "1", '["b"]'], ["parts", "1", '["c"]'], ["url", "2", "[]"]])
        meta = [json.loads(words[3]) for words in answers]
        self.assertEqual([(each.get("more"), each.get("seq")) for each in meta[:3]], [(True, 0), (True, 1), (None, 2)])
        self.assertEqual(len({each["token"] for each in meta[:3]}), 1)
        self.assertEqual(meta[3]["error"], {"code": "no_cat", "message": "there is no cat"})

    def test_any_host_stands_for_what_nodes_write_that_listen_everywhere(self):
        node = self.node()
        self.serve()
        self.push("add", [2, 3], node.port, 7, host="0.0.0.0")
        self.push("add", [2, 4], node.port, 8, host="[::]")
        self.settled(2)
        self.assertEqual(sorted(node.answers), [["add", "7", "[5]"], ["add", "8", "[6]"]])

    def test_any_host_that_is_not_in_the_list_is_not_answered(self):
        node = self.node()
        self.serve(["10.0.0.0/8"])
        self.push("add", [2, 3], node.port, 7, host="0.0.0.0")
        wait_for(self.dead, "it is not dead")
        self.assertEqual(self.dead()[0][b"reason"], b"bad_address")
        self.assertEqual(node.connections, 0)

    def test_a_name_is_looked_up_when_it_is_listed(self):
        node = self.node()
        self.serve(["localhost"])
        self.push("add", [2, 3], node.port, 7, host="LocalHost")
        self.settled(1)
        self.assertEqual(node.answers, [["add", "7", "[5]"]])

    def test_without_the_option_a_direct_address_is_bad_and_nobody_is_connected_to(self):
        node = self.node()
        self.serve(None)
        self.push("add", [2, 3], node.port, 7)
        wait_for(self.dead, "it is not dead")
        self.assertEqual(self.dead()[0][b"reason"], b"bad_address")
        self.assertIn(b"is a direct address: direct answers are not allowed here", self.dead()[0][b"detail"])
        self.assertEqual(node.connections, 0)

    def test_evil_addresses_connect_to_nobody(self):
        node = self.node(host="0.0.0.0")
        self.serve(["10.0.0.0/8", "0.0.0.0/0", "::/0"])
        hosts = ["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.000.000.001", "0.0.0.0", "0", "[::1]",
                 "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.", "127.0.0.2", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
        for number, host in enumerate(hosts):
            self.push("add", [1, 1], node.port, number, host=host)
        for number, place in enumerate([("10.0.0.1", 80), ("10.0.0.1", 6379), ("10.0.0.1", 65536), ("10.0.0.1", 0)]):
            self.push("add", [1, 1], place[1], 100 + number, host=place[0])
        self.push("get", [], 41210, 200, host="10.0.0.1")
        wait_for(lambda: len(self.dead()) == len(hosts) + 5, "not all are dead")
        self.assertEqual({fields[b"reason"] for fields in self.dead()}, {b"bad_address"})
        self.assertEqual(node.connections, 0)

    def test_an_argument_that_is_no_array_is_one_argument(self):
        node = self.node()
        self.serve()
        self.push("one", "World", node.port, 0)
        self.push("one", None, node.port, 1)
        self.push("one", {"a": 1}, node.port, 2)
        self.settled(3)
        self.assertEqual(sorted(node.answers), [["one", "0", '[["World"]]'], ["one", "1", "[[]]"], ["one", "2", '[[{"a":1}]]']])

    def test_a_retry_keeps_the_address_and_the_argument(self):
        node = self.node()
        served = Served(self.server, {}, direct_answers=AllowedNetworks(["127.0.0.1"]))
        self.addCleanup(served.stop)
        tries = []

        @served.worker.handler("again", context=True, attempts=2, backoff=(0.01, 0.01))
        def again(context, value):
            tries.append(value)
            if len(tries) == 1:
                raise RuntimeError("once more")
            return value

        self.push("again", "World", node.port, 0)
        wait_for(lambda: node.answers, "it is not answered")
        self.assertEqual((tries, node.answers), (["World", "World"], [["again", "0", '["World"]']]))

    def test_a_cancelled_job_is_known_by_its_id_also_where_it_is_answered_directly(self):
        node = self.node(info=TEMPEST)
        self.server.load_functions()
        self.server.client.execute_command("FCALL", "tempest1_cancel", 1, "q", "0", 60_000)
        self.push("one", "World", node.port, 0)
        self.serve()
        self.settled(1)
        self.assertEqual(json.loads(node.answers[0][3])["error"]["code"], "cancelled")


@unittest.skipUnless(shutil.which("node") or "CI" in os.environ, "node is not installed")
class Front(unittest.TestCase):
    """Tests/Original/front.js does as node-tempest was found to do."""

    def test_a_front_of_node_tempest_gets_its_pages(self):
        port = free_port()
        server = RedisServer("--port", str(port)).__enter__()
        self.addCleanup(server.stop)

        def url(context, request):
            if request["url"] == "/fail":
                raise HandlerError("no_cat", "a secret")
            return Elements(404 if request["url"] == "/none" else 200, {}, f"{request['method']} {request['url']} by Python")

        served = Served(server, {"url": url}, queue="legacy", direct_answers=AllowedNetworks(["127.0.0.1/32"]))
        self.addCleanup(served.stop)
        front = subprocess.run(["node", str(checkout.ROOT / "Tests" / "Original" / "front.js"), str(port), "legacy", "/a?b=c", "/none", "/fail", "/d"],
                               capture_output=True, text=True, timeout=60)
        self.assertEqual((front.returncode, front.stdout.splitlines()), (0, [
            "got /a?b=c 200 GET /a?b=c by Python", "got /none 404 GET /none by Python", "got /fail 500 Internal Server Error",
            "got /d 200 GET /d by Python", "done"]), front.stderr)


class Nodes(DirectTests):
    """What nodes do to a worker."""

    def test_a_real_redis_is_asked_what_it_is_and_told_nothing(self):
        port = free_port()
        victim = RedisServer("--port", str(port))
        self.addCleanup(victim.stop)
        # What this test's own connection has asked does not count.
        victim.client.config_resetstat()
        served = self.serve()
        self.push("add", [2, 3], port)
        self.settled(1)
        self.assertTrue(served.log.said("what listens there is a Redis, not a node"), served.log.lines)
        self.assertEqual(victim.client.info("errorstats"), {})
        self.assertIn("cmdstat_info", victim.client.info("commandstats"))

    def test_what_is_no_node_is_hung_up_on_and_told_nothing(self):
        served = self.serve()
        for number, entry in enumerate(entry for entry in VECTORS["infos"] if entry["node"] is None):
            with self.subTest(entry["name"]):
                node = self.node(info=to_bytes(entry["reply"]))
                self.push("add", [2, 3], node.port)
                self.settled(number + 1)
                wait_for(lambda: node.open == 0, "it is not hung up on")
                self.assertEqual((node.answers, node.connections, node.resets), ([], 1, 0))
        self.assertEqual(sum("an answer was dropped" in line for line in served.log.lines), number + 1)

    def test_a_node_that_floods_is_dropped_with_one_line(self):
        served = self.serve()
        for number, info in enumerate((b"$99999999\r\n", b"$65537\r\n" + b"x" * 65537, b"+" + b"x" * 70_000, b"\0" * 100), 1):
            with self.subTest(info[:20]):
                self.push("add", [2, 3], self.node(info=info).port)
                self.settled(number)
                self.assertEqual(len([line for line in served.log.lines if "dropped" in line]), number)

    def test_a_node_whose_word_to_an_answer_is_no_resp_is_not_asked_twice(self):
        served = self.serve()
        for count, said in enumerate((b"what?\r\n", b"+" + b"x" * 70_000, b"*1\r\n:1\r\n"), 1):
            with self.subTest(said[:20]):
                node = self.node(lambda number, words, said=said: said)
                self.push("add", [2, 3], node.port)
                self.settled(count)
                self.assertEqual(len(node.answers), 1)
                self.assertEqual(len([line for line in served.log.lines if "dropped" in line]), count)

    def test_an_answer_whose_word_was_lost_is_sent_again_before_the_job_is_settled(self):
        node = self.node(lambda number, words: None if number < 3 else OK)
        self.serve()
        self.push("add", [2, 3], node.port, 7)
        self.settled(1)
        self.assertEqual(node.answers, [["add", "7", "[5]"]] * 3)

    def test_a_node_that_refuses_an_answer_or_waits_no_longer_is_not_asked_twice(self):
        self.serve()
        for count, said in enumerate((b"-ERR no job\r\n", b"+LATE\r\n", b":7\r\n", b"$-1\r\n", b"$2\r\nOK\r\n"), 1):
            with self.subTest(said):
                node = self.node(lambda number, words, said=said: said)
                self.push("add", [2, 3], node.port)
                self.settled(count)
                self.assertEqual(len(node.answers), 1)

    def test_other_jobs_go_on_while_a_node_is_away_or_says_nothing(self):
        away, half = free_port(), self.node(info=b"$21\r\nredis_ver")
        node = self.node()
        self.serve(concurrency=1)
        self.push("add", [1, 1], away, 1)
        self.push("add", [1, 1], half.port, 2)
        for number in range(50):
            self.push("add", [number, 1], node.port, number)
        self.settled(50)
        self.assertEqual(sorted(int(words[1]) for words in node.answers), list(range(50)))

    def test_a_node_that_comes_back_in_time_gets_its_answers(self):
        port = free_port()
        self.serve()
        for number in range(3):
            self.push("add", [number, 0], port, number)
        wait_for(lambda: len(self.running()) == 3, "they do not run")
        node = self.node(port=port)
        self.settled(3)
        self.assertEqual(sorted(node.answers), [["add", str(number), f"[{number}]"] for number in range(3)])

    def test_an_answer_of_a_claim_that_is_lost_while_its_node_is_away_is_neither_sent_nor_settled(self):
        port, runs = free_port(), []
        served = self.serve()

        @served.worker.handler("turn")
        def turn():
            runs.append(1)
            return len(runs)

        self.push("turn", [], port, 7)
        wait_for(lambda: runs, "it does not run")
        self.server.client.delete("{q}:!procs")  # others have taken it for dead, and the job comes again
        wait_for(lambda: served.log.said("fenced: what it ran is dropped") and len(runs) == 2, "nobody notices")
        node = self.node(port=port)
        self.settled(1)
        self.assertEqual(node.answers, [["turn", "7", "[2]"]])

    def test_a_job_goes_back_when_its_worker_is_stopped_while_the_node_is_away(self):
        node = self.node(lambda number, words: None)
        served = self.serve()
        self.push("add", [2, 3], node.port, 7)
        wait_for(lambda: node.answers, "it was not tried")
        served.worker.stop()
        served.worker.stop()
        served.thread.join(20)
        self.assertEqual([json.loads(job)[3] for job in self.server.client.lrange("q", 0, -1)], [7])
        self.assertIsNone(self.server.client.hget("{q}:!counts", "settled"))

    def test_a_handler_that_sends_to_a_node_that_is_away_ends_with_its_worker(self):
        node = self.node(lambda number, words: None)
        served = self.serve()
        self.push("parts", [], node.port, 7)
        wait_for(lambda: node.answers, "it was not tried")
        served.worker.stop()
        served.worker.stop()
        served.thread.join(20)
        self.assertFalse(served.thread.is_alive())
        self.assertEqual([json.loads(job)[3] for job in self.server.client.lrange("q", 0, -1)], [7])


class Senders(unittest.TestCase):
    """The sender alone."""

    def setUp(self):
        self.log = Log()
        logger = logging.getLogger("tempest")
        logger.addHandler(self.log)
        logger.propagate = False
        self.addCleanup(logger.removeHandler, self.log)
        self.membership = Membership("q", ["default"], [], "p", 10.0)
        self.ends = []

    def sender(self, **options):
        sender = DirectSender(DirectRule(AllowedNetworks(["127.0.0.0/8", "::1"]), None), **options)
        self.addCleanup(sender.close)
        return sender

    def claim(self, job_id=1):
        return Claim(self.membership, f"default.{job_id}", "default", json.dumps(["add", [], None, job_id]).encode())

    def send(self, sender, port, job_id=1, host="127.0.0.1"):
        answer = json.dumps(["add", job_id, [5]]).encode()
        sender.send(parse_address(f"{host}:{port}"), DirectAnswer(self.claim(job_id), answer, self.ends.append))

    def tell(self, sender, port, host="127.0.0.1"):
        return sender.tell(parse_address(f"{host}:{port}"), self.claim(), b'["add",1,[5]]')

    def test_a_node_that_is_gone_is_waited_for_once_not_by_each_of_its_answers(self):
        sender, port = self.sender(patience=0.5), free_port()
        start = time.monotonic()
        for number in range(40):
            self.send(sender, port, number)
        wait_for(lambda: len(self.ends) == 40, "they are not given up")
        self.assertGreaterEqual(time.monotonic() - start, 0.45)
        self.assertEqual(self.ends, [True] * 40)
        self.assertEqual(len([line for line in self.log.lines if "an answer was dropped" in line]), 1)
        self.assertIn("answers=40", self.log.lines[-1])
        # What comes later is tried once.
        for _ in range(5):
            self.assertTrue(self.tell(sender, port))

    def test_a_node_that_says_nothing_or_half_a_line_is_given_up_with_one_line_and_without_a_reset(self):
        sender = self.sender(patience=0.1)
        nodes = [FakeNode(info=b""), FakeNode(info=b"$21\r\nredis_ver")]
        for node in nodes:
            self.addCleanup(node.stop)
            self.send(sender, node.port)
        wait_for(lambda: len(self.ends) == 2, "they are not given up")
        for node in nodes:
            wait_for(lambda node=node: node.open == 0, "it is not hung up on")
            self.assertEqual((node.answers, node.resets), ([], 0))
            self.assertEqual(len([line for line in self.log.lines if f"an answer was dropped address=127.0.0.1:{node.port}" in line]), 1)

    def test_connections_end_without_a_reset_also_when_what_came_is_not_read(self):
        with FakeNode() as node:
            sender = self.sender()
            for connections in (1, 2):
                self.tell(sender, node.port)
                self.assertEqual(node.connections, connections)
                node.say(b"+OK\r\n+OK\r\n")  # nobody asked
                line = next(iter(sender._lines.values()))
                wait_for(lambda line=line: line._link.is_stale, "it does not come")
            sender.close()
            wait_for(lambda: node.open == 0, "it is not hung up on")
            self.assertEqual(node.resets, 0)

    def test_a_word_that_comes_too_late_meets_no_connection_that_is_closed(self):
        late = threading.Event()

        def reply(number, words):
            if number == 1:
                late.wait(30)
            return OK

        with mock.patch("tempest.direct_link.ANSWER_SECONDS", 0.2), FakeNode(reply) as node:
            sender = self.sender()
            self.send(sender, node.port)
            wait_for(lambda: node.answers, "it is not sent")
            link = wait_for(lambda: next(iter(sender._lines.values()))._link, "there is no connection")
            wait_for(lambda: next(iter(sender._lines.values()))._link is not link, "it is not given up")
            late.set()
            wait_for(lambda: self.ends, "it is not sent again")
            wait_for(lambda: node.open == 1, "the old connection is open")
            self.assertEqual((self.ends, node.resets), ([True], 0))

    def test_a_claim_that_is_lost_while_the_node_is_away_is_not_settled_and_not_sent(self):
        port = free_port()
        sender = self.sender()
        self.send(sender, port)
        self.membership.fenced = True
        wait_for(lambda: self.ends, "nobody notices")
        self.assertEqual(self.ends, [False])
        with FakeNode(port=port) as node:
            self.assertFalse(self.tell(sender, port))
            self.assertEqual(node.answers, [])

    def test_one_connection_to_a_node_however_many_answers_and_few_nodes_at_once(self):
        with FakeNode(host="0.0.0.0") as node:
            sender = self.sender()
            for number in range(500):
                self.send(sender, node.port, number)
            wait_for(lambda: len(self.ends) == 500, "not all are sent")
            self.assertEqual([int(words[1]) for words in node.answers], list(range(500)))
            self.assertEqual(node.connections, 1)
            for last in range(2, 150):  # each loopback address is another place
                self.assertTrue(self.tell(sender, node.port, f"127.0.0.{last}"))
            self.assertLessEqual(sender.nodes, 64)
            wait_for(lambda: node.open <= 64, "too many are open")

    def test_more_nodes_than_connections_take_turns(self):
        with FakeNode(host="0.0.0.0") as node:
            sender = self.sender()
            for last in range(1, 201):
                self.send(sender, node.port, last, f"127.0.0.{last}")
            wait_for(lambda: len(self.ends) == 200, "some are forgotten")
            self.assertEqual(self.ends, [True] * 200)
            self.assertEqual(sorted(int(words[1]) for words in node.answers), list(range(1, 201)))

    def test_a_connection_that_nothing_goes_over_ends(self):
        with FakeNode() as node:
            sender = self.sender(idle=0.1)
            self.tell(sender, node.port)
            wait_for(lambda: node.open == 0, "it stays")
            self.assertEqual((sender.nodes, node.resets), (0, 0))
            self.assertTrue(self.tell(sender, node.port))
            self.assertEqual(len(node.answers), 2)

    def test_a_node_that_hung_up_meanwhile_gets_the_next_answer_on_a_new_connection_once(self):
        with FakeNode() as node:
            sender = self.sender()
            self.tell(sender, node.port)
            for sock in list(node._sockets):
                sock.shutdown(socket.SHUT_RDWR)
            wait_for(lambda: node.open == 0, "it is not gone")
            self.tell(sender, node.port)
            self.assertEqual((len(node.answers), node.connections), (2, 2))

    def test_handlers_wait_when_a_node_takes_no_more(self):
        sender, port = self.sender(patience=60.0), free_port()
        for number in range(1000):
            self.send(sender, port, number)
        waiting = threading.Thread(target=sender.wait_for_room, args=(parse_address(f"127.0.0.1:{port}"), self.claim()), daemon=True)
        waiting.start()
        sender.wait_for_room(parse_address("127.0.0.2:41210"), self.claim())
        self.assertTrue(waiting.is_alive())
        with FakeNode(port=port) as node:
            waiting.join(30)
            self.assertFalse(waiting.is_alive())
            wait_for(lambda: len(self.ends) == 1000, "they are not sent")
            self.assertEqual(len(node.answers), 1000)

    def test_ipv6(self):
        with FakeNode(host="::1", family=socket.AF_INET6) as node:
            self.assertTrue(self.tell(self.sender(), node.port, "[::1]"))
            self.assertEqual(node.answers, [["add", "1", "[5]"]])

    def test_a_large_answer_arrives_whole(self):
        with FakeNode() as node:
            data = json.dumps(["add", 1, ["x" * 10_000_000]]).encode()
            self.assertTrue(self.sender().tell(parse_address(f"127.0.0.1:{node.port}"), self.claim(), data))
            self.assertEqual(len(node.answers[0][2]), 10_000_004)

    def test_the_option_takes_networks(self):
        with self.assertRaises(ValueError):
            Worker("q", direct_answers=["10.0.0.0/8"])
        with self.assertRaises(ValueError):
            AllowedNetworks("10.0.0.0/8")


if __name__ == "__main__":
    unittest.main()
