#!/usr/bin/env python3
"""The Python worker: `url`, for a front of node-tempest. REDIS_URL says where Redis is."""
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
# Fronts may be on this machine alone; any_host is the one that stands for their 0.0.0.0.
worker = tempest.Worker("tempest", direct_answers=tempest.AllowedNetworks(["127.0.0.1/32"], any_host="127.0.0.1"))


@worker.handler("url")
def url(request):
    return [200, {"content-type": "text/plain"}, f"{request['method']} {request['url']} by Python\n"]


worker.run()
