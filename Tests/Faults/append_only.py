"""What Redis has written: with `everysec` it replies before that, and a kill makes it forget what it has acknowledged."""
from __future__ import annotations

import glob
import os
from typing import Iterator, Set

from stage import Stage


def contents(stage: Stage) -> Iterator[bytes]:
    """Of the append-only file, which scenarios that look into it never let be rewritten."""
    for path in glob.glob(os.path.join(stage.server.data, "appendonlydir", "*.aof")):
        with open(path, "rb") as file:
            yield file.read()


def never_written(stage: Stage) -> Set[str]:
    """The lost jobs whose ids are nowhere in the file."""
    lost = set(stage.tally.lost) if stage.tally else set()
    for content in contents(stage) if lost else []:
        lost = {job for job in lost if job.encode() not in content}
    return lost
