"""A worker in a process of its own, for the tests: worker_program.py QUEUE... [--concurrency N] [--levels …] [--grace S]"""
import argparse
import ctypes
import logging
import os

import checkout  # noqa: F401 -- says where tempest is
import redis
import tempest

parser = argparse.ArgumentParser()
parser.add_argument("queues", nargs="+")
parser.add_argument("--concurrency", type=int, default=1)
parser.add_argument("--levels", default="high,default,low")
parser.add_argument("--grace", type=float, default=10.0)
options = parser.parse_args()
logging.basicConfig(level=logging.INFO)
client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=60)
worker = tempest.Worker(options.queues, levels=options.levels.split(","), concurrency=options.concurrency, grace=options.grace)


@worker.handler("echo")
def echo(*args):
    return list(args)


@worker.handler("note")
def note(word):
    # This connection is the handler's own: it is cut like all others when a test cuts them, and a handler has to see to it itself.
    for attempt in range(5):
        try:
            client.rpush("noted", word)
            return
        except redis.ConnectionError:
            if attempt == 4:
                raise


@worker.handler("hold")
def hold(word):
    client.rpush("held", word)
    client.blpop(f"release:{word}", 30)
    return word


@worker.handler("hog")
def hog(seconds):
    client.rpush("held", "hog")
    ctypes.PyDLL(None).sleep(seconds)  # a call through PyDLL keeps the GIL
    return seconds


@worker.handler("count")
def count(to):
    for number in range(to):
        yield number
    return "end"


@worker.handler("broken_count")
def broken_count(to):
    for number in range(to):
        yield number
    raise tempest.HandlerError("stopped", "half way")


@worker.handler("twice", context=True)
def twice(context, word):
    context.send(word)
    return [context.action, context.queue, context.level, context.codec, context.meta]


@worker.handler("refuse")
def refuse():
    raise tempest.HandlerError("not_found", "nothing here", {"asked": 1})


@worker.handler("fail")
def fail():
    raise RuntimeError("secret at /etc/passwd")


@worker.handler("set")
def no_value():
    return {1, 2}


worker.run()
