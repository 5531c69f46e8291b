"""A long answer in pieces, to a browser that is slow at first: nobody on its way holds more than a little of it, and it comes whole."""
from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from typing import Dict, List, Optional, Tuple

from crew import children
from response import Cut, Garbage, Response, ResponseReader
from stage import Setting, Stage, percentile

NAME = "front-stream"
TITLE = "front: long answers, read slowly"
ALONE = False
PIECE = 256 << 10
SIZES = {"full": (1, 4096), "short": (1, 256)}  # one pause in each; pieces of each answer: 1 GiB, 64 MiB
MOST = 64  # MiB over idle, of each process
DEADLINE = 30
RATE = 16 << 20  # bytes a second at first: slower than any of the workers, so that the queue behind the reader never runs empty
# The languages whose workers here answer in pieces, and the codec each is asked through: through JSON all of it is base64.
STREAMERS = (("swift", "json"), ("ruby", "msgpack"), ("python", "json"), ("swift", "msgpack"), ("ruby", "json"), ("python", "msgpack"))


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


class Digested:
    """A body of which nothing is kept but its length and digest."""

    def __init__(self) -> None:
        self.size, self._digest = 0, hashlib.sha256()

    def __iadd__(self, part: bytes) -> "Digested":
        self._digest.update(part)
        self.size += len(part)
        return self

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


class SlowReader(ResponseReader):
    """Takes the first `slow` bytes at `rate` a second, then nothing for `pause` seconds, and the rest as fast as it comes."""

    def __init__(self, source: asyncio.StreamReader, slow: int, rate: float, pause: float) -> None:
        super().__init__(source, Digested)
        self._slow, self._rate, self._pause = slow, rate, pause
        self._began = time.monotonic()

    async def _more(self, what: str) -> None:
        if self.received < self._slow:
            await asyncio.sleep(max(0.0, self._began + self.received / self._rate - time.monotonic()))
        elif self._pause:
            await asyncio.sleep(self._pause)
            self._pause = 0.0
        await super()._more(what)


class Memory(threading.Thread):
    """Looks at what the processes hold, MiB, until `stop`; `most` over `idle`."""

    def __init__(self, stage: Stage, pids: Dict[str, int]) -> None:
        super().__init__(name="memory", daemon=True)
        self._wire, self._pids = stage.server.wire(), pids
        self._over = threading.Event()
        self.idle = self._look()
        self.most = dict(self.idle)
        self.looks = 0

    def run(self) -> None:
        while not self._over.wait(0.05):
            for name, held in self._look().items():
                self.most[name] = max(self.most[name], held)
            self.looks += 1

    def stop(self) -> Dict[str, float]:
        """name -> MiB over idle at most."""
        self._over.set()
        self.join()
        self._wire.close()
        return {name: round(self.most[name] - held, 1) for name, held in self.idle.items()}

    def _look(self) -> Dict[str, float]:
        held = {name: sum(resident(each) for each in [pid, *children(pid)]) for name, pid in self._pids.items()}
        info = self._wire.call("INFO", "memory").decode()
        held["Redis"] = int(next(line for line in info.splitlines() if line.startswith("used_memory:")).split(":")[1]) / (1 << 20)
        return held


def resident(pid: int) -> float:
    """MiB of memory that the process holds."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def run(stage: Stage) -> None:
    setting = stage.setting
    front = stage.open_front([{"path": f"/{codec}/*", "queue": f"{stage.queue}", "codec": codec, "deadline": DEADLINE}
                              for codec in ("json", "msgpack")])
    tally = {"requests": 0, "whole": 0, "failed": 0, "late": 0, "foreign": 0, "torn": 0, "aborted": 0}
    took: List[float] = []
    streamers = STREAMERS[:3] if setting.short else STREAMERS
    for language, codec in streamers:
        member = stage.crew.hire(language)
        stage.await_crew()
        # Something of everything first: what code and buffers take once is no growth.
        asyncio.run(ask(front.address, target(codec, "warm", 16), 1 << 30, 1e9, 0.0))
        memory = Memory(stage, {"front": front.pid, "worker": member.pid})
        memory.start()
        seed = f"{setting.seed}-{language}-{codec}"
        began = time.monotonic()
        total = setting.jobs * PIECE
        slow, pause = (total // 2, 0.5) if setting.short else (total // 4, 3.0)
        response, problem = asyncio.run(ask(front.address, target(codec, seed, setting.jobs), slow, RATE, pause))
        seconds = time.monotonic() - began
        over = memory.stop()
        verdict = judged(response, problem, seed, setting.jobs)
        tally["requests"] += 1
        tally[verdict] += 1
        took.append(seconds * 1000)
        name = f"{language}, {codec}"
        stage.check(f"{name}: the body is whole", verdict == "whole", problem or verdict)
        for who, grown in over.items():
            stage.check(f"{name}: the {who} holds at most {MOST} MiB over idle", grown <= MOST, f"{grown} MiB over {memory.idle[who]:.0f}")
        stage.check(f"{name}: memory was looked at", memory.looks > 5)
        stage.result.notes.append(f"{name}: {total >> 20} MiB in {seconds:.1f} s; over idle at most " + ", ".join(
            f"{who} {grown} MiB" for who, grown in over.items()))
        stage.crew.dismiss_one(member)
    ordered = sorted(took)
    stage.result.faults, stage.result.jobs = len(streamers), tally["requests"]
    stage.result.traffic = {**tally, "p50": percentile(ordered, 0.5), "p99": percentile(ordered, 0.99), "max": ordered[-1]}
    stage.check("the workers lived and left as they should", not stage.crew.problems, "; ".join(stage.crew.problems[:3]))
    problem = front.stop()
    stage.check("the front leaves as it should", not problem, problem)


def target(codec: str, seed: str, pieces: int) -> str:
    return f"/{codec}/bytes?seed={seed}&pieces={pieces}&size={PIECE}"


async def ask(address: Tuple[str, int], what: str, slow: int, rate: float, pause: float) -> Tuple[Optional[Response], str]:
    """The response, and what was wrong with it as HTTP."""
    source, writer = await asyncio.open_connection(*address, limit=1 << 16)
    try:
        writer.write(f"GET {what} HTTP/1.1\r\nhost: front\r\n\r\n".encode())
        return await asyncio.wait_for(SlowReader(source, slow, rate, pause).read(), 600.0), ""
    except Cut as cut:
        return cut.response, f"cut: {cut}"
    except (Garbage, OSError, asyncio.TimeoutError) as error:
        return None, repr(error)
    finally:
        writer.close()


def judged(response: Optional[Response], problem: str, seed: str, pieces: int) -> str:
    """What became of it: `whole`, or another of the counts."""
    if response is None or response.status != 200:
        return "late" if response is not None and response.status == 504 else "failed"
    if problem:
        return "aborted"
    expected = Digested()
    for number in range(pieces):
        expected += hashlib.sha256(f"{seed}/{number}".encode()).digest() * (PIECE // 32)
    if response.body.size < expected.size:
        return "torn"
    return "whole" if response.body.digest == expected.digest else "foreign"
