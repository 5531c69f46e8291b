"""The jobs that run in this process right now: who they are, for people, and how to reach them, for those who cancel.

Handler threads enter and leave; the heart asks for notes and tells of cancellations.
"""
from __future__ import annotations

import json
import time
from typing import Dict, List, Optional, Tuple

from .context import Context

NOTE_MOST = 20
REMEMBERED_SECONDS = 60.0
REMEMBERED_MOST = 10_000


class Running:
    """Handler threads `enter` and `leave`; the heart's thread takes `note`; who cancels may be any."""

    def __init__(self) -> None:
        self._contexts: Dict[str, Context] = {}
        self._cancelled: Dict[Tuple[str, str], float] = {}
        self._notes: Dict[str, str] = {}

    def enter(self, context: Context) -> None:
        # One operation on a dict needs no lock, and each run comes by here twice.
        self._contexts[context.token] = context
        # The news may have come between the claim and this moment.
        if self._cancelled and (context.queue, str(context.job_id)) in self._cancelled:
            context.cancel()

    def leave(self, context: Context) -> None:
        self._contexts.pop(context.token, None)

    def cancel(self, queue: str, job_id: str) -> None:
        now = time.monotonic()
        recent = {key: at for key, at in self._cancelled.items() if at > now - REMEMBERED_SECONDS}
        if len(recent) < REMEMBERED_MOST:
            recent[(queue, job_id)] = now
        self._cancelled = recent
        for context in self.of(queue):
            if str(context.job_id) == job_id:
                context.cancel()

    def of(self, queue: str) -> List[Context]:
        """Those of a queue, the oldest first."""
        return [context for context in list(self._contexts.values()) if context.queue == queue]

    def interrupt(self, process: Optional[str] = None) -> None:
        """Ends those of a P that was fenced, or all when the worker's time is over."""
        for context in list(self._contexts.values()):
            if process is None or context.process == process:
                context.interrupt()

    @property
    def all(self) -> List[Context]:
        return list(self._contexts.values())

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
