"""Signals as orders to a worker, while it runs in the main thread.

SIGTERM and SIGINT stop it, SIGTSTP makes it quiet; worker.py obeys.
"""
from __future__ import annotations

import signal
import threading
from queue import SimpleQueue
from typing import Any, Dict

STOP = "stop"
QUIET = "quiet"
_ORDERS = {"SIGTERM": STOP, "SIGINT": STOP, "SIGTSTP": QUIET}


class Signals:
    """Puts orders into the queue, and gives the signals back at the end. Outside the main thread it does nothing."""

    def __init__(self, orders: "SimpleQueue[Any]") -> None:
        self._orders = orders
        self._before: Dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for name, order in _ORDERS.items():
                number = getattr(signal, name, None)  # some systems have no SIGTSTP
                if number is not None:
                    self._before[number] = signal.signal(number, self._handler(order))

    def __exit__(self, *_: Any) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handler(self, order: str) -> Any:
        # SimpleQueue.put is the one way to wake a thread that is safe inside a signal handler.
        return lambda *_: self._orders.put(order)
