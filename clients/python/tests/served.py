"""A worker in the test's own process, for tests that look at its answers one by one."""
import json
import logging
import threading

from redis_server import wait_for
from tempest import Worker
from tempest.keys import new_id


class Served:
    """Runs a worker with these handlers, each of which gets its context; `job` pushes, `answers` reads what came back."""

    def __init__(self, server, handlers, concurrency=2, queue="q", **options):
        self.redis, self.queue = server.client, queue
        self.worker = Worker(queue, redis_url=server.url, concurrency=concurrency, grace=1.0, **options)
        for action, function in handlers.items():
            self.worker.handler(action, context=True)(function)
        self.log = Log()
        logging.getLogger("tempest").addHandler(self.log)
        logging.getLogger("tempest").setLevel(logging.INFO)
        logging.getLogger("tempest").propagate = False
        self.thread = threading.Thread(target=self.worker.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.log.said("tempest worker ready"), "the worker is not ready")

    def stop(self):
        self.worker.stop()
        self.thread.join(20)
        logging.getLogger("tempest").removeHandler(self.log)
        if self.thread.is_alive():
            raise AssertionError("the worker does not stop")

    def job(self, action, *args, meta=None, inbox=None, job_id=None):
        """Pushes a job; the id of its inbox."""
        inbox = inbox or new_id()
        self.redis.rpush(self.queue, json.dumps([action, list(args), inbox, job_id or new_id(), meta or {}]))
        return inbox

    def inbox(self, inbox):
        return f"{{{self.queue}}}:in:{inbox}"

    def answer(self, inbox, seconds=10):
        """The next answer: (args, meta)."""
        found = self.redis.blpop(self.inbox(inbox), seconds)
        if found is None:
            raise AssertionError("no answer; the log says:\n" + "\n".join(self.log.lines))
        _, _, args, *meta = json.loads(found[1])
        return args, meta[0] if meta else {}

    def answers(self, *job, **options):
        """The args of all answers to a job, and the meta of the last."""
        inbox, args = self.job(*job, **options), []
        while True:
            each, meta = self.answer(inbox)
            args.append(each)
            if not meta.get("more"):
                return args, meta


class Log(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(logging.Formatter().format(record))

    def said(self, words):
        return any(words in line for line in self.lines)
