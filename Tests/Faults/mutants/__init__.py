"""Mistakes that the harness must catch, and two controls without one that it must let pass.

Each is a worker (raw_worker.py), a caller, a supervisor that neglects its duty, or a change of protocol/tempest.lua, played in the scenario where
it does harm. A mutant is caught when one of the checks named here fails.
"""
from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Optional, Tuple

from stage import LIBRARY, Missed, Result, Setting, Stage

RAW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "raw_worker.py")

TAKE = """    reply[#reply + 1] = level
    reply[#reply + 1] = record(run, level, taken)
    reply[#reply + 1] = taken
"""
TRIM = "    redis.call('LTRIM', key, #taken, -1)\n"
AT = "local function at(q, name)"
# Every fortieth time the write that records a claim fails, as any write may.
STUMBLE = "local steps = 0\nlocal function stumble()\n  steps = steps + 1\n  if steps % 40 == 0 then error('stumbled') end\nend\n"


def altered(*changes: Tuple[str, str]) -> str:
    """The library with each text replaced wherever it stands; an error if one does not stand there any more."""
    with open(LIBRARY, encoding="utf-8") as file:
        source = file.read()
    for old, new in changes:
        if old not in source or old == new:
            raise RuntimeError(f"the mutant does not fit protocol/tempest.lua any more: it has no {old!r}")
        source = source.replace(old, new)
    return source


def stumbling() -> str:
    return altered((AT, STUMBLE + AT), (TAKE + TRIM, "    stumble()\n" + TAKE + TRIM))


def lpop_first() -> str:
    """Takes the jobs off their level before they are on record."""
    return altered((AT, STUMBLE + AT), (TAKE + TRIM, TRIM + "    stumble()\n" + TAKE))


def no_fence() -> str:
    return altered(("local function fenced(q, p)\n", "local function fenced(q, p)\n  do return nil end\n"))


def no_allow_oom() -> str:
    return altered(("'allow-oom'", "'allow-stale'"))


def no_mark() -> str:
    """Who takes jobs back does not look whether they were begun."""
    return altered(("    if begun[field] then\n      interrupt(", "    if false then\n      interrupt("))


def no_answer() -> str:
    """Nobody learns of those that were interrupted."""
    return altered(("  if refused then\n    left,", "  if tells then return { moved, left, {}, {} } end\n  if refused then\n    left,"))


def told_once_at_most() -> str:
    """Whoever is named to a reaper counts as told."""
    return altered(("    untold, poisoned, interrupted = to_tell(q, p)\n",
                    "    untold, poisoned, interrupted = to_tell(q, p)\n    redis.call('DEL', at(q, 'untold'), at(q, 'untold:' .. p))\n"))


def not_handed_over() -> str:
    """What was put aside is looked for by nobody."""
    return altered(("  local strays = redis.call('EXISTS', at(q, 'unknown')) == 1\n", "  local strays = false\n"))


def given_up() -> str:
    """What was put aside is given up at once, though a worker comes that knows it."""
    return altered(("return number(ms, 1, 2 ^ 40), action", "return number(ms, 1, 2 ^ 40) and 1, action"),
                   (" or #knowers(q, kind, 1) > 0 then\n", " then\n"))


@dataclass(frozen=True)
class Mutant:
    """`caught_by`: beginnings of the checks that must fail, any of them; empty: a control, in which none may."""

    scenario: str
    what: str
    caught_by: Tuple[str, ...] = ()
    mistake: Optional[str] = None
    library: Optional[Callable[[], str]] = None
    liar: Optional[str] = None
    caller: str = ""
    reaps: bool = True
    short: bool = False
    faults: int = 0
    jobs: int = 0

    def play(self, module: Any, setting: Setting) -> Result:
        from command import play
        setting = replace(setting, library=self.library() if self.library else None, mutant=self.what, liar=self.liar, mistake=self.caller,
                          faults=self.faults or setting.faults, jobs=self.jobs or setting.jobs)
        if self.mistake is None and self.reaps:
            return self.judged(play(module, setting))
        return self.judged(play(_Recast(module, self), setting))

    def judged(self, result: Result) -> Result:
        if not self.caught_by or result.skipped:
            return result
        failed = [text for text, ok in result.checks if not ok]
        caught = [text for text in failed if text.startswith(self.caught_by)]
        result.checks = [("the mutant is caught", bool(caught))]
        result.notes = [f"{self.what}: " + (f"caught by: {'; '.join(caught)}" if caught else "not caught")]
        return result


