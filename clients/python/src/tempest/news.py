"""What is said on Redis' channels while it is said: news of the queues, and orders of operators.

A connection of the beat process; nothing depends on it, for the next tick tells what was missed.
"""
from __future__ import annotations

import json
import time
from typing import Any, List, Optional, Sequence, Set, Tuple

import redis

from .errors import RedisUnavailable
from .link import Link

QUIET_SECONDS = 5.0
CONTROL_BYTES = 4096


class News(Link):
    """A link that only listens. `follow` subscribes, `heard` returns what came; both raise as a link does. `listens_anew` says once for each
    connection that Redis has confirmed all that was subscribed to: nothing is missed from there on."""

    def __init__(self, url: str, patience: float) -> None:
        super().__init__(url, patience=patience)
        self._followed: Set[str] = set()
        self._unconfirmed: Set[str] = set()
        self._is_new = False
        self._spoke = 0.0
        self._asked = False

    def fileno(self) -> Optional[int]:
        """The socket to wait on, while there is one."""
        sock = getattr(self._connection, "_sock", None)
        return None if sock is None else sock.fileno()

    def follow(self, channels: Sequence[str]) -> None:
        """Subscribes to those that it does not follow yet."""
        if not self.is_open:
            self._followed, self._unconfirmed, self._is_new = set(), set(), True
            self.open()
            self._spoke, self._asked = time.monotonic(), False
        missing = [channel for channel in channels if channel not in self._followed]
        if missing:
            self._send("SUBSCRIBE", *missing)
            self._followed.update(missing)
            self._unconfirmed.update(missing)
        elif time.monotonic() - self._spoke > QUIET_SECONDS:
            if self._asked:
                self.close()
                raise RedisUnavailable("the connection that listens for news gives no sign of life")
            # A connection that was cut somewhere on the way would be silent for ever.
            self._send("PING")
            self._spoke, self._asked = time.monotonic(), True

    def listens_anew(self) -> bool:
        anew = self._is_new and self.is_open and not self._unconfirmed
        self._is_new = self._is_new and not anew
        return anew

    def heard(self) -> List[Tuple[str, bytes]]:
        """The messages that have come, as (channel, data)."""
        messages: List[Tuple[str, bytes]] = []
        connection = self._connection
        try:
            while connection is not None and len(messages) < 1000 and connection.can_read(0):
                reply = connection.read_response()
                self._spoke, self._asked = time.monotonic(), False
                if isinstance(reply, list) and len(reply) == 3:
                    channel = bytes(reply[1] or b"").decode("utf-8", "replace")
                    if reply[0] == b"message":
                        messages.append((channel, bytes(reply[2])))
                    elif reply[0] == b"subscribe":
                        self._unconfirmed.discard(channel)
        except redis.ResponseError as error:
            self.close()
            raise self._refusal(error) from error
        except (redis.RedisError, OSError) as error:
            self.close()
            raise RedisUnavailable(f"the connection that listens for news broke: {error}") from error
        return messages

    def _send(self, *command: str) -> None:
        try:
            self._connection.send_command(*command, check_health=False)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise RedisUnavailable(f"the connection that listens for news broke: {error}") from error


def order_in(data: bytes, node: str, name: str) -> Optional[str]:
    """What an operator's message tells this node to do, quiet or stop; None if it is for others, or no order."""
    if len(data) > CONTROL_BYTES:
        return None
    try:
        message: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("to") not in (node, name, "*"):
        return None
    return message["do"] if message.get("do") in ("quiet", "stop") else None
