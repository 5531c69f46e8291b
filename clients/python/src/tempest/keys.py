"""The names of Tempest's keys in Redis, made here and nowhere else, and the rules for the names in them.

Producers need `level_key`; callers `inbox_key`; workers the rest, always together with a function of the library.
"""
from __future__ import annotations

import re
import secrets
import time

from .errors import NameRefused

LEVELS = ("high", "default", "low")
QUEUES = "tempest:queues"
NODES = "tempest:nodes"

_QUEUE = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_LEVEL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_INBOX = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PROCESS = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_CHANNEL = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def checked_queue(queue: str) -> str:
    """The queue's name, or NameRefused."""
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise NameRefused(f"a queue is 1 to 128 of A-Z a-z 0-9 _ . -, not {queue!r}")
    return queue


def checked_level(level: str) -> str:
    """The level's name, or NameRefused."""
    if not isinstance(level, str) or not _LEVEL.fullmatch(level):
        raise NameRefused(f"a level is a letter, then up to 127 of A-Z a-z 0-9 _ . -, not {level!r}")
    return level


def checked_action(action: str) -> str:
    """The action's name, or NameRefused."""
    if (not isinstance(action, str) or not 1 <= len(action.encode("utf-8", "surrogatepass")) <= 255
            or any(char < " " or char == "\x7f" for char in action)):
        raise NameRefused(f"an action is 1 to 255 bytes of text without control characters, not {action!r:.300}")
    return action


def checked_channel(channel: str) -> str:
    """The channel's name, or NameRefused."""
    if not isinstance(channel, str) or not _CHANNEL.fullmatch(channel):
        raise NameRefused(f"a channel is 1 to 128 of A-Z a-z 0-9 _ . : -, not {channel!r}")
    return channel


def is_queue(text: str) -> bool:
    return _QUEUE.fullmatch(text) is not None


def is_level(text: str) -> bool:
    return _LEVEL.fullmatch(text) is not None


def is_inbox(text: str) -> bool:
    return _INBOX.fullmatch(text) is not None


def is_process(text: str) -> bool:
    return _PROCESS.fullmatch(text) is not None


def level_key(queue: str, level: str) -> str:
    """The list of the jobs that wait on a level; the bare queue for `default`."""
    return queue if level == "default" else f"{{{queue}}}:{level}"


def inbox_key(queue: str, inbox: str) -> str:
    return f"{{{queue}}}:in:{inbox}"


def history_key(channel: str) -> str:
    """The stream of the events that a channel has kept."""
    return f"tempest:channel:{channel}"


def news_channel(queue: str, database: int) -> str:
    """The channel of a queue's news."""
    return _channel(f"{{{queue}}}:!news", database)


def control_channel(database: int) -> str:
    """The channel on which operators tell nodes what to do."""
    return _channel("tempest:control", database)


def _channel(name: str, database: int) -> str:
    """What is published in one database is heard in all: in all but database 0 a channel has `@n` at its end, which no name has."""
    return f"{name}@{database}" if database else name


def inboxes_key(queue: str) -> str:
    return f"{{{queue}}}:!inboxes"


def connections_key(queue: str, process: str) -> str:
    return f"{{{queue}}}:!cid:{process}"


def run_key(queue: str, process: str) -> str:
    return f"{{{queue}}}:!run:{process}"


def land_key(queue: str, process: str, level: str) -> str:
    return f"{{{queue}}}:!land:{process}:{level}"


def new_id() -> str:
    """A fresh id of 128 random bits, for a job or an inbox: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_process(name: str) -> str:
    """A fresh P: the name, a dot and a ULID, never used twice."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    ulid = "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
    return f"{name}.{ulid}"
