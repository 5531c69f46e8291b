"""Makes a handler of HTTP jobs of a function that takes a Request: `@worker.handler("url", context=True)` above `@endpoint`.

What the function returns is the answer; a generator yields the answer first and pieces of its body after it. The session's
word to the front goes along with the head.
"""
from __future__ import annotations

import inspect
from typing import Any, Awaitable, Callable, Generator

from ..context import Context
from ..elements import Elements, args_of
from ..session import HEADER
from .request import Request


def endpoint(function: Callable[[Request], Any]) -> Callable[[Context, Any], Any]:
    """The handler. Its function returns what `http.answer` and its kin make, `[status, headers, body]`, or a str: plain text."""
    async def later(result: Awaitable[Any], context: Context) -> Any:
        return _head(await result, context)

    def handler(context: Context, job: Any) -> Any:
        result = function(Request.of(job, context))
        if inspect.isawaitable(result):
            return later(result, context)
        return _stream(result, context) if inspect.isgenerator(result) else _head(result, context)
    return handler


def _stream(generator: Generator[Any, Any, Any], context: Context) -> Generator[Any, Any, Any]:
    try:
        try:
            head = next(generator)
        except StopIteration as end:
            return _head(end.value, context)
        yield _head(head, context)
        last = yield from generator
        return Elements() if last is None else last
    finally:
        generator.close()


def _head(result: Any, context: Context) -> Elements:
    if isinstance(result, str):
        result = Elements(200, {"content-type": "text/plain; charset=utf-8"}, result)
    args = args_of(result)
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        args = list(args[0])
    if not 2 <= len(args) <= 3 or not isinstance(args[1], dict):
        raise TypeError("an endpoint returns http.answer(…), [status, headers, body] or a str; a generator yields that first")
    return Elements(args[0], with_order(args[1], context), *args[2:])


def with_order(headers: Any, context: Context) -> Any:
    """The headers, and in them what the session asks of the front; from here on it is too late to ask."""
    session = context.session
    if session is None:
        return headers
    session.seal()
    return headers if session.order is None else {**headers, HEADER: session.order}
