"""One process P on one queue: its claims, by the functions of the library, and what it still holds.

The dispatcher alone claims, adopts and recovers; the settler takes a job out of `held` once Redis has said that its
claim ended. A P that was fenced is never used again: a new Membership takes its place.
"""
from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Iterable, List, Sequence, Set, Tuple

from . import functions
from .errors import RedisRefused
from .keys import QUEUES, new_process, run_key
from .link import Link, run_of

CLAIM_BYTES = 1024 * 1024
CLAIM_MOST = 1000


@dataclass(frozen=True)
class Claim:
    """A claimed job: the `field` of P's run hash names it, `payload` is the envelope's bytes."""

    membership: "Membership"
    field: str
    level: str
    payload: bytes

    @property
    def token(self) -> str:
        """What the answers of this attempt have in common."""
        return f"{self.membership.process}/{self.field}"


class Membership:
    """`process` is P. `fenced` is set by whoever hears FENCED first; the dispatcher then replaces the membership."""

    def __init__(self, queue: str, levels: Sequence[str], name: str) -> None:
        self.queue = queue
        self.levels = tuple(levels)
        self.process = new_process(name)
        self.fenced = False
        self.connections: Set[str] = set()
        self._last_claim = 0
        self._held: Set[str] = set()
        self._lock = threading.Lock()

    def join(self, link: Link) -> None:
        """Registers P, its levels and the queue."""
        functions.ensure(link)
        self._call(link, "hello", "new")
        functions.call(link, "levels", self.queue, *self.levels)
        link.call("SADD", QUEUES, self.queue)

    def connect(self, link: Link) -> None:
        """Registers a connection that parks for P, so that whoever buries P can cut it first."""
        identity = link.identify()
        if identity is not None:
            self.connections.add(identity)
            self._call(link, "hello", "again", identity)

    def claim(self, link: Link, want: int, levels: Sequence[str]) -> Tuple[List[Claim], Set[str], bool]:
        """Up to `want` jobs of the levels, those of them that are closed, and whether they may hold more."""
        number = self._last_claim + 1
        reply = self._call(link, "claim", number, min(want, CLAIM_MOST), CLAIM_BYTES, *levels)
        self._last_claim = number
        claims, closed = self._taken(reply)
        size = sum(len(claim.payload) for claim in claims)
        return claims, closed, len(claims) >= min(want, CLAIM_MOST) or size >= CLAIM_BYTES

    def adopt(self, link: Link) -> Tuple[List[Claim], Set[str]]:
        """What the parked connections dropped; only this may be run, never what BLMOVE returned."""
        return self._taken(self._call(link, "adopt", *self.levels))

    def recover(self, link: Link, numbered: int = -1) -> List[Claim]:
        """After a lost reply: the jobs that P holds and that nobody here has seen. `numbered` is RESYNC's number."""
        with self._lock:
            known = set(self._held)
        # Known is taken before the hash is read: a job that is settled in between is then in the first and not new.
        reply = link.call("HGETALL", run_key(self.queue, self.process))
        fields = {bytes(reply[i]).decode(): reply[i + 1] for i in range(0, len(reply), 2)}
        self._last_claim = numbered if numbered >= 0 else int(fields.get("#", b"0"))
        lost = [field for field in fields if field not in ("#", "@") and field not in known]
        return self._hold(self.ranked([Claim(self, field, field.rpartition(".")[0], fields[field]) for field in lost]))

    def ranked(self, claims: Iterable[Claim]) -> List[Claim]:
        """The claims in the order in which they are to run: by level, and within one as they came."""
        order = {level: place for place, level in enumerate(self.levels)}
        return sorted(claims, key=lambda claim: (order.get(claim.level, len(order)), int(claim.field.rpartition(".")[2])))

    def again(self, link: Link) -> None:
        """Says after a reconnect that P lives."""
        self._call(link, "hello", "again")

    def giveback(self, link: Link, claims: Iterable[Claim]) -> None:
        """Returns jobs that were claimed and not begun to the heads of their levels."""
        fields = [claim.field for claim in claims]
        for field in fields:
            self.ended(field)
        # If this reply is lost, recover finds those that are still P's.
        self._call(link, "giveback", *fields)

    def ended(self, field: str) -> None:
        with self._lock:
            self._held.discard(field)

    def cut(self, link: Link) -> None:
        """Closes every connection that ever parked for P, on the server's side: none may land a job after the end."""
        here = link.identify()
        if here is None:
            return
        for identity in list(self.connections):
            if run_of(identity) == run_of(here):
                try:
                    link.call("CLIENT", "KILL", "ID", identity.rpartition("/")[2])
                except RedisRefused:
                    pass  # gone already, or no right to: then the parkers' own time-out ends it
            self.connections.discard(identity)

    def leave(self, link: Link) -> int:
        """Ends P: what it still holds goes back to the heads. How many jobs that were."""
        return int(self._call(link, "goodbye", *self.levels))

    def _call(self, link: Link, name: str, *arguments: Any) -> Any:
        try:
            return functions.call(link, name, self.queue, self.process, *arguments)
        except RedisRefused as refused:
            if refused.word == "FENCED":
                self.fenced = True
            raise

    def _taken(self, reply: List[Any]) -> Tuple[List[Claim], Set[str]]:
        closed = {bytes(level).decode() for level in reply[0]}
        claims: List[Claim] = []
        for i in range(1, len(reply), 3):
            level, first = bytes(reply[i]).decode(), int(reply[i + 1])
            claims += [Claim(self, f"{level}.{first + n}", level, payload) for n, payload in enumerate(reply[i + 2])]
        return self._hold(claims), closed

    def _hold(self, claims: List[Claim]) -> List[Claim]:
        with self._lock:
            self._held.update(claim.field for claim in claims)
        return claims
