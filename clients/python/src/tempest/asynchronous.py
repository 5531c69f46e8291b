"""Runs an asynchronous handler in its handler thread, so that its job can be cancelled and its time-out kept.

execution.py calls it for coroutine functions; each run has an event loop of its own.
"""
from __future__ import annotations

import asyncio
from typing import Any, Coroutine

from .context import Context
from .errors import JobCancelled


def run(coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
    """What the coroutine returns. JobCancelled if it was ended because the job is cancelled, or its time over."""
    return asyncio.run(_run(coroutine, context))


async def _run(coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
    loop = asyncio.get_running_loop()
    task = loop.create_task(coroutine)

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
