"""The one oracle: what was acknowledged, what ran, what was answered, what is left in Redis; and what follows, by job id."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Dict, List, Set

from inbox import Inbox
from journal import Journal
from producer import Producer, level_key
from wire import ErrorReply, Wire


def job_id(payload: bytes) -> str:
    try:
        return str(json.loads(payload)[3])
    except (ValueError, IndexError, KeyError, TypeError):
        return f"unreadable:{payload[:60]!r}"


def remains(wire: Wire, queue: str) -> Dict[str, List[str]]:
    """Where jobs are in Redis: place -> their ids. `dead` is apart: see `graves`."""
    at = f"{{{queue}}}:!"
    found: Dict[str, List[str]] = {}

    def note(place: str, payloads: List[bytes]) -> None:
        if payloads:
            found.setdefault(place, []).extend(job_id(payload) for payload in payloads)

    levels = {"high", "default", "low"} | {level.decode() for level in wire.call("SMEMBERS", at + "levels")}
    for level in sorted(levels):
        try:
            note("waiting", wire.call("LRANGE", level_key(queue, level), 0, -1))
        except ErrorReply as error:
            if error.word != "WRONGTYPE":
                raise
    for key in wire.call("KEYS", f"{glob(at)}run:*"):
        run = wire.call("HGETALL", key)
        note("running", [run[place + 1] for place in range(0, len(run), 2) if b"." in run[place]])
    for key in wire.call("KEYS", f"{glob(at)}land:*"):
        note("landed", wire.call("LRANGE", key, 0, -1))
    note("suspect", [entry.partition(b":")[2] for entry in wire.call("LRANGE", at + "suspect", 0, -1)])
    note("delayed", [entry.split(b":", 2)[2] for entry in wire.call("ZRANGE", at + "delayed", 0, -1)])
    for key in wire.call("KEYS", f"{glob(at)}unknown:*"):
        note("unknown", [entry.partition(b":")[2] for entry in wire.call("ZRANGE", key, 0, -1)])
    return found


def glob(text: str) -> str:
    return "".join("\\" + char if char in "[]*?\\" else char for char in text)


def graves(wire: Wire, queue: str) -> Dict[str, List[str]]:
    """The dead records: reason -> job ids."""
    found: Dict[str, List[str]] = {}
    for _, fields in wire.call("XRANGE", f"{{{queue}}}:!dead", "-", "+"):
        record = dict(zip(fields[::2], fields[1::2]))
        found.setdefault(record[b"reason"].decode(), []).append(job_id(record[b"job"]))
    return found


@dataclass
class Tally:
    """The oracle's findings. Lists hold job ids."""

    jobs: int = 0
    lost: List[str] = field(default_factory=list)
    duplicates: List[str] = field(default_factory=list)
    reruns: int = 0
    rerun_jobs: List[str] = field(default_factory=list)
    unanswered_runs: int = 0
    left: Dict[str, List[str]] = field(default_factory=dict)
    dead: Dict[str, List[str]] = field(default_factory=dict)
    failed: Dict[str, int] = field(default_factory=dict)
    strangers: List[str] = field(default_factory=list)
    never_ran: List[str] = field(default_factory=list)


def judge(producers: List[Producer], inbox: Inbox, journal: Journal, wire: Wire, queue: str, excused: Set[str]) -> Tally:
    """Call it when nothing moves any more. `excused`: jobs that the scenario destroyed on purpose."""
    journal.poll()
    acknowledged: Set[str] = set()
    known: Set[str] = set()
    for producer in producers:
        acknowledged |= producer.acknowledged.keys()
        known |= producer.acknowledged.keys() | set(producer.unsure)
    tally = Tally(jobs=len(acknowledged), left=remains(wire, queue), dead=graves(wire, queue))
    somewhere = {job for jobs in (*tally.left.values(), *tally.dead.values()) for job in jobs}
    answers = inbox.answers
    # An answer that Redis has forgotten was given all the same.
    answered = answers.keys() | inbox.forgotten
    tally.lost = sorted(job for job in acknowledged if job not in answered and job not in somewhere and job not in excused)
    tally.duplicates = sorted(job for job, each in answers.items() if len(each) > 1)
    tally.strangers = sorted(job for job in answers if job not in known)
    for job, runs in journal.runs.items():
        if len(runs) > 1:
            tally.reruns += len(runs) - 1
            tally.rerun_jobs.append(job)
    for job, each in answers.items():
        for code, _ in each:
            if code is not None:
                tally.failed[code] = tally.failed.get(code, 0) + 1
        if each[0][0] is None and job not in journal.runs:
            tally.never_ran.append(job)
    return tally
