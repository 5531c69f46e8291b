"""taskiq on Redis streams: a job is acknowledged when it is done."""
import asyncio
import os

from taskiq_redis import RedisStreamBroker

from stamps import argument, stamp

broker = RedisStreamBroker(os.environ["PEER_URL"])


@broker.task(task_name="note")
async def note(_):
    stamp()


async def push(jobs):
    await broker.startup()
    numbers = iter(range(jobs))

    async def some():
        for number in numbers:
            await note.kiq(argument(number))

    await asyncio.gather(*[some() for _ in range(32)])
    await broker.shutdown()
