"""Handlers of actions: the function that a program registers, what arguments it takes, and how often it may be tried.

Worker.handler makes them; execution.py calls them, retries.py reads their policy.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, List, Optional, Tuple, Type

from .bounds import milliseconds
from .errors import Retry

FIRST_SECONDS = 15.0
LONGEST_SECONDS = 86400.0


@dataclass(frozen=True)
class Policy:
    """How often a job of an action is tried, and how long. What a job says of itself in its meta goes before.

    `attempts`: at most so many; None: 1 if somebody waits for the answer, else 25. `backoff`: seconds before the second attempt,
    doubled with each, and the longest. `retry_on`: the errors after which there is another. `timeout`: seconds a run may take.
    """

    attempts: Optional[int] = None
    backoff: Tuple[float, float] = (FIRST_SECONDS, LONGEST_SECONDS)
    retry_on: Tuple[Type[BaseException], ...] = (Exception,)
    timeout: Optional[float] = None

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts is 1 or more, not {self.attempts}")
        if len(self.backoff) != 2 or not 0 <= self.backoff[0] <= self.backoff[1]:
            raise ValueError(f"backoff is the first and the longest delay in seconds, not {self.backoff!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout is more than 0 seconds, not {self.timeout}")

    # What is the same for each job is worked out once.

    @cached_property
    def delays(self) -> Tuple[int, int]:
        """`backoff` in milliseconds."""
        return milliseconds(self.backoff[0]), milliseconds(self.backoff[1])

    @cached_property
    def longest_run(self) -> Optional[int]:
        """`timeout` in milliseconds."""
        return None if self.timeout is None else milliseconds(self.timeout, 1)

    @cached_property
    def tries_again_on(self) -> Tuple[Type[BaseException], ...]:
        return (Retry, *self.retry_on)


@dataclass(frozen=True)
class Handler:
    """A handler of an action: the function, its signature, whether it takes a Context first, and its policy."""

    function: Callable[..., Any]
    signature: Optional[inspect.Signature]
    takes_context: bool
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def of(cls, function: Callable[..., Any], takes_context: bool, policy: Policy = Policy()) -> "Handler":
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{function!r} is an asynchronous generator; send several answers by context.send, or from a generator")
        try:
            # As it is called, and not what a decorator has wrapped: that one may be given other arguments.
            signature: Optional[inspect.Signature] = inspect.signature(function, follow_wrapped=False)
        except (TypeError, ValueError):
            signature = None  # some functions written in C have none
        for parameter in signature.parameters.values() if signature else ():
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
                raise TypeError(f"{function!r} can never be called: it needs {parameter.name!r} by name, and jobs have arguments by place")
        return cls(function, signature, takes_context, policy)

    def mismatch(self, args: List[Any]) -> Optional[str]:
        """Why the arguments are not what the function takes, or None."""
        if self.signature is None:
            return None
        try:
            self.signature.bind(*([None] if self.takes_context else []), *args)
        except TypeError as error:
            return f"args: {error}; {len(args)} found"
        return None
