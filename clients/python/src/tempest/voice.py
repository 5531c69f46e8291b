"""What the beat process tells its worker, line by line, without ever waiting for it: the worker may not read for minutes.

A worker whose handler holds the GIL leaves the pipe full; the beat must go on. Of ticks only the latest counts, so each
replaces the one before.
"""
from __future__ import annotations

import json
import os
from collections import deque
from typing import Any, Deque, Dict

MOST = 10_000


class Voice:
    """Writes to a file descriptor that it makes non-blocking. BrokenPipeError from `flush`: nobody listens any more."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._lines: Deque[bytes] = deque(maxlen=MOST)
        self._latest: Dict[str, bytes] = {}
        self._rest = b""

    @property
    def pending(self) -> bool:
        return bool(self._rest or self._lines or self._latest)

    def say(self, word: Dict[str, Any], instead_of: str = "") -> None:
        """A line; with `instead_of`, it takes the place of one of the same name that was not written yet."""
        line = json.dumps(word).encode("ascii") + b"\n"
        if instead_of:
            self._latest[instead_of] = line
        else:
            self._lines.append(line)

    def flush(self) -> None:
        """Writes as much as the pipe takes."""
        while self.pending:
            if not self._rest:
                self._rest = self._lines.popleft() if self._lines else self._latest.pop(next(iter(self._latest)))
            try:
                self._rest = self._rest[os.write(self._descriptor, self._rest):]
            except BlockingIOError:
                return
