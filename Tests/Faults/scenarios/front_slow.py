"""Clients that are slow on purpose are closed in time, and others at the same front hardly notice them."""
from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any, Dict, List, Tuple

from browsers import Browsers
from scenarios.front import conclude, requests, routes
from stage import Setting, Stage, percentile

NAME = "front-slow"
TITLE = "front: slow clients"
ALONE = True
SIZES = {"full": (2000, 6000), "short": (600, 1500)}  # slow connections; requests at least
BROWSERS = 16
PAUSE = 0.1  # seconds between two requests of a browser: a load that the machine carries easily
SECONDS = 12.0  # within which every slow connection is closed
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stage(setting: Setting) -> Stage:
    return Stage(NAME, TITLE, setting)


def run(stage: Stage) -> None:
    setting = stage.setting
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < setting.faults + 500:
        stage.result.skipped = f"{setting.faults} connections need more than {hard} open files"
        return
    front = stage.open_front(routes(stage))
    stage.crew.hire_mixed(3, 8)
    stage.await_crew()
    stage.browsers = Browsers(front.address, stage.rng_for("browsers"), BROWSERS, 15, largest=4000, streams=0.1, nap=5.0, pause=PAUSE)
    stage.browsers.start()
    stage.eventually("requests are answered", lambda: requests(stage).whole >= 300, 30.0)  # everybody is warm
    quiet = 3.0 if setting.short else 14.0
    before = watch(stage, quiet)
    began = time.monotonic()
    found = slow(stage, front.port)
    during = (began, time.monotonic())
    after = watch(stage, quiet)
    stage.eventually(f"{setting.jobs} requests", lambda: requests(stage).requests >= setting.jobs, 120.0)
    stage.check("every request ends", stage.browsers.finish(60.0), f"{stage.browsers.busy} are under way")
    conclude(stage, setting.faults)
    closings(stage, found)
    # Among other tests the machine is busy, and the slowest request says little: there the median is asked for.
    for name, share, asked in (("p50", 0.5, setting.short), ("p99", 0.99, not setting.short)):
        alone, beside = latency(stage, [before, after], share), latency(stage, [during], share)
        text = f"{alone:.1f} ms without slow clients, {beside:.1f} ms with them"
        stage.result.notes.append(f"the others' {name}: {text}")
        if asked:
            stage.check(f"the others' {name} is less than doubled", beside < 2 * alone, text)


def watch(stage: Stage, seconds: float) -> Tuple[float, float]:
    """A time in which nothing is done but asked and answered; (begin, end)."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        stage.alert()
        time.sleep(0.05)
    return began, time.monotonic()


def latency(stage: Stage, spans: List[Tuple[float, float]], share: float) -> float:
    """ms of the requests that ended in these times."""
    took = sorted(ms for end, ms in requests(stage).ends for a, b in spans if a <= end < b)
    return percentile(took, share) if took else 0.0


def slow(stage: Stage, port: int) -> Dict[str, Any]:
    """All slow clients at once, half with a head that never ends, an eighth with a body that hardly comes, the rest silent; what became of them."""
    count = stage.setting.faults
    heads, bodies = count // 2, count // 8
    words = [sys.executable, os.path.join(HERE, "loris.py"), str(port), str(heads), str(count - heads - bodies), str(bodies), str(SECONDS + 8.0)]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *words], stdout=subprocess.PIPE, text=True)
    try:
        while process.poll() is None:
            stage.alert()
            time.sleep(0.02)
        out, _ = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the slow clients ended with {process.returncode}")
    return json.loads(out.strip().splitlines()[-1])


def closings(stage: Stage, found: Dict[str, Any]) -> None:
    for kind, each in found.items():
        # Short: beside others' builds and tests.
        limit = SECONDS + 6.0 if stage.setting.short else SECONDS
        stage.check(f"every slow client ({kind}) is closed within {limit:g} s",
                    each["closed"] == each["count"] and each["last"] <= limit,
                    f"{each['closed']} of {each['count']} closed, the last after {each['last']:.1f} s")
        answers = ", ".join(f"{count} × {word or 'nothing'}" for word, count in each["answers"].items())
        stage.result.notes.append(f"{each['count']} {kind}: {each['closed']} closed, the last after {each['last']:.1f} s; told {answers}")
