#!/usr/bin/python3
"""The harness's worker in Python: uses the library as a user would, and writes every run to the journal.

    TEMPEST_PROCESS=name REDIS_URL=… record.py QUEUE --journal FILE --concurrency N --lease SECONDS [--actions NAME,…]
"""
import argparse
import hashlib
import inspect
import logging
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../clients/python/src"))
import tempest  # noqa: E402
from tempest import http  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue")
    parser.add_argument("--journal", required=True)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--lease", type=float, default=1.0)
    parser.add_argument("--actions", default="record", help="those that are recorded, separated by commas")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    journal = os.open(options.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(context, event):
        note(context.job_id, event)

    def note(name, event):
        line = f"{name} {os.getpid()} {time.monotonic_ns()} {event}\n".encode()
        if os.write(journal, line) != len(line):
            os.abort()  # a run that is not on record would look like a lost job

    arguments = {"concurrency": options.concurrency, "grace": 5.0}
    known = inspect.signature(tempest.Worker).parameters
    if "lease" in known:
        arguments["lease"] = options.lease
    if os.environ.get("TEMPEST_PROCESS"):
        arguments["name"] = os.environ["TEMPEST_PROCESS"]
    worker = tempest.Worker(options.queue, **arguments)

    def record(context, number, milliseconds, *_):
        write(context, "begin")
        time.sleep(milliseconds / 1000)
        write(context, "end")
        return number

    for action in options.actions.split(","):
        worker.handler(action, context=True)(record)

    @worker.handler("poison", context=True)
    def poison(context, *_):
        write(context, "begin")
        os.kill(os.getpid(), signal.SIGKILL)

    worker.handler("url", context=True)(http.endpoint(lambda request: page(request, note)))
    worker.run()


def page(request, note):
    """What front scenarios ask for: /…/echo, /…/stream (the same in pieces), /…/bytes?seed=S&pieces=N&size=BYTES, and /…/append, which does
    what must not be done twice: it notes the request's id."""
    headers = {"content-type": "application/octet-stream", "x-id": request.headers.get("x-id", "")}
    nap = float(request.query.get("nap", "0")) / 1000
    if request.path.endswith("/bytes"):
        return known(request.query["seed"], int(request.query["pieces"]), int(request.query["size"]), headers)
    if request.path.endswith("/append"):
        note(headers["x-id"], "begin")
        time.sleep(nap)
        note(headers["x-id"], "end")
        return http.answer(200, headers, headers["x-id"].encode())
    body = request.body or b"hello, world\n"
    if request.path.endswith("/stream"):
        return pieces(body, nap, headers)
    time.sleep(nap)
    return http.answer(200, headers, body)


def pieces(body, nap, headers):
    size = len(body) // 7 + 1
    for start in range(0, len(body), size):
        piece = body[start:start + size]
        yield piece if start else http.answer(200, headers, piece)
        time.sleep(nap / 7)


def known(seed, count, size, headers):
    """Pieces that whoever reads them can make, too: the digest of the seed and the piece's number, over and over."""
    for number in range(count):
        piece = hashlib.sha256(f"{seed}/{number}".encode()).digest() * (size // 32)
        yield piece if number else http.answer(200, headers, piece)


if __name__ == "__main__":
    main()
