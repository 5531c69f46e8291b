"""What a child of os.fork may not share with its parent: connections, locks that a thread held which the child has not, and work.

Clients and links put down here what they have to forget. A child of a handler that comes back from it is no worker, and ends.
"""
from __future__ import annotations

import os
import sys
import traceback
import weakref
from typing import Optional, Protocol


class Shared(Protocol):
    """Something that another process would spoil."""

    def begin_anew(self) -> None:
        """Called in a child, before anything else runs there: forgets what is the parent's, and tells nobody."""


_all: "weakref.WeakSet[Shared]" = weakref.WeakSet()


def remember(shared: Shared) -> None:
    """Until it is collected, each child makes it begin anew."""
    _all.add(shared)


def end_child(error: Optional[BaseException]) -> None:
    """Ends this process as Python ends a program that returned, or that raised the error; nothing of the parent's is cleaned up."""
    status = 0
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    elif error is not None:
        traceback.print_exception(type(error), error, error.__traceback__)
        status = 1
    for stream in sys.stdout, sys.stderr:
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # closed, or nobody reads it
    os._exit(status & 0xFF)


def _begin_anew() -> None:
    for shared in list(_all):
        shared.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
