"""The jobs that run in this process right now: who they are, for people, and how to reach them, for those who cancel.

Handler threads enter and leave; the heart asks for notes and tells of cancellations.
"""
from __future__ import annotations

import json
import threading
import time
from typing import Dict, List, Optional, Tuple

from .context import Context

NOTE_MOST = 20
REMEMBERED_SECONDS = 60.0
REMEMBERED_MOST = 10_000


class Running:
    """Threads may share it; nothing here waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: Dict[str, Context] = {}
        self._cancelled: Dict[Tuple[str, str], float] = {}
        self._notes: Dict[str, str] = {}

    def enter(self, context: Context) -> None:
        with self._lock:
            self._contexts[context.token] = context
            # The news may have come between the claim and this moment.
            known = bool(self._cancelled) and (context.queue, str(context.job_id)) in self._cancelled
        if known:
            context.cancel()

    def leave(self, context: Context) -> None:
        with self._lock:
            self._contexts.pop(context.token, None)

    def cancel(self, queue: str, job_id: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._cancelled = {key: at for key, at in self._cancelled.items() if at > now - REMEMBERED_SECONDS}
            if len(self._cancelled) < REMEMBERED_MOST:
                self._cancelled[(queue, job_id)] = now
            found = [each for each in self._contexts.values() if each.queue == queue and str(each.job_id) == job_id]
        for context in found:
            context.cancel()

    def of(self, queue: str) -> List[Context]:
        """Those of a queue, the oldest first."""
        with self._lock:
            return [context for context in self._contexts.values() if context.queue == queue]

    def interrupt(self, process: Optional[str] = None) -> None:
        """Ends those of a P that was fenced, or all when the worker's time is over."""
        with self._lock:
            found = [each for each in self._contexts.values() if process is None or each.process == process]
        for context in found:
            context.interrupt()

    def note(self, queue: str, process: str) -> str:
        """What P says of itself, JSON; "" if that is what it said last."""
        contexts = [context for context in self.of(queue) if context.process == process]
        running = [[context.job_id, context.action, context.level, context.started] for context in contexts[:NOTE_MOST]]
        note = json.dumps({"running": running, "count": len(contexts)}, separators=(",", ":"))
        if self._notes.get(process) == note:
            return ""
        self._notes = {process: note, **{other: said for other, said in self._notes.items() if other != process}}
        while len(self._notes) > 100:
            self._notes.popitem()
        return note
