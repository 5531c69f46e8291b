#!/usr/bin/env python3
"""Answers /api/route with what comes out of a route: clean (Python), then at once count (Ruby), longest (Python) and
shout (Swift), then page (Swift)."""
import logging
import os
import sys

try:
    import tempest
except ImportError:  # not installed: this is a checkout
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "..", "clients", "python", "src"))
    import tempest
from tempest import http

logging.basicConfig(level=logging.INFO, format="%(message)s")
worker = tempest.Worker("router", concurrency=8)
client = tempest.Client(queue="python", timeout=8)


@worker.handler("url", context=True)
@http.endpoint
def route(request):
    text = request.query.get("text", "").strip()[:200]
    if not text:
        return http.text("?text=… is missing", status=400)
    return http.text(client.call("clean", text, route=[
        [{"action": "count", "queue": "ruby"}, "longest", {"action": "shout", "queue": "swift"}],
        {"action": "page", "queue": "swift"}]))


worker.run()
client.close()
