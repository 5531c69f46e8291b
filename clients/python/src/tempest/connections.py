"""Ends connections of a process P on the server's side, so that no BLMOVE of theirs still takes a job.

Used on those of a dead process before it is reaped, and on one's own after a fence and before goodbye.
"""
from __future__ import annotations

from typing import Iterable, List

from .errors import RedisRefused
from .link import Link, run_of


def name_of(process: str) -> str:
    """What a connection of P is called in CLIENT LIST."""
    return f"tempest:{process}"


def cut(link: Link, process: str, identities: Iterable[str]) -> None:
    """Kills those connections ("<run_id>/<client id>") that belong to the server's present run and bear P's name.

    Client ids begin anew with a server, and records may be old: a connection of anybody else must never be hit.
    """
    here = link.identify()
    if here is None:
        return
    ids = [identity.rpartition("/")[2] for identity in identities if run_of(identity) == run_of(here)]
    ids = [id for id in ids if id.isascii() and id.isdigit()]
    try:
        for id in _named(link, process, ids):
            link.call("CLIENT", "KILL", "ID", id)
    except RedisRefused:
        pass  # gone already, or no right to: then its own time-out ends it, and what lands is swept for some minutes


def _named(link: Link, process: str, ids: List[str]) -> List[str]:
    found = []
    if ids:
        for line in bytes(link.call("CLIENT", "LIST", "ID", *ids)).decode("utf-8", "replace").splitlines():
            fields = dict(field.partition("=")[::2] for field in line.split(" "))
            if fields.get("name") == name_of(process) and fields.get("id") in ids:
                found.append(fields["id"])
    return found
