"""The table at the end, and the sentences below it."""
from __future__ import annotations

from typing import Any, Dict, List

COLUMNS = ("fault", "faults", "jobs", "lost", "duplicates", "re-runs", "per kill", "p50 ms", "p99 ms", "verdict")


def table(results: List[Dict[str, Any]], lease: float) -> str:
    rows = [row(result) for result in results]
    widths = [max(len(cells[place]) for cells in [COLUMNS, *rows]) for place in range(len(COLUMNS))]

    def line(cells: Any) -> str:
        aligned = [cell.ljust(width) if place in (0, len(COLUMNS) - 1) else cell.rjust(width)
                   for place, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(aligned) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([f"Leases of {lease:g} s.", "", line(COLUMNS), rule, *map(line, rows)])


def row(result: Dict[str, Any]) -> List[str]:
    title = f"mutant {result['mutant']}" if result.get("mutant") else result["title"]
    if result["skipped"]:
        return [title] + ["-"] * 8 + ["skipped"]
    recovery = result["recovery"]
    kills = result["slots"] and result["faults"]

    def ms(name: str) -> str:
        return "-" if recovery[name] is None else f"{recovery[name]:.0f}"

    mutant = result.get("mutant", "")
    good, bad = ("caught", "NOT CAUGHT") if mutant and not mutant.startswith("control") else ("ok", "VIOLATED")
    return [title, str(result["faults"]), str(result["jobs"]), str(result["lost"]), str(result["duplicates"]), str(result["reruns"]),
            f"{result['reruns'] / kills:.2f}" if kills else "-", ms("p50"), ms("p99"), good if result["passed"] else bad]


def verdict_line(result: Dict[str, Any]) -> List[str]:
    """What was violated, and what is worth knowing."""
    name = f"mutant {result['mutant']}" if result.get("mutant") else result["name"]
    lines = [f"{name}: {result['skipped']}"] if result["skipped"] else []
    lines += [f"{name}: VIOLATED: {text}" for text, ok in result["checks"] if not ok]
    lines += [f"{name}: {note}" for note in result["notes"]]
    return lines
