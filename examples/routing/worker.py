#!/usr/bin/env python3
"""The Python worker of the route: `clean` and `longest`, on the queue python. REDIS_URL says where Redis is."""
import logging
import os
import sys

try:
    import tempest
except ImportError:  # not installed: this is a checkout
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "..", "clients", "python", "src"))
    import tempest

logging.basicConfig(level=logging.INFO, format="python: %(message)s")
worker = tempest.Worker("python", concurrency=2)


@worker.handler("clean")
def clean(text):
    return " ".join(text.split())


@worker.handler("longest")
def longest(text):
    return max(text.split(), key=len)


worker.run()
