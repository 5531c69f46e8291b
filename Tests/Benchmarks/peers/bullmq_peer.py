"""BullMQ's Python worker: a job is locked, and kept until it is done."""
import asyncio
import os
import signal

from bullmq import Queue, Worker

from stamps import argument, stamp


async def push(jobs):
    queue = Queue("peers", {"connection": os.environ["PEER_URL"]})
    for start in range(0, jobs, 1000):
        await queue.addBulk([
            {"name": "note", "data": argument(number), "opts": {"removeOnComplete": True}}
            for number in range(start, min(start + 1000, jobs))])
    await queue.close()


async def note(_, __):
    stamp()


async def main():
    worker = Worker("peers", note, {"connection": os.environ["PEER_URL"], "concurrency": 10})
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    await asyncio.Event().wait()
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
