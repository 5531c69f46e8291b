"""Makes a process still: no parked connection may land anything, and nothing runs but what is wanted.

The dispatcher uses it before it runs a job alone that crashed its processes before, and when the worker goes quiet.
"""
from __future__ import annotations

import time
from typing import Sequence

from .errors import RedisRefused
from .link import Link
from .station import PARK_SECONDS, Parker, Station


def unpark(link: Link, parkers: Sequence[Parker]) -> None:
    """Returns once none of the parkers waits in Redis; `slots.room` is 0, so none begins again.

    Again and again, for a BLMOVE may be on its way to Redis when it is told to end. Without the right to end it, it ends itself.
    """
    deadline = time.monotonic() + PARK_SECONDS + 1
    while time.monotonic() < deadline:
        parked = [parker for parker in parkers if parker.parked_for is not None]
        if not parked:
            return
        for parker in parked:
            client = parker.client
            if client is not None:
                try:
                    link.call("CLIENT", "UNBLOCK", client)
                except RedisRefused:
                    pass
        time.sleep(0.005)


def return_landed(link: Link, stations: Sequence[Station]) -> None:
    """Gives back what landed before the connections were unparked: it was not begun."""
    for station in stations:
        membership = station.membership
        if membership is not None and not membership.fenced:
            claims = membership.adopt(link)[0]
            if claims:
                membership.giveback(link, claims)
