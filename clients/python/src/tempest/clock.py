"""Redis' clock as a process knows it: milliseconds since 1970 by the server, told between two looks by a monotonic clock.

Ticks (or TIME) set it; expiry times, deadlines and what people see of running jobs are read from it, never from the host's clock.
"""
from __future__ import annotations

import time
from typing import Any, Optional

from .link import Link


class RedisClock:
    """Threads may share one. `now` is None until the clock was set."""

    def __init__(self) -> None:
        self._offset: Optional[float] = None
        self.set_at = 0.0

    def set(self, milliseconds: int, at: float) -> None:
        """Redis said so many milliseconds at the monotonic time `at`."""
        self._offset = milliseconds - at * 1000
        self.set_at = at

    def ask(self, link: Link) -> None:
        """Sets the clock by TIME: half of the way there and back counts as past."""
        sent = time.monotonic()
        reply: Any = link.call("TIME")
        self.set(int(reply[0]) * 1000 + int(reply[1]) // 1000, (sent + time.monotonic()) / 2)

    @property
    def now(self) -> Optional[int]:
        offset = self._offset
        return None if offset is None else int(time.monotonic() * 1000 + offset)
