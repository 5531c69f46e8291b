"""The answers to one job as its caller gets them: in order, each once, and never from two attempts spliced together.

The rules are those of protocol/answers.md, "One answer, or several". The inbox's reader thread offers answers as they arrive; the
thread that called takes them.
"""
from __future__ import annotations

import time
from collections import deque
from typing import Deque, Dict, Optional, Set

from .envelope import Answer
from .errors import CallTimeout, ClientClosed, RemoteError, TempestError
from .turn import Turn

EARLY_MOST = 10_000  # an answer so many places after the next one is no ordinary reordering


class Reply:
    """`whole` callers want only the last answer; others get each. `used` is how many were taken, `window` how many may wait here (0: any
    number; their worker does not ask)."""

    def __init__(self, whole: bool, window: int = 0) -> None:
        self._whole = whole
        self.window = window
        self._turn = Turn()
        self._ready: Deque[Answer] = deque()
        self._early: Dict[int, Answer] = {}
        self._next = 0
        self._began = False
        self._token: Optional[str] = None
        self._replaced: Set[Optional[str]] = set()
        self.used = 0
        self._ended = self._interrupted = False
        self._failure: Optional[TempestError] = None

    @property
    def is_answered(self) -> bool:
        """Whether the last answer has come: nothing of the job runs any more."""
        return self._ended and not isinstance(self._failure, ClientClosed) and not self._interrupted

    @property
    def is_wanted(self) -> bool:
        """Whether a stream waits for answers that a worker may still make."""
        return not self._whole and not self.is_answered

    @property
    def held(self) -> int:
        """How many answers wait here."""
        return len(self._ready) + len(self._early)

    def offer(self, answer: Answer) -> bool:
        """Takes an answer in; False if it is of no use: it comes too late, twice, or from an attempt that was replaced."""
        with self._turn.lock:
            if self._ended:
                return False
            error = answer.error
            useful = self._accept(answer) if error is None else self._fail(answer, error)
            if useful:
                self._turn.changed()
            return useful

    def close(self) -> None:
        with self._turn.lock:
            self._failure = self._failure or ClientClosed("the client was closed before the answer came")
            self._ended = True
            self._turn.changed()

    def take(self, deadline: Optional[float]) -> Answer:
        """The next answer, waiting until the monotonic `deadline`. CallTimeout, or what the answer's error says."""
        answer = self._turn.wait_for(self._next_ready, None if deadline is None else max(0.0, deadline - time.monotonic()))
        if answer is None:
            raise CallTimeout("no answer came in time; the job may still run")
        return answer

    def _next_ready(self) -> Optional[Answer]:
        if self._ready:
            self.used += 1
            return self._ready.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def _accept(self, answer: Answer) -> bool:
        token = answer.token
        if not self._began:
            self._began, self._token = True, token
        elif token != self._token:
            if token in self._replaced:
                return False
            if self.used:
                self._interrupted = True
                self._end(RemoteError("interrupted", "the job was run again after some of its answers had been used"))
                self._ready.clear()
                return True
            self._replaced.add(self._token)
            self._token, self._next = token, 0
            self._ready.clear()
            self._early.clear()
        if not self._whole:
            return self._put(answer)
        if not answer.more:
            self._ready.append(answer)
            self._ended = True
        return True

    def _fail(self, answer: Answer, error: RemoteError) -> bool:
        """The job has failed, whatever is still missing. What came before that in order is given first."""
        if answer.token is not None and self._began and answer.token != self._token:
            if answer.token in self._replaced:
                return False
            if not self.used:
                self._ready.clear()
        self._end(error)
        return True

    def _end(self, failure: TempestError) -> None:
        self._failure, self._ended = failure, True
        self._early.clear()

    def _put(self, answer: Answer) -> bool:
        # Some workers number none of their answers: without a token they count as they come, and the last one is the last in any case.
        place = self._next if answer.place is None and answer.token is None else answer.seq
        if not answer.more:
            place = max(place, self._next)
        if place < self._next or place in self._early or place - self._next > EARLY_MOST:
            return False
        self._early[place] = answer
        while not self._ended and self._next in self._early:
            ready = self._early.pop(self._next)
            self._ready.append(ready)
            self._next += 1
            self._ended = not ready.more
        if self._ended:
            self._early.clear()
        return True
