#!/usr/bin/env python3
"""Publishes an event each second on the channel `news`. It is no worker: whoever reaches Redis may publish."""
import itertools
import os
import signal
import sys
import threading
import time

try:
    import tempest
except ImportError:  # not installed: this is a checkout
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "..", "clients", "python", "src"))
    import tempest

over = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: over.set())

with tempest.Client() as client:
    for tick in itertools.count(1):
        data = {"tick": tick, "time": time.strftime("%H:%M:%S"), "load": round(os.getloadavg()[0], 2)}
        client.publish("news", data, event="tick", keep=100)  # for browsers that come later, or come back
        if over.wait(1):
            break
