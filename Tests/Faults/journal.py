"""The file to which every run of a job is written by the worker that runs it, and what the harness has read of it so far.

A line is `<job id> <pid> <ns> begin|end|cancelled`, one write in append mode: SIGKILL tears none.
"""
from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Dict, List, Optional


@dataclass
class Run:
    """One execution: who began it, when (ns by CLOCK_MONOTONIC), and how it ended, if it did."""

    pid: int
    begin: int
    end: Optional[int] = None
    cancelled: bool = False


@dataclass
class Journal:
    path: str
    runs: Dict[str, List[Run]] = field(default_factory=dict)
    last_begin: Dict[int, int] = field(default_factory=dict)  # pid -> ns
    begins: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._rest = b""
        self._file = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def poll(self) -> None:
        """Reads what was written since the last time."""
        with self._lock:
            while True:
                chunk = os.read(self._file, 1 << 20)
                if not chunk:
                    return
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    self._note(line)

    def _note(self, line: bytes) -> None:
        job, pid_text, ns_text, event = line.decode().split(" ")
        pid, ns = int(pid_text), int(ns_text)
        runs = self.runs.setdefault(job, [])
        if event == "begin":
            runs.append(Run(pid, ns))
            self.last_begin[pid] = max(ns, self.last_begin.get(pid, 0))
            self.begins += 1
            return
        for run in runs:
            if run.pid == pid and run.end is None:
                run.end, run.cancelled = ns, event == "cancelled"
                return
        raise RuntimeError(f"the journal ends a run that never began: {line!r}")

    def first_begin_after(self, job: str, ns: int, not_pid: int) -> Optional[int]:
        """When the job was begun next by another process; None: not yet."""
        found = [run.begin for run in self.runs.get(job, []) if run.begin >= ns and run.pid != not_pid]
        return min(found) if found else None

    def close(self) -> None:
        os.close(self._file)
