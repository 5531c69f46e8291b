"""Whether a direct address of a job may be answered at all: decided from its text alone, before the job runs and before anything is
looked up. Part of reading an envelope."""
from __future__ import annotations

from typing import Optional

from .networks import AllowedNetworks
from .redis_commands import is_command

LOWEST_PORT = 1024
# Redis, its cluster bus and Sentinel: no node is there.
REDIS_PORTS = (6379, 16379, 26379)


class DirectRule:
    """`redis_port` is that of the worker's own Redis, if it has one."""

    def __init__(self, allowed: AllowedNetworks, redis_port: Optional[int]) -> None:
        self.allowed = allowed
        self._redis_port = redis_port

    def __call__(self, host: str, port: int, action: str) -> Optional[str]:
        """Why the address is refused; None: it is not."""
        if is_command(action):
            return "the answer would be a command of Redis: an action must not be called so"
        if port < LOWEST_PORT:
            return f"no node listens at a port below {LOWEST_PORT}"
        if port == self._redis_port or port in REDIS_PORTS:
            return "no node listens at a port of Redis"
        if self.allowed.target(host) is None:
            return f"the host is not in the networks that may be answered directly ({self.allowed.description})"
        return None
