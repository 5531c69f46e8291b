#!/usr/bin/python3
"""The harness's caller in Python: calls as a user would, each time with another number, and writes down what became of it.

    REDIS_URL=… call.py QUEUE --record FILE --first NUMBER --threads N --timeout SECONDS

A line is `<number> answered`, `<number> timeout`, or `<number> <error>` for what it was told at once. SIGTERM: no new calls; it ends with the last one.
"""
import argparse
import itertools
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../clients/python/src"))
import tempest  # noqa: E402
from tempest import functions, inbox  # noqa: E402


def keep_position(self):
    """The mistake of a reader that goes on with its own position on a new connection."""
    if self._position is None:
        functions.ensure(self._link)
        self._position = int(functions.call(self._link, "listen", self.queue, self.id))
        with self._turn.lock:
            self._listening, self._trouble = True, None
            self._turn.changed()
    answers = functions.call(self._link, "read", self.queue, self.id, self._position, inbox.READ_MOST, inbox.READ_BYTES)
    for data in answers:
        self._deliver(data)
    self._position += len(answers)
    if not answers:
        key = inbox.inbox_key(self.queue, self.id)
        self._link.call("BLMOVE", key, key, "LEFT", "LEFT", inbox.PARK_SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue")
    parser.add_argument("--record", required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--timeout", type=float, default=20.0)
    parser.add_argument("--mistake", default="")
    options = parser.parse_args()
    if options.mistake == "keep-position":
        inbox.Inbox._read = keep_position
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    record = os.open(options.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    numbers = itertools.count(options.first)
    client = tempest.Client(queue=options.queue, timeout=options.timeout)

    def call():
        while not over.is_set():
            number = next(numbers)
            try:
                answer = client.call("record", number, round(random.uniform(0, 300), 1))
                word = "answered" if answer == number else f"foreign {answer!r}"
            except tempest.CallTimeout:
                word = "timeout"
            except tempest.TempestError as error:
                word = type(error).__name__
                time.sleep(0.02)
            os.write(record, f"{number} {word}\n".encode())

    threads = [threading.Thread(target=call) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()


if __name__ == "__main__":
    main()
