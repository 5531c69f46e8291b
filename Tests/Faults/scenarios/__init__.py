"""The scenarios by name, in the order of the table. A scenario is a module:

NAME, TITLE; ALONE: it measures times, so nothing else runs beside it; SIZES: {"full": (faults, jobs), "short": (faults, jobs)};
`stage(setting)` makes its stage, `run(stage)` does the harm and checks; `unable()` may say why it cannot run here, `clean()` may
undo what the machine must not keep.
"""
from __future__ import annotations

import importlib
from types import ModuleType
from typing import List

NAMES: List[str] = ["kills", "cuts", "zombies", "host", "stalls", "disk", "twins", "restarts", "slow-disk", "full", "poison", "levels", "flushes",
                    "clock", "slow", "once", "deploy", "front", "front-slow", "front-stream"]


def module(name: str) -> ModuleType:
    return importlib.import_module(f"scenarios.{name.replace('-', '_')}")
