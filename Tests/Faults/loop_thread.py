"""A thread with an event loop of its own, on which a proxy listens. Before it: a scenario. After it: Proxy, Liar."""
from __future__ import annotations

import asyncio
import threading


class LoopThread(threading.Thread):
    """`start` returns once `listen` has; `stop` ends what still runs there."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()

    async def listen(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        super().start()
        self._listening.wait(10.0)

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.listen())
        self._listening.set()
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(5.0)
