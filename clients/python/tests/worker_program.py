"""A worker in a process of its own, for the tests: worker_program.py QUEUE... [--concurrency N] [--levels …] [--grace S] …"""
import argparse
import asyncio
import ctypes
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time

import checkout  # noqa: F401 -- says where tempest is
import redis
import tempest

parser = argparse.ArgumentParser()
parser.add_argument("queues", nargs="+")
parser.add_argument("--concurrency", type=int, default=1)
parser.add_argument("--levels", default="high,default,low")
parser.add_argument("--grace", type=float, default=10.0)
parser.add_argument("--lease", type=float, default=10.0)
parser.add_argument("--name")
parser.add_argument("--weights", type=json.loads)
parser.add_argument("--unknown-patience", type=float, default=60.0)
options = parser.parse_args()
logging.basicConfig(level=logging.INFO)
client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=60)
worker = tempest.Worker(options.queues, levels=options.levels.split(","), concurrency=options.concurrency, grace=options.grace,
                        lease=options.lease, name=options.name, weights=options.weights,
                        unknown_patience=options.unknown_patience)


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


@worker.handler("child")
def child(word):
    """A child that sleeps, and how this signal ended it; None: it was only stopped."""
    fork = multiprocessing.get_context("fork")
    begun = fork.Event()

    def sleep():
        begun.set()
        time.sleep(30)

    made = fork.Process(target=sleep)
    made.start()
    begun.wait()  # what comes in the moment of the fork Python itself forgets
    os.kill(made.pid, getattr(signal, f"SIG{word}"))
    made.join(2)
    if made.exitcode is None:
        made.kill()
        made.join()
        return None if word == "TSTP" else "it does not end"
    return made.exitcode


@worker.handler("fork_back", context=True)
def fork_back(context, way):
    """The status of a child that comes back from the handler in this way."""
    pid = os.fork()
    if pid:
        context.send("begun")
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if way == "send":
        context.send("from the child")  # on a connection of its own
    if way == "raise":
        raise RuntimeError("in the child")
    if way.startswith("exit"):
        sys.exit(3 if way == "exit" else "what is wrong")


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


@worker.handler("crash")
def crash():
    client.rpush("crashed", os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


@worker.handler("flaky", context=True, attempts=5, backoff=(0.05, 0.1))
def flaky(context, words, good):
    """Fails until the attempt `good`, and spoils its arguments on the way."""
    client.rpush("tried", json.dumps([context.attempt, context.attempts, context.meta.get("last_error"), words]))
    words.append("spoiled")
    if context.attempt < good:
        raise ValueError("not yet")
    return context.attempt


@worker.handler("stubborn")
def stubborn():
    raise tempest.HandlerError("no_way", "never " + "x" * 600)


@worker.handler("picky", attempts=5, backoff=(0, 0), retry_on=(KeyError,))
def picky(kind):
    client.rpush("tried", kind)
    raise KeyError(kind) if kind == "key" else RuntimeError(kind)


@worker.handler("later", context=True, attempts=3)
def later(context, seconds):
    client.rpush("tried", context.attempt)
    raise tempest.Retry(after=seconds, message="the moon is wrong")


@worker.handler("patient", context=True)
def patient(context, word):
    client.rpush("held", word)
    while True:
        context.check()
        time.sleep(0.005)


@worker.handler("deaf")
def deaf(seconds):
    time.sleep(seconds)
    return "done"


@worker.handler("ticker")
def ticker():
    while True:
        yield 1
        time.sleep(0.01)


@worker.handler("sleepy", timeout=0.2)
async def sleepy(word):
    client.rpush("held", word)
    try:
        await asyncio.sleep(60)
    finally:
        client.rpush("woken", word)


@worker.handler("twice_async")
async def twice_async(number):
    await asyncio.sleep(0)
    return number * 2


kept = {}


@worker.handler("keeps")
async def keeps(number):
    """Uses again what an earlier run made: a connection of its loop, and a task that goes on while handlers run."""
    if not kept:
        parent, child = socket.socketpair()
        kept["parent"] = parent
        kept["reader"], kept["writer"] = await asyncio.open_connection(sock=child)
        kept["seen"] = asyncio.Queue()
        kept["task"] = asyncio.create_task(read_on())
    kept["parent"].sendall(bytes([number]))
    return await kept["seen"].get()


async def read_on():
    try:
        while True:
            kept["seen"].put_nowait((await kept["reader"].readexactly(1))[0])
    finally:
        client.rpush("noted", "the task was ended")
        kept["writer"].close()
        kept["parent"].close()


@worker.handler("leaves")
async def leaves():
    await asyncio.sleep(0)
    sys.exit(3)


# Steps of routes.

@worker.handler("first")
def first(word):
    return word


@worker.handler("both")
def both(*words):
    client.rpush("noted", " ".join(words))


@worker.handler("count_words")
def count_words(words):
    return len(words.split()) + 1


@worker.handler("refuse_any")
def refuse_any(*_):
    raise tempest.HandlerError("not_found", "nothing here")


@worker.handler("wordlist")
def wordlist(word):
    return [str(word)]


@worker.handler("flaky_too", context=True, attempts=5, backoff=(0.05, 0.1))
def flaky_too(context, words):
    if context.attempt == 1:
        raise ValueError(f"not yet: {words}")
    return context.attempt


@worker.handler("hold_again")
def hold_again(*_):
    return hold("again")


worker.run()
