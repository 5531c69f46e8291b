"""The Redis function library `tempest1`: carried with the package, loaded where it is missing, and called.

Every move of a job is one call of these functions; tempest.lua itself documents their arguments and returns.
"""
from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any

from .errors import RedisRefused, RedisTooOld
from .link import Argument, Link

_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tempest.lua")


@lru_cache(maxsize=None)
def source() -> str:
    """The text of tempest.lua: in a checkout the protocol's own, in an installed package a copy of it."""
    with open(_PATH, encoding="utf-8") as file:
        return file.read()


@lru_cache(maxsize=None)
def revision() -> int:
    """The revision of the library that this package carries."""
    found = re.search(r"^local REVISION = (\d+)$", source(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"{_PATH} does not say its revision")
    return int(found.group(1))


def ensure(link: Link) -> int:
    """Loads the library if the server has none or an older one; never replaces a newer. The revision that is there."""
    try:
        there = int(link.call("FCALL", "tempest1_revision", 0))
    except RedisRefused as refused:
        if is_unknown_command(refused):
            raise RedisTooOld("this server has no functions; Tempest needs Redis 7.0 or newer, or Valkey") from refused
        if not is_missing(refused):
            raise
        there = 0
    if there < revision():
        link.call("FUNCTION", "LOAD", "REPLACE", source())
        there = revision()
    return there


def call(link: Link, name: str, queue: str, *arguments: Argument) -> Any:
    """Calls `tempest1_<name>` for the queue; loads the library first if somebody flushed it away."""
    command = ("FCALL", f"tempest1_{name}", 1, queue, *arguments)
    try:
        return link.call(*command)
    except RedisRefused as refused:
        if not is_missing(refused):
            raise
    ensure(link)
    return link.call(*command)


def is_missing(refused: RedisRefused) -> bool:
    return "Function not found" in str(refused)


def is_unknown_command(refused: RedisRefused) -> bool:
    return "unknown command" in str(refused)
