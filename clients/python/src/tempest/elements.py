"""Several elements as one answer: most handlers answer with one value, those of HTTP and of sockets with more, or with none.

A handler returns or yields it, or gives the same to `context.send`; execution.py takes it apart.
"""
from __future__ import annotations

from typing import Any, List


class Elements:
    """What the args of an answer are, as they are: `Elements(200, {"content-type": "text/plain"}, "hello")`, or `Elements()` for
    an answer without any. A list would be one element."""

    __slots__ = ("values",)

    def __init__(self, *values: Any) -> None:
        self.values: List[Any] = list(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Elements) and self.values == other.values

    def __repr__(self) -> str:
        return f"Elements({', '.join(repr(value) for value in self.values)})"


def args_of(value: Any) -> List[Any]:
    """The args of an answer with that value: the value alone, unless it is Elements."""
    return value.values if isinstance(value, Elements) else [value]
