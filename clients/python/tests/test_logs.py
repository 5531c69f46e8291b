"""One event is one line (docs/logs.md): each scenario writes exactly the lines that are listed there."""
import logging
import re
import threading
import unittest

from redis_server import RedisServer, wait_for
from served import Log, Served
from tempest import Client, HandlerError, RemoteError, Worker
from worker_process import WorkerProcess


def fields(line):
    """A line's words, and its fields."""
    found = dict(re.findall(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line.splitlines()[0]))
    return re.split(r" [a-z_]+=", line)[0], {name: value.strip('"') for name, value in found.items()}


class Records(Log):
    def emit(self, record):
        self.lines.append((record.levelname, *fields(record.getMessage())))


class Jobs(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.addCleanup(logging.getLogger("tempest").setLevel, logging.NOTSET)

    def lines(self, handlers, do):
        """What a worker has logged, without its start and its end: level, words, fields."""
        served = Served(self.server, handlers, concurrency=1)
        records = Records()
        logging.getLogger("tempest").addHandler(records)
        try:
            with Client(self.server.url, queue="q") as client:
                do(client)
        finally:
            served.stop()
            logging.getLogger("tempest").removeHandler(records)
        return [line for line in records.lines if not line[1].startswith("tempest worker")]

    def settled(self, count):
        wait_for(lambda: int(self.server.client.hget("{q}:!counts", "settled") or 0) >= count, f"{count} were not settled")

    def fails(self, context, *_):
        raise ValueError("the disk\nis full " + "x" * 1000)

    def test_a_failed_attempt_is_one_line_and_the_last_one_another(self):
        def do(client):
            self.job = client.push("fail", attempts=2, backoff=(0.01, 0.01))
            self.settled(2)

        retried, dead = self.lines({"fail": self.fails}, do)
        self.assertEqual(retried[:2], ("WARNING", "a job failed and is tried again"))
        expected = {"queue": "q", "level": "default", "action": "fail", "job_id": self.job, "attempt": "1", "attempts": "2"}
        self.assertEqual({name: retried[2].get(name) for name in expected}, expected)
        self.assertLessEqual(int(retried[2]["delay_ms"]), 10)
        self.assertEqual(dead[:2], ("ERROR", "a job is dead"))
        self.assertEqual({name: dead[2].get(name) for name in expected}, {**expected, "attempt": "2"})
        self.assertEqual(dead[2]["reason"], "exhausted")
        for line in retried, dead:
            self.assertTrue(line[2]["error"].startswith("ValueError: the disk"), line)
            self.assertLessEqual(len(line[2]["error"]), 510)

    def test_a_failure_that_a_caller_hears_of_is_one_line(self):
        def meant(context):
            raise HandlerError("no_luck", "try later")

        def do(client):
            for action in "fail", "meant":
                self.assertRaises(RemoteError, client.call, action)
            self.assertRaises(RemoteError, client.call, "meant", 1)

        fault, told, unfit = self.lines({"fail": self.fails, "meant": meant}, do)
        self.assertEqual((fault[:2], fault[2]["code"]), (("ERROR", "a job failed and its caller is told"), "handler"))
        self.assertEqual((told[:2], told[2]["code"], told[2]["error"]),
                         (("INFO", "a job failed and its caller is told"), "no_luck", "no_luck: try later"))
        self.assertEqual((unfit[:2], unfit[2]["code"]), (("INFO", "a job failed and its caller is told"), "bad_args"))
        self.assertEqual(self.server.client.xlen("{q}:!dead"), 0, "who is told is not recorded")

    def test_bad_input_expired_and_cancelled_jobs_are_one_line_each(self):
        def do(client):
            self.server.client.rpush("q", b"nonsense")
            self.settled(1)
            self.server.client.rpush("q", b'["none",[],null,"late",{"expires_at":1}]')
            self.settled(2)
            client.cancel("gone")
            self.server.client.rpush("q", b'["none",[],null,"gone"]')
            self.settled(3)

        bad, late, cancelled = self.lines({"none": lambda context: None}, do)
        self.assertEqual((bad[:2], bad[2]["reason"]), (("ERROR", "a job is dead"), "bad_codec"))
        self.assertEqual((late[:2], late[2]["job_id"]), (("INFO", "a job came too late and is not run"), "late"))
        self.assertEqual((cancelled[:2], cancelled[2]["job_id"]), (("INFO", "a job was cancelled"), "gone"))

    def test_an_unknown_action_is_named_once(self):
        def do(client):
            for _ in range(3):
                client.push("new")
            wait_for(lambda: self.server.client.hget("{q}:!counts", "unknown") == b"3", "not all were put aside")

        (line,) = self.lines({"old": lambda context: None}, do)
        self.assertEqual(line[:2], ("WARNING", "no handler here for a job's action: it waits for a worker that has one"))
        self.assertEqual((line[2]["action"], line[2]["patience_ms"]), ("new", "60000"))


class Away(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

    def words(self, worker):
        return [fields(line.split(":", 2)[2].strip())[0] for line in worker.log if line.count(":") >= 2]

    def test_a_redis_that_goes_and_comes_back_is_two_lines(self):
        worker = WorkerProcess(self.server.url, "q", "p")
        self.addCleanup(worker.kill)
        self.server.kill()
        wait_for(lambda: worker.said("cannot use Redis; trying again"), "nobody noticed")
        self.server.start()
        wait_for(lambda: worker.said("Redis is back"), "it is not back", 30)
        with Client(self.server.url, queue="q") as client:
            self.assertEqual(client.call("echo", 1), [1])
        worker.signal()
        self.assertEqual(worker.wait(30), 0)
        words = self.words(worker)
        self.assertEqual([words.count(each) for each in ("cannot use Redis; trying again", "Redis is back")], [1, 1], words)
        self.assertEqual(set(words) - {"cannot use Redis; trying again", "Redis is back", "joined again",
                                       "fenced: what it ran is dropped, and a new process begins"},
                         {"tempest worker ready", "tempest worker stopped",
                          "tempest worker stopping: it claims no more jobs; stop it again to give back at once what it runs"},
                         "".join(worker.log))

    def test_a_redis_that_is_not_there_at_the_start_is_one_line(self):
        self.server.kill()
        log = Log()
        logger = logging.getLogger("tempest")
        logger.addHandler(log)
        logger.setLevel(logging.INFO)
        self.addCleanup(logger.setLevel, logging.NOTSET)
        self.addCleanup(logger.removeHandler, log)
        worker = Worker("q", redis_url=self.server.url)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 20)
        self.addCleanup(worker.stop)
        wait_for(lambda: log.said("cannot use Redis"), "it says nothing")
        self.server.start()
        wait_for(lambda: log.said("tempest worker ready"), "it does not begin", 30)
        self.assertEqual(sum("cannot use Redis" in line for line in log.lines), 1, log.lines)


if __name__ == "__main__":
    unittest.main()
