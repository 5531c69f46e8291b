"""A worker for the tests of rights, whose handlers use no Redis of their own: rights_program.py FOLDER [--lease S]…

What runs leaves a file `<word>` in the folder; a handler that is to wait does so until there is `<word>.go`.
"""
import argparse
import logging
import os
import time
from pathlib import Path

import checkout  # noqa: F401 -- says where tempest is
import tempest

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--lease", type=float, default=10.0)
parser.add_argument("--grace", type=float, default=1.0)
parser.add_argument("--concurrency", type=int, default=4)
parser.add_argument("--without", nargs="*", default=[])
options = parser.parse_args()
logging.basicConfig(level=logging.INFO)
worker = tempest.Worker("q", redis_url=os.environ["REDIS_URL"], concurrency=options.concurrency, grace=options.grace,
                        lease=options.lease)


def handler(action, **rules):
    return worker.handler(action, **rules) if action not in options.without else lambda function: function


@handler("echo")
def echo(*args):
    return list(args)


@handler("count")
def count(to):
    yield from range(to)
    return "end"


@handler("hold", context=True)
def hold(context, word):
    (options.folder / word).touch()
    while not (options.folder / f"{word}.go").exists():
        context.check()
        time.sleep(0.005)
    return word


@handler("rare")
def rare(*args):
    return list(args)


@handler("flaky", context=True, attempts=4, backoff=(0.05, 0.05))
def flaky(context, good):
    if context.attempt < good:
        raise ValueError("not yet")
    return context.attempt


@handler("again", context=True, attempts=2)
def again(context):
    if context.attempt == 1:
        raise tempest.Retry(after=0)
    return context.attempt


@handler("session", context=True)
def session(context):
    visitor = context.session
    visitor.set("user", "anna")
    visitor.set("gone", 1)
    visitor.delete("gone")
    return [visitor.get("user"), visitor.all()]


worker.run()
