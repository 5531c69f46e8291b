"""arq: a job stays until it is done. It polls; every millisecond here, not every half second as it comes."""
import asyncio
import os

from arq import create_pool
from arq.connections import RedisSettings

from stamps import argument, stamp

SETTINGS = RedisSettings.from_dsn(os.environ["PEER_URL"])


async def note(_, __):
    stamp()


class WorkerSettings:
    functions = [note]
    redis_settings = SETTINGS
    max_jobs = 100
    poll_delay = 0.001
    keep_result = 0
    queue_read_limit = 200
    log_results = False


async def push(jobs):
    pool = await create_pool(SETTINGS)
    numbers = iter(range(jobs))

    async def some():
        for number in numbers:
            await pool.enqueue_job("note", argument(number))

    await asyncio.gather(*[some() for _ in range(32)])
