"""The command line: which scenarios, how large, with which seed; runs each in a process of its own and prints the table."""
from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

import scenarios
from report import table, verdict_line
from stage import ROOT, Missed, Result, Setting, Stage


def main(program: str) -> int:
    parser = argparse.ArgumentParser(prog="faults", description="Harm done to Tempest's workers and to Redis, and what became of the jobs.")
    parser.add_argument("mode", nargs="?", default="full", choices=["full", "short", "mutants"])
    parser.add_argument("--only", metavar="NAME", help="these scenarios (or mutants), separated by commas: " + ", ".join(scenarios.NAMES))
    parser.add_argument("--seed", type=int, help="of all random choices; without it a new one, which is printed")
    parser.add_argument("--jobs", type=int, help="jobs, instead of the scenario's own number")
    parser.add_argument("--faults", type=int, help="faults, instead of the scenario's own number")
    parser.add_argument("--lease", type=float, default=1.0, help="seconds (1)")
    parser.add_argument("--mutant", metavar="NAME", help="run the mutant's scenario with it; the oracle must complain")
    parser.add_argument("--parallel", type=int, default=3, help="scenarios at once, of those that measure no times (3)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON lines")
    parser.add_argument("--keep", action="store_true", help="keep the folders of logs and journals")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    names = options.only.split(",") if options.only else None
    from mutants import MUTANTS  # the scenarios' registry comes first
    if options.mutant and options.mutant not in MUTANTS:
        parser.error(f"--mutant: one of {', '.join(MUTANTS)}")
    if options.one:
        return run_one(names[0], options, seed)
    tempest = find_tempest()
    environment = {**os.environ, "TEMPEST_BIN": tempest}
    known = list(MUTANTS) if options.mode == "mutants" else scenarios.NAMES
    for name in names or []:
        if name not in known:
            parser.error(f"--only: there is no {name!r}; there are {', '.join(known)}")
    if options.mode == "mutants":
        plan = [(name, MUTANTS[name].scenario) for name in names or known]
    elif options.mutant:
        plan = [(options.mutant, MUTANTS[options.mutant].scenario)]
    else:
        plan = [("", name) for name in names or known]
        if options.mode == "short" and not names:
            plan += [(name, MUTANTS[name].scenario) for name in MUTANTS if MUTANTS[name].short]
    print(f"seed {seed}; lease {options.lease:g} s; {tempest}", file=sys.stderr, flush=True)
    words = [sys.executable, program, options.mode, "--one", "--seed", str(seed), "--lease", str(options.lease)]
    for name in ("jobs", "faults"):
        if getattr(options, name) is not None:
            words += [f"--{name}", str(getattr(options, name))]
    if options.keep:
        words.append("--keep")
    began = time.monotonic()
    results = run_all(words, plan, environment, 1 if sys.stderr.isatty() else options.parallel)
    if options.json:
        for result in results:
            print(json.dumps(result))
    else:
        print(table(results, options.lease))
        for result in results:
            for line in verdict_line(result):
                print(line)
        size = "" if options.mode == "full" else f" {options.mode}"
        print(f"\nseed {seed}; {time.monotonic() - began:.0f} s; again: Tests/Faults/faults{size} --seed {seed}")
    return 0 if all(result["passed"] for result in results) else 1


def find_tempest() -> str:
    """The `tempest` program: TEMPEST_BIN (a file, or the folder it is in), else where Swift builds it."""
    given = os.environ.get("TEMPEST_BIN")
    if not given:
        given = subprocess.run([os.environ.get("SWIFT", "swift"), "build", "--show-bin-path"], cwd=ROOT, check=True,
                               stdout=subprocess.PIPE, text=True).stdout.strip()
    given = os.path.abspath(given)
    found = os.path.join(given, "tempest") if os.path.isdir(given) else given
    if not os.access(found, os.X_OK):
        sys.exit(f"faults: {found} is no program; build it with `swift build --product tempest`, or name it by TEMPEST_BIN")
    return found


def run_all(words: List[str], plan: List[Any], environment: Dict[str, str], parallel: int) -> List[Dict[str, Any]]:
    """Each scenario in a process of its own; those that measure times alone, before the others."""
    order = sorted(range(len(plan)), key=lambda place: not scenarios.module(plan[place][1]).ALONE)
    results: Dict[int, Dict[str, Any]] = {}
    running: Dict[int, Any] = {}
    waiting = list(order)
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                alone = scenarios.module(plan[waiting[0]][1]).ALONE
                if running and (alone or any(scenarios.module(plan[place][1]).ALONE for place in running)):
                    break
                place = waiting.pop(0)
                mutant, name = plan[place]
                command = words + ["--only", name] + (["--mutant", mutant] if mutant else [])
                running[place] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            for place, process in list(running.items()):
                if ended is not None and process.pid == ended.si_pid:
                    out, _ = process.communicate()
                    del running[place]
                    results[place] = read_result(plan[place], out, process.returncode)
                    report(results[place])
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            process.communicate()
    return [results[place] for place in range(len(plan))]


def read_result(planned: Any, out: str, code: int) -> Dict[str, Any]:
    mutant, name = planned
    lines = out.strip().splitlines()
    if not lines:
        title = scenarios.module(name).TITLE
        empty = Result(name, title, 0).as_json()
        empty.update(passed=False, checks=[(f"the harness itself ended with {code}: see above", False)])
        return {**empty, "mutant": mutant}
    return json.loads(lines[-1])


def report(result: Dict[str, Any]) -> None:
    name = f"mutant {result['mutant']}" if result.get("mutant") else result["name"]
    word = "skipped" if result["skipped"] else "ok" if result["passed"] else "FAILED"
    print(f"{word:8}{name} ({result['seconds']:g} s)", file=sys.stderr, flush=True)


def run_one(name: str, options: argparse.Namespace, seed: int) -> int:
    """One scenario in this process; its result is the last line of standard output."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    module = scenarios.module(name)
    short = options.mode != "full"
    faults, jobs = module.SIZES["short" if short else "full"]
    setting = Setting(seed, os.environ["TEMPEST_BIN"], options.lease, options.faults or faults, options.jobs or jobs, short, options.keep)
    if options.mutant:
        from mutants import MUTANTS
        result = MUTANTS[options.mutant].play(module, setting)
    else:
        result = play(module, setting)
    found = {**result.as_json(), "mutant": options.mutant or ""}
    print(json.dumps(found), flush=True)
    return 0 if result.passed else 1


def play(module: Any, setting: Setting) -> Result:
    """The scenario, from its stage to its result."""
    unable = module.unable() if hasattr(module, "unable") else ""
    if unable:
        return Result(module.NAME, module.TITLE, setting.seed, skipped=unable)
    stage: Optional[Stage] = None
    try:
        stage = module.stage(setting)
        try:
            module.run(stage)
        except Missed as missed:
            stage.check(str(missed), False)
            if stage.tally is None:
                # Stopped on the way: what is answered or left is counted as it stands, once nobody moves any more.
                for producer in stage.producers:
                    producer.finish()
                stage.crew.dismiss()
                stage.judge()
                stage.check_usual(left=False)
                stage.result.notes.append("stopped on the way: the counts are those of that moment")
        return stage.result
    finally:
        if stage is not None:
            stage.close()
        if hasattr(module, "clean"):
            module.clean()