class _Recast:
    """The scenario with other workers, or another supervisor."""

    def __init__(self, module: Any, mutant: Mutant) -> None:
        self.NAME, self.TITLE = module.NAME, module.TITLE
        self._module, self._mutant = module, mutant

    def stage(self, setting: Setting) -> Stage:
        stage = self._module.stage(setting)
        stage.crew.reaps = self._mutant.reaps
        return stage

    def run(self, stage: Stage) -> None:
        mistake = self._mutant.mistake or "none"

        def hire(stage: Stage, language: str):
            command = [sys.executable, RAW, stage.queue, "--journal", stage.journal.path, "--mistake", mistake]
            return stage.crew.hire(language, command=command)
        self._module.run(stage, hire)


LOSS = ("nothing lost", "nothing left in Redis", "no duplicate answers", "no answers without a run")

MUTANTS: Dict[str, Mutant] = {
    "control-kills": Mutant("kills", "raw workers without a mistake", mistake="none", faults=30, jobs=1500),
    "control-cuts": Mutant("cuts", "raw workers without a mistake", mistake="none", faults=60, jobs=1500),
    "control-stumble": Mutant("cuts", "a library whose writes fail now and then", library=stumbling, faults=20, jobs=1500),
    "blpop": Mutant("kills", "BLPOP fetch", LOSS[:1], mistake="blpop", short=True, faults=20, jobs=800),
    "adopt-by-position": Mutant("cuts", "adopting by position", LOSS, mistake="adopt-by-position", faults=100, jobs=3000),
    "no-reap": Mutant("kills", "no reap on exit", LOSS[:2], mistake="none", reaps=False, faults=20, jobs=800),
    "lpop-first": Mutant("cuts", "LPOP before HSET", LOSS[:1], library=lpop_first, faults=8, jobs=800, short=True),
    "no-fence": Mutant("zombies", "no fence", (*LOSS, "within 5 s: ", "zombies begin nothing more"), library=no_fence, faults=3, jobs=600),
    "no-allow-oom": Mutant("full", "no allow-oom", ("within 10 s: a full Redis drains",), library=no_allow_oom, faults=1, jobs=500),
    "once-unmarked": Mutant("once", "what was begun is taken back", ("no POST or PATCH was carried out twice",), library=no_mark,
                            short=True, faults=9, jobs=400),
    "once-untold": Mutant("once", "callers of interrupted jobs are not told", ("each was told 200",), library=no_answer, faults=9, jobs=400),
    "once-told-at-most-once": Mutant("once", "whoever is named to a reaper counts as told", ("each was told 200",), library=told_once_at_most,
                                     faults=20, jobs=600),
    "not-handed-over": Mutant("deploy", "nobody gets what was put aside", ("within ", "nothing lost", "nothing left in Redis"),
                              library=not_handed_over, faults=1, jobs=400),
    "given-up": Mutant("deploy", "what was put aside is given up at once", ("within ", "nothing dead", "no error answers"), library=given_up,
                       faults=1, jobs=400),
    "keep-position": Mutant("slow-disk", "a caller goes on with its own position when Redis has forgotten", ("what is in the append-only file",),
                            caller="keep-position", faults=24),
    "front-swap": Mutant("front", "a proxy gives two browsers each other's response", ("no response with another request's body",),
                         liar="swap", short=True, faults=2, jobs=200),
    "front-cut": Mutant("front", "a proxy cuts bodies, and their length with them", ("no torn body presented as whole",), liar="cut",
                        short=True, faults=2, jobs=200),
    "front-end": Mutant("front", "a proxy ends answers in chunks before their end", ("no torn body presented as whole",), liar="end",
                        faults=2, jobs=200),
}
