"""The answers to one job as its caller gets them: in order, each once, and never from two attempts spliced together.

The inbox's reader thread offers answers as they arrive; the thread that called takes them.
"""
from __future__ import annotations

import time
from collections import deque
from typing import Deque, Dict, Optional, Set

from .envelope import Answer
from .errors import CallTimeout, ClientClosed, RemoteError, TempestError
from .turn import Turn


class Reply:
    """`whole` callers want only the last answer; others get each."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole
        self._turn = Turn()
        self._ready: Deque[Answer] = deque()
        self._early: Dict[int, Answer] = {}
        self._next = 0
        self._began = False
        self._token: Optional[str] = None
        self._replaced: Set[Optional[str]] = set()
        self._used = False
        self._ended = False
        self._failure: Optional[TempestError] = None

    def offer(self, answer: Answer) -> bool:
        """Takes an answer in; False if it comes too late to matter."""
        with self._turn.lock:
            if self._ended or not self._same_attempt(answer):
                return False
            if self._whole:
                if not answer.more:
                    self._ready.append(answer)
                    self._ended = True
            else:
                self._put(answer)
            self._turn.changed()
            return True

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
        error = answer.error
        if error is not None:
            raise RemoteError(str(error.get("code", "handler")), str(error.get("message", "")), error.get("details"))
        return answer

    def _next_ready(self) -> Optional[Answer]:
        if self._ready:
            self._used = True
            return self._ready.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def _same_attempt(self, answer: Answer) -> bool:
        """Keeps to the first token; a later one replaces it while none of the first one's answers has been used."""
        token = answer.token
        if not self._began:
            self._began, self._token = True, token
        elif token != self._token:
            if token in self._replaced:
                return False
            if self._used:
                self._failure = RemoteError("interrupted", "the job was run again after some of its answers had been used")
                self._ready.clear()
                self._ended = True
                self._turn.changed()
                return False
            self._replaced.add(self._token)
            self._token, self._next = token, 0
            self._ready.clear()
            self._early.clear()
        return True

    def _put(self, answer: Answer) -> None:
        # A last answer without a seq is still the last: some workers leave it out of errors.
        seq = answer.seq if answer.more else max(answer.seq, self._next)
        if seq < self._next:
            return
        self._early.setdefault(seq, answer)
        while not self._ended and self._next in self._early:
            ready = self._early.pop(self._next)
            self._ready.append(ready)
            self._next += 1
            self._ended = not ready.more
