"""Where answers go: what a job's `respond_to` may say.

A worker reads it after the envelope and before it looks for a handler; a key is only ever made from what passed here.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

from .keys import is_inbox, is_queue

_DIRECT = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Address:
    """`kind` is inbox (on the job's own queue), elsewhere (`inbox` on `queue`), direct (host:port, refused in this
    revision) or invalid."""

    kind: str
    inbox: str = ""
    queue: str = ""


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
    if direct and int(direct.group(1)) <= 65535:
        return Address("direct")
    return Address("invalid")
