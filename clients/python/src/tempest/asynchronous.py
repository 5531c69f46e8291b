"""Runs an asynchronous handler in its handler thread, so that its job can be cancelled and its time-out kept.

execution.py calls it for what can be awaited. A handler thread has one event loop as long as it lives, so that what a handler
keeps for the next job, such as a client with open connections, can be used again by that thread.
"""
from __future__ import annotations

import asyncio
import threading
from typing import Any, Awaitable, Optional, Tuple

from .context import Context
from .errors import JobCancelled


def run(result: Awaitable[Any], context: Context) -> Any:
    """What comes of it. JobCancelled if it was ended because the job is cancelled, or its time over."""
    try:
        value, error = _loop().run_until_complete(_run(result, context))
    except Exception:
        raise
    except BaseException:
        # Of a task that the handler has left: the loop stopped in the middle, and what is in it must not go on under the next job.
        _own.loop = None
        raise
    if error is not None:
        raise error
    return value


def close() -> None:
    """The thread runs no more handlers: ends the tasks that they left, and the loop."""
    loop = getattr(_own, "loop", None)
    if loop is None:
        return
    _own.loop = None
    try:
        loop.run_until_complete(_end_tasks(loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


_own = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    loop: Any = getattr(_own, "loop", None)
    if loop is None:
        loop = _own.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop  # type: ignore[no-any-return]


async def _await(result: Awaitable[Any]) -> Tuple[Any, Optional[BaseException]]:
    """What comes of it, or how it ended: SystemExit and its kind would stop the loop, if they were raised there."""
    try:
        return await result, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error


async def _run(result: Awaitable[Any], context: Context) -> Tuple[Any, Optional[BaseException]]:
    loop = asyncio.get_running_loop()
    task = loop.create_task(_await(result))

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(task.cancel)
        except RuntimeError:
            pass  # the loop is closed: the handler has ended

    context.on_end(wake)
    timer = None if context.remaining is None else loop.call_later(context.remaining + 0.001, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if context.cancelled:
            raise JobCancelled(f"the job {context.job_id} was ended") from None
        raise RuntimeError("the handler cancelled its own task") from None
    finally:
        context.on_end(None)
        if timer is not None:
            timer.cancel()
