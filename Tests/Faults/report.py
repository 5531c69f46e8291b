"""The table at the end, and the sentences below it."""
from __future__ import annotations

from typing import Any, Dict, List

TRAFFIC = ("front", "faults", "requests", "failed", "past deadline", "foreign", "torn", "aborted", "p50 ms", "p99 ms", "max ms", "verdict")
COLUMNS = ("fault", "faults", "jobs", "lost", "duplicates", "re-runs", "per kill", "p50 ms", "p99 ms", "verdict")


def table(results: List[Dict[str, Any]], lease: float) -> str:
    """One of the jobs, and one of the requests at fronts."""
    jobs = [result for result in results if not result.get("traffic")]
    requests = [result for result in results if result.get("traffic")]
    parts = [f"Leases of {lease:g} s."]
    if jobs:
        parts += ["", lines(COLUMNS, [row(result) for result in jobs])]
    if requests:
        parts += ["", lines(TRAFFIC, [traffic_row(result) for result in requests])]
    return "\n".join(parts)


def lines(columns: Any, rows: List[List[str]]) -> str:
    widths = [max(len(cells[place]) for cells in [columns, *rows]) for place in range(len(columns))]

    def line(cells: Any) -> str:
        aligned = [cell.ljust(width) if place in (0, len(columns) - 1) else cell.rjust(width)
                   for place, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(aligned) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(columns), rule, *map(line, rows)])


def row(result: Dict[str, Any]) -> List[str]:
    title = f"mutant {result['mutant']}" if result.get("mutant") else result["title"]
    if result["skipped"]:
        return [title] + ["-"] * 8 + ["skipped"]
    recovery = result["recovery"]
    kills = result["slots"] and result["faults"]

    def ms(name: str) -> str:
        return "-" if recovery[name] is None else f"{recovery[name]:.0f}"

    return [title, str(result["faults"]), str(result["jobs"]), str(result["lost"]), str(result["duplicates"]), str(result["reruns"]),
            f"{result['reruns'] / kills:.2f}" if kills else "-", ms("p50"), ms("p99"), verdict(result)]


def verdict(result: Dict[str, Any]) -> str:
    mutant = result.get("mutant", "")
    good, bad = ("caught", "NOT CAUGHT") if mutant and not mutant.startswith("control") else ("ok", "VIOLATED")
    return good if result["passed"] else bad


def traffic_row(result: Dict[str, Any]) -> List[str]:
    """`aborted` are streams that were visibly broken off: no failure, since nobody takes them for whole."""
    found = result["traffic"]
    title = f"mutant {result['mutant']}" if result.get("mutant") else result["title"]
    counts = [str(found[name]) for name in ("requests", "failed", "late", "foreign", "torn", "aborted")]
    times = ["-" if found[name] is None else f"{found[name]:.0f}" for name in ("p50", "p99", "max")]
    return [title, str(result["faults"]), *counts, *times, verdict(result)]


def verdict_line(result: Dict[str, Any]) -> List[str]:
    """What was violated, and what is worth knowing."""
    name = f"mutant {result['mutant']}" if result.get("mutant") else result["name"]
    lines = [f"{name}: {result['skipped']}"] if result["skipped"] else []
    lines += [f"{name}: VIOLATED: {text}" for text, ok in result["checks"] if not ok]
    lines += [f"{name}: {note}" for note in result["notes"]]
    return lines
