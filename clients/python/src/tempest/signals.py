"""Signals as orders to a worker, while it runs in the main thread.

SIGTERM and SIGINT stop it, SIGTSTP makes it quiet; worker.py obeys.
"""
from __future__ import annotations

import os
import signal
import threading
from queue import SimpleQueue
from typing import Any, Dict, List

STOP = "stop"
QUIET = "quiet"
_ORDERS = {"SIGTERM": STOP, "SIGINT": STOP, "SIGTSTP": QUIET}


class Signals:
    """Puts orders into the queue, and gives the signals back at the end. Outside the main thread it does nothing."""

    def __init__(self, orders: "SimpleQueue[Any]") -> None:
        self._orders = orders
        self._before: Dict[int, Any] = {}
        self._handlers: List[Any] = []
        self._worker = os.getpid()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for name, order in _ORDERS.items():
                number = getattr(signal, name, None)  # some systems have no SIGTSTP
                if number is not None:
                    handler = self._handler(order)
                    self._handlers.append(handler)
                    self._before[number] = signal.signal(number, handler)

        if self._before and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """In a child that a handler forks: it is not a worker, and signals end it as they end any program."""
        for number in self._before:
            if signal.getsignal(number) in self._handlers:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def __exit__(self, *_: Any) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handler(self, order: str) -> Any:
        def handler(number: int, *_: Any) -> None:
            if os.getpid() == self._worker:
                # The one way to wake a thread that is safe inside a signal handler.
                self._orders.put(order)
            else:
                # Sent to a child before it had forgotten.
                self._forget()
                os.kill(os.getpid(), number)
        return handler
