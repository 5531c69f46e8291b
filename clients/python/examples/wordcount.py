#!/usr/bin/env python3
"""A worker with two actions: `wordcount` counts the lines, words and characters of a text, `echo` returns its arguments.

    REDIS_URL=redis://127.0.0.1:6379 python3 wordcount.py QUEUE... [--concurrency N] [--levels high,default,low]
"""
import argparse
import logging
import os
import re
import sys
from collections import Counter

try:
    import tempest
except ImportError:  # not installed: this is a checkout
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))
    import tempest

LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
WORD = re.compile(r"[^ \t\r\n]+")


def wordcount(text):
    if not isinstance(text, str):
        raise tempest.HandlerError("bad_args", "args[0]: expected text")
    words = Counter(WORD.findall(text.translate(LOWER)))
    top = sorted(words.items(), key=lambda entry: (-entry[1], entry[0].encode("utf-8")))[:10]
    return {
        "language": "python",
        "lines": text.count("\n"),
        "words": sum(words.values()),
        "characters": len(text),
        "top": [[word, count] for word, count in top],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queues", nargs="+", metavar="QUEUE")
    parser.add_argument("--concurrency", type=int, default=1, metavar="N")
    parser.add_argument("--levels", default="high,default,low")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    worker = tempest.Worker(options.queues, levels=options.levels.split(","), concurrency=options.concurrency)
    worker.handler("wordcount")(wordcount)
    worker.handler("echo")(lambda *args: list(args))
    worker.run()


if __name__ == "__main__":
    main()
