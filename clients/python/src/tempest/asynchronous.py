"""Runs an asynchronous handler in its handler thread, so that its job can be cancelled and its time-out kept.

execution.py calls it for what can be awaited; each run has an event loop of its own.
"""
from __future__ import annotations

import asyncio
from typing import Any, Awaitable

from .context import Context
from .errors import JobCancelled


def run(result: Awaitable[Any], context: Context) -> Any:
    """What comes of it. JobCancelled if it was ended because the job is cancelled, or its time over."""
    return asyncio.run(_run(result, context))


async def _await(result: Awaitable[Any]) -> Any:
    return await result


async def _run(result: Awaitable[Any], context: Context) -> Any:
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
