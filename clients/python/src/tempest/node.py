"""What a worker says of itself in `tempest:nodes`, for people and their tools.

The dispatcher writes it when all queues are joined and with each change; it goes with the worker.
"""
from __future__ import annotations

import json
import os
import socket
from typing import Dict, Optional

from .keys import NODES, new_process
from .link import Link


class Node:
    """`id` is new for each start: the name, a dot and a ULID."""

    def __init__(self, name: str, concurrency: int) -> None:
        self.id = new_process(name)
        self._name = name
        self._concurrency = concurrency
        self._started: Optional[int] = None
        self._written = False

    def write(self, link: Link, state: str, queues: Dict[str, str], now: Optional[int]) -> None:
        """`state` is running, quiet or stopping; `queues` says P of each queue; `now` is Redis' clock."""
        from . import __version__

        self._started = self._started or now
        record = {"name": self._name, "kind": "worker", "language": "python", "version": __version__,
                  "host": socket.gethostname(), "pid": os.getpid(), "started": self._started,
                  "concurrency": self._concurrency, "queues": queues, "state": state}
        self._written = True
        link.call("HSET", NODES, self.id, json.dumps(record, separators=(",", ":")))

    def remove(self, link: Link) -> None:
        if self._written:
            link.call("HDEL", NODES, self.id)
