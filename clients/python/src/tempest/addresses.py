"""Where answers go: what a job's `respond_to` may say.

A worker reads it after the envelope and before it looks for a handler; a key is only ever made from what passed here.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

from .keys import is_inbox, is_queue

_DIRECT = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{1,251}\]):([0-9]{1,5})")


@dataclass(frozen=True)
class Address:
    """`kind` is inbox (on the job's own queue), elsewhere (`inbox` on `queue`), direct (a node at `host` and `port`, which a worker answers
    only where it was told to) or invalid."""

    kind: str
    inbox: str = ""
    queue: str = ""
    host: str = ""
    port: int = 0


def parse_address(respond_to: Any) -> Optional[Address]:
    """The address, or None for null: nobody waits."""
    if respond_to is None:
        return None
    if not isinstance(respond_to, str):
        return Address("invalid")
    if is_inbox(respond_to):
        return Address("inbox", respond_to)
    inbox, at, queue = respond_to.partition("@")
    if at:
        return Address("elsewhere", inbox, queue) if is_inbox(inbox) and is_queue(queue) else Address("invalid")
    direct = _DIRECT.fullmatch(respond_to)
    if direct and 1 <= int(direct.group(2)) <= 65535:
        return Address("direct", host=direct.group(1), port=int(direct.group(2)))
    return Address("invalid")
